"""Which route counts, what is said where there is none, and which of them wake the daemon."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.daemon.daemon_view import metrics
from tests.lab import Server, Site, eventually
from tests.underlay.view import index, mtu, quiet, says

pytestmark = [pytest.mark.kernel, pytest.mark.daemon]

LXD2 = "vxl-lan-lxd2"
PEER = "192.0.2.2"
FLAPS = 10_000


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """It has a tunnel to a peer, and a second way out, whose MTU is 1400."""
    with Site(tmp_path, 2) as made:
        server = made.servers[0]
        server.sh(
            "ip link add eth1 mtu 1400 type veth peer name eth1p; ip link set eth1p up;"
            "ip link set eth1 up"
        )
        made.start()
        before = index(server, LXD2)
        yield server
        assert index(server, LXD2) == before


def turns(server: Server) -> float:
    """How often links, addresses or routes have woken the daemon."""
    return metrics(server)("vxland_reconciliations_total", trigger="netlink")


def has_mtu(server: Server, size: int) -> None:
    """Wait until the tunnel's MTU is that."""
    eventually(
        lambda: mtu(server, LXD2) == size and server.in_sync(),
        lambda: f"MTU {size}, not {mtu(server, LXD2)}; logged:\n{server.tail()}",
    )


@pytest.mark.parametrize("kind", ["blackhole", "unreachable", "prohibit"])
def test_a_route_that_leads_nowhere(server: Server, kind: str) -> None:
    """The tunnel stays, and status says why nothing comes through."""
    server.sh(f"ip route add {kind} {PEER}")
    problem = says(server, f"the route is of type {kind} to peer lxd2 ({PEER})")
    assert (problem["overlay"], problem["peer"]) == ("lan", "lxd2")
    assert f"ip route get {PEER} from 192.0.2.1" in problem["cure"]
    server.sh(f"ip route del {kind} {PEER}")
    quiet(server)


def test_a_nexthop_object(server: Server) -> None:
    """Even where a route tells no more than its number, and changes without a word."""
    server.sh("sysctl -qw net.ipv4.nexthop_compat_mode=0")
    server.sh(f"ip nexthop add id 1 dev eth1; ip route add {PEER} nhid 1")
    has_mtu(server, 1350)
    server.sh("ip nexthop replace id 1 dev eth0")
    has_mtu(server, 1450)
    server.sh("ip nexthop replace id 1 blackhole")
    says(server, "blackhole")


def test_rules_by_source_address(server: Server) -> None:
    """The tunnel's own packets have one: the table that a rule chooses for it counts."""
    server.sh(f"ip route add {PEER} dev eth1 table 7")
    server.settled()
    assert mtu(server, LXD2) == 1450
    server.sh("ip rule add from 192.0.2.1 table 7")
    has_mtu(server, 1350)
    server.sh("ip rule del from 192.0.2.1 table 7")
    has_mtu(server, 1450)


def test_routes_to_others_wake_nobody(server: Server, tmp_path: Path) -> None:
    """A router that knows the whole Internet changes hundreds a second."""
    others = [f"route add 10.{n >> 8}.{n & 255}.0/24 dev eth1\n" for n in range(FLAPS)]
    batch = tmp_path / "routes"
    batch.write_text("".join(others))
    before = turns(server)
    server.sh(f"ip -batch {batch}")
    server.sh(f"ip route add {PEER} dev eth1")  # told after all of these
    has_mtu(server, 1350)
    assert 0 < turns(server) - before < FLAPS / 1000
