"""Three servers come over from the script, one after the other, and lose no frame."""

import subprocess
from collections.abc import Callable, Iterator, Mapping

import pytest

from tests.adoption.scripted import (
    BRIDGE,
    Kept,
    Traffic,
    await_calm,
    planned,
    rules,
    run_scripts,
    scripts_own,
    text,
)
from tests.daemon.kernel_view import assert_equal, snapshot
from tests.lab import Server, Site

pytestmark = [pytest.mark.kernel, pytest.mark.daemon]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with Site(tmp_path_factory.mktemp("adoption")) as made:
        yield made


def by_command(server: Server) -> None:
    """Once, by hand."""
    server.write(text())
    done = server.vxland("apply", "--adopt")
    assert done.returncode == 0, done.stdout + done.stderr


def by_daemon(server: Server) -> None:
    """As soon as the daemon sees it."""
    server.write(text(adopt=True))
    server.start()
    server.settled()


def by_paste(server: Server) -> None:
    """What the plan says, typed."""
    server.write(text())
    lines = server.vxland("plan", "--adopt", "--commands").stdout
    shell = server.command("sh", "-e")
    subprocess.run(shell, input=lines, text=True, check=True, timeout=60)


WAYS: Mapping[str, Callable[[Server], None]] = {
    "lxd1": by_command,
    "lxd2": by_daemon,
    "lxd3": by_paste,
}
PREFIXES = {"lxd1": "vx"}  # its devices are renamed
AGAIN = "ebtables -A FORWARD -i vxlan0 -o vxlan1 -j DROP"  # as if it had been started twice


def shown(server: Server) -> None:
    """The plan shows what will be taken over, and changes nothing."""
    server.write(text())
    await_calm(server)
    before = snapshot(server)
    plan = server.vxland("plan", "--adopt")
    assert plan.returncode == 2, plan.stdout + plan.stderr
    others = [f"lxd{number}" for number in (1, 2, 3) if server.name != f"lxd{number}"]
    prefix = PREFIXES.get(server.name, "vxlan")
    for position, peer in enumerate(others):
        assert f"take over {prefix}{position} for peer {peer} of overlay lan" in plan.stdout
    assert f"take over bridge {BRIDGE} for overlay lan" in plan.stdout
    assert_equal(before, snapshot(server))


def adopted(server: Server, before: Kept) -> None:
    """All is vxland's, the script's rules are gone, and the rest is as it was."""
    assert_equal(before, Kept.seen(server))
    assert not any(map(scripts_own, rules(server)))
    links = {link["ifname"]: link for link in server.json("ip -d -j link")}
    for name in (BRIDGE, "vxlan0", "vxlan1"):
        assert links[name]["ifalias"].startswith("vxland:lan")
        assert any(altname.startswith("vxland-lan") for altname in links[name]["altnames"])
    left = planned(server)
    assert left.in_sync, left


def comes_over(site: Site, traffic: Traffic) -> dict[str, Kept]:
    """One server after the other; what each had before."""
    seen = {}
    for server in site.servers:
        before = seen[server.name] = Kept.seen(server)
        assert set(before.bound.values()) == {"eth0"}
        assert sum(map(scripts_own, rules(server))) >= 2
        if server is site.servers[0]:
            shown(server)
        WAYS[server.name](server)
        adopted(server, before)
        traffic.goes_on()
    return seen


def there_and_on(site: Site) -> Traffic:
    """All come over, and two daemons are killed and started; what passed meanwhile."""
    run_scripts(site, PREFIXES)
    site.servers[-1].sh(AGAIN)
    with Traffic(site.containers) as traffic:
        before = comes_over(site, traffic)
        for server in site.servers[:2]:
            server.stop(kill=True)
            server.start()
            server.settled()
            adopted(server, before[server.name])
        traffic.end()
    return traffic


@pytest.mark.timeout(300)
def test_no_frame_is_lost(site: Site) -> None:
    """By command, by the daemon and by hand; and by all that vxland does later."""
    traffic = there_and_on(site)
    if traffic.lost() and traffic.dropped:
        traffic = there_and_on(site)
    assert traffic.copies() == 1
    assert sum(traffic.lost().values()) <= traffic.dropped, traffic.lost()


def test_down_takes_what_was_adopted(site: Site) -> None:
    """And nothing else. A bridge that a container is in stays until that is gone."""
    run_scripts(site)
    server, container = site.servers[0], site.containers[0]
    by_command(server)
    theirs = rules(server)
    assert server.vxland("down").returncode == 0
    assert server.json("ip -d -j link show type vxlan") == []
    assert server.link(BRIDGE) is not None
    container.delete()
    assert server.vxland("down").returncode == 0
    assert server.link(BRIDGE) is None
    assert "VXLAND" not in server.sh("ebtables-save")
    assert rules(server) == theirs
