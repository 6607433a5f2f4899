"""Of addresses that no route and no rule tells apart, one is asked about: it speaks for all."""

from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

import pytest

from bench.place import Place
from vxland.addresses import IPAddress
from vxland.kernel import routes
from vxland.kernel.linux import LinuxKernel
from vxland.kernel.netlink import Netlink
from vxland.kernel.prefixes import read_prefixes
from vxland.observed import Host

pytestmark = [pytest.mark.kernel]

HERE6 = "fd00::1"  # beside the place's own 10.0.0.1
PEERS = frozenset(
    ip_address(text)
    for number in range(1, 101)
    for text in (f"10.0.0.{number}", f"192.0.2.{number}", f"fd00::{number:x}")
)
ROUTES = f"""
ip route add 10.0.0.7 dev eth0 mtu 1300
ip route add 10.0.0.64/27 dev eth0 mtu 1400
ip -6 route add fd00::40/123 dev eth0 mtu 1400
ip route add unreachable 10.0.0.32/28
ip -6 route add prohibit fd00::20/124
ip route add default dev eth0 mtu 1200 table 7
ip route add blackhole 192.0.2.18 table 7
ip rule add to 192.0.2.16/28 table 7
ip -6 route add blackhole fd00::2 table 7
ip -6 rule add from {HERE6} table 7
sysctl -qw net.ipv4.nexthop_compat_mode=0
ip nexthop add id 1 via 10.0.0.99 dev eth0
ip route add 192.0.2.64/26 nhid 1
"""
DEFAULT = "ip route add default via 10.0.0.99\nip -6 route add default via fd00::63"


@pytest.fixture
def place(laboratory: None, tmp_path: Path) -> Iterator[Place]:
    del laboratory
    with Place("routes", tmp_path) as place, place.entered():
        place.sh(f"ip address add {HERE6}/64 dev eth0 nodad")
        yield place


def looked_up(remotes: frozenset[IPAddress] = PEERS) -> Host:
    """What a new look sees, and one after it."""
    with LinuxKernel() as kernel:
        first = kernel.host(remotes)
        assert kernel.host(remotes) == first
    return first


@pytest.mark.parametrize("lines", ["", ROUTES + DEFAULT])
def test_one_by_one_all_are_answered_the_same(
    place: Place, lines: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the routes are."""
    place.sh(lines)
    together = looked_up()
    monkeypatch.setattr(routes, "FEW", len(PEERS))
    apart = looked_up()
    assert together.routes == apart.routes
    assert together.unreachable == apart.unreachable
    assert together.routes
    assert together.routes.keys() | together.unreachable.keys() <= PEERS


def test_few_are_asked_about(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """One for each route; all of them where there are more routes than addresses."""
    asked: list[int] = []
    ask = Netlink.ask

    def counting(netlink: Netlink, messages: list[bytes]) -> object:
        asked.append(len(messages))
        return ask(netlink, messages)

    monkeypatch.setattr(Netlink, "ask", counting)
    looked_up()
    assert 0 < max(asked) < len(PEERS) / 10
    many = "\n".join(f"route add 10.9.{n >> 8}.{n & 255} dev eth0" for n in range(1000))
    place.sh(f"ip -batch - <<END\n{many}\nEND")
    asked.clear()
    looked_up()
    assert max(asked) > len(PEERS) / 2
    with Netlink() as netlink:  # what is too long is given up, and the socket goes on to be of use
        assert read_prefixes(netlink, 4, 100) is None
        found = read_prefixes(netlink, 4, 2000)
    assert found is not None
    route, *network = map(ip_address, ("10.9.0.1", "10.77.0.1", "10.78.0.1"))
    others = [*map(ip_address, ("192.0.2.1", "198.51.100.1"))]  # covered by what a rule is about
    assert found.alike([*others, route, *network]) == [[route], network, others]
