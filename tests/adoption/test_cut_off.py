"""Adoption cut off anywhere, and gone on with: no gap, no loop, and no frame lost."""

import random
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from tests.adoption.scripted import Kept, planned, rules, run_script, run_scripts, scripts_own, text
from tests.lab import Server, Site, drops, eventually
from tests.loops.traps import Trap, spring
from tests.loops.watch import Watch
from vxland.execution import execute
from vxland.kernel.linux import LinuxKernel
from vxland.outlook import look
from vxland.plan import Plan

pytestmark = [pytest.mark.kernel, pytest.mark.daemon]

SHOUTS = 20  # broadcasts of each container, before each thing that is done and after it
RATE = 1000  # a port that is unguarded for 2 ms would pass something on


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Three servers with the script, one of which is taken over again and again."""
    with Site(tmp_path_factory.mktemp("cut")) as made:
        run_scripts(made)
        yield made


def again(site: Site) -> Server:
    """The first server as its script makes it, and reached by all."""
    server, container = site.servers[0], site.containers[0]
    run_script(server)
    server.sh(f"ip link set {container.port} master vxbr0")
    site.all_reach()
    return server


def go_on(server: Server, *, adopt: bool, most: int | None = None) -> int:
    """Plan, and carry out so many operations of the plan; returns how many there are."""
    with server.entered(), LinuxKernel() as kernel:
        plan = look(server.config, kernel, adopt=adopt).plan
        outcomes = execute(Plan(plan.operations[:most]), kernel)
        assert [str(outcome.failure) for outcome in outcomes if outcome.failure] == []
    return len(plan.operations)


def shouted(watch: Watch) -> None:
    """Wait until each source has shouted some more."""
    targets = {name: source.sent + SHOUTS for name, source in watch.sources.items()}
    eventually(
        lambda: all(watch.sources[name].sent >= sent for name, sent in targets.items()),
        "everybody shouts",
    )


def ports(server: Server) -> set[str]:
    """The tunnels that are up in a bridge."""
    links = server.json("ip -d -j link show type vxlan")
    return {link["ifname"] for link in links if "UP" in link["flags"] and "master" in link}


@contextmanager
def shouting(site: Site) -> Iterator[Watch]:
    """Every container shouts all the time; each frame comes to each other once."""
    before = drops()
    with Watch(site, rate=RATE) as watch:
        shouted(watch)
        yield watch
        shouted(watch)
        watch.stop()
        watch.check()
        if drops() == before:  # else a busy machine threw frames away
            watch.check_complete()


def is_adopted(server: Server, before: Kept) -> None:
    """Nothing is left to do, nor of the script."""
    assert Kept.seen(server) == before
    assert not any(map(scripts_own, rules(server)))
    assert planned(server).in_sync


@pytest.mark.timeout(300)
def test_cut_off_after_each_operation(site: Site) -> None:
    """By whoever goes on then, without adoption or with it: no port goes down, and it arrives."""
    most, whole = 0, 1
    while most < whole:
        server = again(site)
        server.write(text())
        before, up = Kept.seen(server), ports(server)
        with shouting(site) as watch:
            whole = go_on(server, adopt=True, most=most)
            shouted(watch)
            go_on(server, adopt=False)
            assert ports(server) == up
            shouted(watch)
            go_on(server, adopt=True)
        is_adopted(server, before)
        most += 1
    assert most > 5


@pytest.mark.parametrize("seed", [1, 2])
def test_killed_on_the_way(site: Site, seed: int) -> None:
    """Three daemons adopt at once, are killed at some moment, and are started again."""
    chance = random.Random(seed)  # noqa: S311 - chosen to be repeated, no secret
    run_scripts(site)
    before = {server.name: Kept.seen(server) for server in site.servers}
    with shouting(site), ExitStack() as stack:
        traps = [stack.enter_context(Trap(server, chance.randint(1, 8))) for server in site.servers]
        for server in site.servers:
            server.write(text(adopt=True))
            server.start(wait=False)
        assert spring(traps)
        for server in site.servers:
            if server.daemon is None:
                server.start(wait=False)
        for server in site.servers:
            server.settled()
    for server in site.servers:
        is_adopted(server, before[server.name])
        server.stop()


@pytest.mark.parametrize("guard", [["ebtables"], ["nftables"], ["isolated"]])
def test_no_instant_without_a_guard(site: Site, guard: list[str]) -> None:
    """Whichever guard takes the place of the script's rules."""
    run_scripts(site)
    before = {server.name: Kept.seen(server) for server in site.servers}
    with shouting(site):
        for server in site.servers:
            server.write(text(guard=guard))
            done = server.vxland("apply", "--adopt")
            assert done.returncode == 0, done.stdout + done.stderr
    for server in site.servers:
        is_adopted(server, before[server.name])
