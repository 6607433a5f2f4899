"""Three servers, each with a shouting container: whatever happens, no frame comes twice."""

import random
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.lab import Flow, Listener, Server, Site, broadcast, eventually
from tests.lab.site import HEAD, config
from tests.loops.traps import Trap, spring
from tests.loops.watch import Watch

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.daemon,
    pytest.mark.usefixtures("laboratory"),
]

PEERS = (1, 2, 3)
CHANGES = 19  # notifications that the kernel sends while a server is set up from nothing
FOREIGN = "foreign0"
STORM = 3000  # copies of one frame, where two are right: a thirtieth of what half a second brings

TUNNELS = "$(ip -br link show type vxlan | cut -d' ' -f1)"
UNISOLATE = f"for port in {TUNNELS}; do bridge link set dev $port isolated off; done"
FLUSH = "ebtables -F"
NO_TABLE = "nft delete table bridge vxland 2>/dev/null || true"
NOTHING = f"for port in {TUNNELS}; do ip link del $port; done; {FLUSH}; ebtables -X; {NO_TABLE}"


def text(*, peers: tuple[int, ...] = PEERS, **keys: object) -> str:
    """The file for all servers, with these keys in its overlay."""
    lines = "".join(f"{key} = {value!r}\n" for key, value in keys.items())
    return config(peers, HEAD + lines.replace("'", '"'))


