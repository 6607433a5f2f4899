"""What doesn't match is named, with what differs, and nothing at all is changed."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.adoption.scripted import (
    BRIDGE,
    NOTHING,
    Kept,
    await_calm,
    planned,
    rules,
    run_script,
    script_file,
    scripts_own,
    text,
)
from tests.daemon.kernel_view import assert_equal, snapshot
from tests.lab import Server, Site, eventually

pytestmark = [pytest.mark.kernel, pytest.mark.daemon]

ANEW = f"""
ip link del vxlan1
ip link add vxlan1 type vxlan local 192.0.2.1 dev eth0 {{}}
ip link set vxlan1 up
ip link set vxlan1 master {BRIDGE}
"""
EXTRA = f"""
ip link add vxlan2 type vxlan id 2 remote 192.0.2.9 local 192.0.2.1 dev eth0 dstport 4789
ip link set vxlan2 up
ip link set vxlan2 master {BRIDGE}
"""
# What is odd about a server, the device, and what is said of it.
ODD: Mapping[str, tuple[str, str, tuple[str, ...]]] = {
    "remote": (
        "ip link set vxlan1 type vxlan remote 192.0.2.77",
        "vxlan1",
        ("192.0.2.77", "192.0.2.3"),
    ),
    "VNI": (ANEW.format("id 7 remote 192.0.2.3 dstport 4789"), "vxlan1", ("7",)),
    "port": (ANEW.format("id 1 remote 192.0.2.3 dstport 4790"), "vxlan1", ("4790",)),
    "extra": (EXTRA, "vxlan2", ("VNI 2",)),
    "no checksums": (
        ANEW.format("id 1 remote 192.0.2.3 dstport 4789 noudpcsum"),
        "vxlan1",
        ("udp_csum",),
    ),
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with Site(tmp_path_factory.mktemp("odd"), 1) as made:
        yield made


@pytest.fixture
def server(site: Site) -> Server:
    """One of three whose others aren't there."""
    (found,) = site.servers
    run_script(found)
    found.write(text())
    return found


@pytest.mark.parametrize("odd", ODD)
def test_it_is_named_and_nothing_changes(server: Server, odd: str) -> None:
    deed, device, said = ODD[odd]
    server.sh(deed)
    await_calm(server)
    before = snapshot(server)
    done = server.vxland("apply", "--adopt")
    assert done.returncode == 1
    told = next((line for line in done.stderr.splitlines() if line.startswith(device)), "")
    assert all(part in told for part in said), done.stderr
    assert_equal(before, snapshot(server))


@pytest.mark.parametrize("keys", [{"vni": "pair"}, {"port": 8472}], ids=str)
def test_a_file_that_matches_nothing_changes_nothing(
    server: Server, keys: Mapping[str, Any]
) -> None:
    """No second mesh beside the script's: each of its tunnels is named, with what differs."""
    server.write(text(**keys))
    await_calm(server)
    before = snapshot(server)
    done = server.vxland("apply", "--adopt")
    assert done.returncode == 1
    for number in (2, 3):
        leads = f"vxlan{number - 2} isn't taken over: it leads to lxd{number} (192.0.2.{number})"
        assert leads in done.stderr, done.stdout + done.stderr
    assert_equal(before, snapshot(server))


def test_a_device_in_another_bridge_stays_there(server: Server) -> None:
    """It is named; the other one, and their bridge, are taken over."""
    server.sh("ip link add br9 type bridge; ip link set br9 up; ip link set vxlan1 master br9")
    before, kept = snapshot(server), Kept.seen(server)
    done = server.vxland("apply", "--adopt")
    assert "vxlan1 isn't taken over: it is a port of br9" in done.stderr, done.stderr
    theirs = ("vxlan1", "br9")
    after = snapshot(server)
    assert {name: before.links[name] for name in theirs} == {
        name: after.links[name] for name in theirs
    }
    assert Kept.seen(server) == kept
    server.sh("ip link del br9")


def test_once_it_matches_the_daemon_takes_it(server: Server) -> None:
    """Whenever that is; until then it says what is in the way, and leaves all as it is."""
    server.sh(ODD["remote"][0])
    await_calm(server)
    before, kept = snapshot(server), Kept.seen(server)
    server.write(text(adopt=True))
    server.start()
    assert any(problem["device"] == "vxlan1" for problem in server.status()["problems"])
    assert_equal(before, snapshot(server))
    server.sh("ip link set vxlan1 type vxlan remote 192.0.2.3")
    server.settled()
    assert Kept.seen(server) == kept
    link = server.link("vxlan1")
    assert link is not None
    assert link["ifalias"] == "vxland:lan:lxd3"


def test_without_adopt_the_cure_is_told(server: Server) -> None:
    """No device is changed, and what would match says how it would be taken over."""
    await_calm(server)
    before = snapshot(server).links
    server.start()
    told = {p["device"]: p["cure"] for p in server.status()["problems"]}
    assert "vxland plan --adopt" in told["vxlan0"]
    assert "vxland plan --adopt" in told["vxlan1"]
    assert_equal(before, snapshot(server).links)


def test_the_script_runs_while_the_daemon_adopts(server: Server) -> None:
    """Each finds what the other one made: all is the daemon's in the end, and no rule is left."""
    file = script_file(server)
    server.sh(NOTHING)
    server.write(text(adopt=True))
    server.start(wait=False)
    server.run(["bash", file, "start"], check=False)
    eventually(
        lambda: server.in_sync() and not any(map(scripts_own, rules(server))), "all is taken over"
    )
    assert planned(server).in_sync