@pytest.fixture(scope="module")
def site(laboratory: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Three servers; the bridges are somebody else's, so that the containers are always in them."""
    del laboratory
    with Site(tmp_path_factory.mktemp("site"), len(PEERS)) as made:
        made.add_bridges()
        made.attach_containers()
        yield made


@pytest.fixture
def mesh(site: Site) -> Site:
    """The three servers in sync, whatever the test before left."""
    site.mend()
    site.write(text())
    for server in site.servers:
        if server.daemon is None:
            server.start(wait=False)
    for server in site.servers:
        eventually(server.status, f"{server.name}: the daemon answers")
        server.configure(text())
    site.all_reach()
    return site


def stop_all(site: Site, *, kill: bool = False) -> None:
    """End every daemon."""
    for server in site.servers:
        server.stop(kill=kill)


def start_all(site: Site) -> None:
    """Start every daemon that doesn't run, and wait until all are in sync."""
    for server in site.servers:
        if server.daemon is None:
            server.start(wait=False)
    for server in site.servers:
        server.settled()


def test_broadcast_arrives_exactly_once(mesh: Site) -> None:
    """In a mesh of three every container gets each broadcast of each other once."""
    with Watch(mesh) as watch:
        eventually(lambda: watch.sent() > 300, "some frames were sent")
        watch.stop()
        watch.check_complete()


def test_broadcast_arrives_exactly_once_among_five(laboratory: None, tmp_path: Path) -> None:
    """In a mesh of five, too, whose bridges vxland made."""
    del laboratory
    with Site(tmp_path, 5, prefix="five") as five:
        five.start()
        five.add_containers()
        with Watch(five) as watch:
            eventually(lambda: watch.sent() > 300, "some frames were sent")
            watch.stop()
            watch.check_complete()


def test_without_guards_it_storms(mesh: Site) -> None:
    """The proof that these tests can fail: daemons gone, guards taken away by hand, one frame."""
    stop_all(mesh)
    for server in mesh.servers:
        server.sh(f"{UNISOLATE}; {FLUSH}")
    with Watch(mesh, sources=[]) as watch:
        flow = broadcast(mesh.containers[0])
        try:
            eventually(lambda: watch.underlay.copies(flow) > STORM, "the frame is multiplied")
        finally:
            mesh.cut()
        watch.silence()
        assert all(watch.listeners[c.name].copies(flow) > STORM / 10 for c in mesh.containers[1:])


def test_start(mesh: Site) -> None:
    """Nothing circles while three servers are set up from nothing, nor while they are torn down."""
    stop_all(mesh)
    with Watch(mesh) as watch:
        for server in mesh.servers:
            assert server.vxland("down").returncode == 0
        start_all(mesh)
        mesh.all_reach()
        watch.stop()
        watch.check()


def test_restart(mesh: Site) -> None:
    """No frame is lost, and none comes twice, while daemons are stopped, killed and started."""
    one, two, three = mesh.containers
    with ExitStack() as stack:
        watch = stack.enter_context(Watch(mesh))
        listeners = [stack.enter_context(Listener(container)) for container in (one, two, three)]
        flows = [
            stack.enter_context(Flow(source, listener.mac))
            for source, listener in zip((two, three, one), listeners, strict=True)
        ]
        for server in mesh.servers:
            server.stop(kill=True)
            server.start(wait=False)
            server.settled()
        for kill in (False, True):
            stop_all(mesh, kill=kill)
            start_all(mesh)
        for flow in flows:
            flow.stop()
        watch.stop()
        copies = [tap.copies(flow.number) for flow, tap in zip(flows, listeners, strict=True)]
        assert copies == [1, 1, 1]
        watch.check_complete()
        for flow, listener in zip(flows, listeners, strict=True):
            flow.all_arrive(listener)
        assert all(flow.sent > 1000 for flow in flows)


def test_peer_removed_and_added(mesh: Site) -> None:
    """One server less and one more: nothing circles, and the other two lose nothing."""
    one, two, _ = mesh.containers
    with ExitStack() as stack:
        watch = stack.enter_context(Watch(mesh))
        listener = stack.enter_context(Listener(two))
        flow = stack.enter_context(Flow(one, listener.mac))
        for peers in ((1, 2), PEERS):
            for server in mesh.servers[:2]:
                server.configure(text(peers=peers))
        mesh.all_reach()
        flow.stop()
        watch.stop()
        watch.check()
        assert listener.copies(flow.number) == 1
        flow.all_arrive(listener)


GUARDS = [
    ["isolated"],
    ["ebtables"],
    ["nftables"],
    ["isolated", "ebtables"],
    ["nftables"],
    ["ebtables"],
    ["isolated"],
    ["nftables"],
    ["isolated"],
    ["ebtables", "nftables"],
    ["isolated", "ebtables"],
]


def test_guard_changed(mesh: Site) -> None:
    """From each guard to each other, server by server: nothing circles, and nothing is lost."""
    with Watch(mesh) as watch:
        for guards in GUARDS:
            for server in mesh.servers:
                server.configure(text(guard=guards))
        watch.stop()
        watch.check_complete()


@pytest.mark.parametrize(
    "guards", [["isolated"], ["ebtables"], ["nftables"], ["isolated", "ebtables"]]
)
def test_vnis_changed(mesh: Site, guards: list[str]) -> None:
    """Every tunnel is made anew, server by server, with other VNIs and names, there and back.

    One source shouts very often: a port would pass something on if it were up for 2 ms unguarded.
    """
    with Watch(mesh, mesh.containers[:1], rate=1000) as watch:
        for vni in ("index", "pair"):
            for server in mesh.servers:
                server.configure(text(vni=vni, guard=guards))
            mesh.all_reach()
        watch.stop()
        watch.check()


def _guarded(server: Server) -> bool:
    ports = server.json("ip -d -j link show type vxlan")
    isolated = all(port["linkinfo"]["info_slave_data"]["isolated"] for port in ports)
    return isolated and "-o vxl-+ -j DROP" in server.sh("ebtables-save")


@pytest.mark.parametrize("deed", [FLUSH, "nft flush ruleset", NO_TABLE])
def test_the_table_alone_is_flushed_everywhere(mesh: Site, deed: str) -> None:
    """Where the kernel has owners (6.9), nobody else can do that, and nothing comes through."""
    for server in mesh.servers:
        server.configure(text(guard=["nftables"]))
    if "flags owner" not in mesh.servers[0].sh("nft list table bridge vxland"):
        pytest.skip("this kernel has no flag persist (6.9)")
    with Watch(mesh) as watch:
        for server in mesh.servers:
            server.sh(deed)
        watch.stop()
        watch.check_complete()


@pytest.mark.parametrize("deed", [UNISOLATE, FLUSH])
def test_one_guard_taken_away_everywhere(mesh: Site, deed: str) -> None:
    """With one guard gone on every server at once the other one holds until it is put back."""
    with Watch(mesh) as watch:
        for server in mesh.servers:
            server.sh(deed)
        for server in mesh.servers:
            eventually(lambda server=server: _guarded(server), "the guard is back")  # type: ignore[misc]
        watch.stop()
        watch.check_complete()


def test_both_guards_taken_away_on_one_server(mesh: Site) -> None:
    """The one server passes frames on until its guards are back, and the others no further.

    So a frame comes at most once more to each container but the first server's, and the underlay
    carries it once more.
    """
    with Watch(mesh) as watch:
        mesh.servers[0].sh(f"{UNISOLATE}; {FLUSH}")
        eventually(lambda: _guarded(mesh.servers[0]), "the guards are back")
        watch.stop()
        watch.check(copies=2, carried=3)


def test_both_guards_taken_away_everywhere(mesh: Site) -> None:
    """What nobody can prevent ends as soon as the guards are back on two servers of three."""
    with Watch(mesh, sources=[]) as watch:
        for server in mesh.servers:
            server.sh(f"{UNISOLATE}; {FLUSH}")
        broadcast(mesh.containers[0])
        for server in mesh.servers:
            eventually(lambda server=server: _guarded(server), "the guards are back")  # type: ignore[misc]
        watch.silence()
    with Watch(mesh) as watch:
        eventually(lambda: watch.sent() > 100, "some frames were sent")
        watch.stop()
        watch.check_complete()


@pytest.mark.parametrize(
    ("seed", "guards"),
    [(1, ["isolated"]), (2, ["ebtables"]), (3, ["isolated", "ebtables"]), (4, ["nftables"])],
)
def test_killed_while_converging(mesh: Site, seed: int, guards: list[str]) -> None:
    """From nothing, killed on the way and killed again: nothing circles, and it arrives."""
    chance = random.Random(seed)  # noqa: S311 - chosen to be repeated, no secret
    stop_all(mesh)
    with Watch(mesh) as watch:
        mesh.write(text(guard=guards))
        for server in mesh.servers:
            server.sh(NOTHING)
        killed = 0
        for _ in range(2):
            stop_all(mesh, kill=True)  # where nothing was left to do in the round before
            with ExitStack() as stack:
                traps = [
                    stack.enter_context(Trap(server, chance.randint(1, CHANGES)))
                    for server in mesh.servers
                ]
                for server in mesh.servers:
                    server.start(wait=False)
                killed += spring(traps)
        start_all(mesh)
        mesh.all_reach()
        watch.stop()
        watch.check()
        assert killed


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_killed_while_guards_change(mesh: Site, seed: int) -> None:
    """Killed anywhere between one guard and another: nothing circles, and no frame is lost."""
    chance = random.Random(seed)  # noqa: S311 - chosen to be repeated, no secret
    killed = 0
    with Watch(mesh) as watch:
        for guards in (["isolated"], ["nftables"], ["ebtables"]):
            with ExitStack() as stack:
                traps = [
                    stack.enter_context(Trap(server, chance.randint(0, 4)))
                    for server in mesh.servers
                ]
                mesh.write(text(guard=guards))
                killed += spring(traps)
            start_all(mesh)
            for server in mesh.servers:
                server.configure(text(guard=guards))
        watch.stop()
        watch.check_complete()
        assert killed


def foreign_tunnel(server: Server, remote: Server) -> None:
    """Somebody else's tunnel between two servers, up but in no bridge."""
    here, there = (one.name.removeprefix("lxd") for one in (server, remote))
    server.sh(
        f"ip link add {FOREIGN} type vxlan id 77 dstport 4790 local 192.0.2.{here} "
        f"remote 192.0.2.{there}; ip link set {FOREIGN} up"
    )


def hazard_named(server: Server) -> bool:
    """Whether the daemon says what endangers its bridge."""
    return any(
        (problem["kind"], problem["device"]) == ("hazard", FOREIGN)
        for problem in server.status()["problems"]
    )


def ports_down(server: Server) -> bool:
    """Whether vxland's own tunnels are all down."""
    links = server.json("ip -d -j link show type vxlan")
    return not any("UP" in link["flags"] for link in links if link["ifname"] != FOREIGN)


@pytest.fixture
def endangered(mesh: Site) -> Iterator[Site]:
    """The first two servers have a tunnel of somebody else's to each other."""
    one, two, _ = mesh.servers
    foreign_tunnel(one, two)
    foreign_tunnel(two, one)
    yield mesh
    for server in (one, two):
        server.sh(f"ip link del {FOREIGN}")


def test_foreign_tunnel_put_into_the_bridge(endangered: Site) -> None:
    """One end after the other: the ports go down before there is a loop, and it is said why.

    Meanwhile the underlay carries some frames once more: to a port that is down, and through the
    foreign tunnel.
    """
    with Watch(endangered) as watch:
        for server in endangered.servers[:2]:
            server.sh(f"ip link set {FOREIGN} master vxbr0")
            eventually(lambda server=server: hazard_named(server), "the hazard is named")  # type: ignore[misc]
            assert ports_down(server)
        for server in endangered.servers[:2]:
            server.sh(f"ip link set {FOREIGN} nomaster")
        endangered.all_reach()
        watch.stop()
        watch.check(carried=3)


def test_foreign_tunnel_put_into_both_bridges_at_once(endangered: Site) -> None:
    """What circles before anybody can know of it ends at once."""
    with Watch(endangered, sources=[]) as watch:
        for server in endangered.servers[:2]:
            server.sh(f"ip link set {FOREIGN} master vxbr0")
        broadcast(endangered.containers[0])
        for server in endangered.servers[:2]:
            eventually(lambda server=server: hazard_named(server), "the hazard is named")  # type: ignore[misc]
            assert ports_down(server)
        watch.silence()
