"""What the real kernel says of addresses and routes, and what is made of it."""

from collections.abc import Iterator
from ipaddress import ip_address

import pytest

from tests.contract.namespace import fresh_namespace
from tests.kernel.test_events import sh
from tests.lab.waiting import eventually
from vxland.kernel.linux import LinuxKernel
from vxland.observed import Host, LocalAddress, Route, Standing

pytestmark = pytest.mark.kernel

SEGMENT = """
ip link set lo up
for n in 0 1
do
    ip link add eth$n address 02:00:00:00:00:0$n type veth peer name p$n address 02:00:00:00:01:0$n
    ip link set p$n up
    ip link set eth$n up
done
ip link set eth1 mtu 1400
ip addr add 192.0.2.1/24 dev eth0
"""
DEFAULT = "ip route add default via 192.0.2.254"
PEER, PEER6 = "198.51.100.9", "2001:db8:9::9"


@pytest.fixture
def kernel() -> Iterator[LinuxKernel]:
    """A machine with two interfaces."""
    with fresh_namespace(), LinuxKernel() as kernel:
        sh(SEGMENT)
        yield kernel


def host(kernel: LinuxKernel, *remotes: str) -> Host:
    """What is seen of the underlay."""
    return kernel.host(frozenset(map(ip_address, remotes)))


def standing(kernel: LinuxKernel, text: str) -> Standing | None:
    """How an address stands; None where it isn't there."""
    return next((a.standing for a in host(kernel).addresses if str(a.ip) == text), None)


def becomes(kernel: LinuxKernel, text: str, wanted: Standing) -> None:
    """Wait until an address stands like this."""
    eventually(
        lambda: standing(kernel, text) is wanted,
        lambda: f"{text} is {wanted.name}; there are {host(kernel).addresses}",
    )


def test_addresses_have_their_zone(kernel: LinuxKernel) -> None:
    """Loopback's are nobody's to be known by."""
    becomes(kernel, "fe80::ff:fe00:0%eth0", Standing.LASTING)
    becomes(kernel, "fe80::ff:fe00:1%eth1", Standing.LASTING)
    seen = {str(a.ip): a for a in host(kernel).addresses}
    assert isinstance(seen["192.0.2.1"], LocalAddress)
    assert not {"127.0.0.1", "::1"} & seen.keys()


def test_a_secondary_ipv4_address_lasts(kernel: LinuxKernel) -> None:
    """Its flag is the one that a temporary IPv6 address has."""
    sh("ip addr add 192.0.2.5/24 dev eth0")
    assert standing(kernel, "192.0.2.5") is Standing.LASTING


def test_a_deprecated_address_passes(kernel: LinuxKernel) -> None:
    """It is for connections that there are."""
    sh("ip addr add 2001:db8::5/64 dev eth0 nodad preferred_lft 0")
    assert standing(kernel, "2001:db8::5") is Standing.PASSING


def test_temporary_addresses_pass(kernel: LinuxKernel) -> None:
    """The kernel makes them for privacy, and prefers them where it is told to."""
    sh(
        "sysctl -qw net.ipv6.conf.eth0.use_tempaddr=2; ip -6 route add default dev eth0;"
        "ip addr add 2001:db8::5/64 dev eth0 nodad mngtmpaddr valid_lft 90000 preferred_lft 80000"
    )

    def temporary() -> list[LocalAddress]:
        return [
            a
            for a in host(kernel).addresses
            if str(a.ip).startswith("2001:db8::") and str(a.ip) != "2001:db8::5"
        ]

    eventually(lambda: [a.standing for a in temporary()] == [Standing.PASSING], "there is one")
    assert standing(kernel, "2001:db8::5") is Standing.LASTING
    assert host(kernel, PEER6).routes[ip_address(PEER6)].source == temporary()[0].ip


def test_a_duplicate_address(kernel: LinuxKernel) -> None:
    """It is tentative until somebody else is found to have it."""
    sh("sysctl -qw net.ipv6.conf.eth0.dad_transmits=1; ip addr add 2001:db8::5/64 dev p0 nodad")
    sh("ip addr add 2001:db8::5/64 dev eth0")
    assert standing(kernel, "2001:db8::5") is not None

    def found() -> set[Standing]:
        return {a.standing for a in host(kernel).addresses if str(a.ip) == "2001:db8::5"}

    eventually(lambda: Standing.DUPLICATE in found(), lambda: f"a duplicate: {found()}")


def test_the_kernels_choice_of_a_source(kernel: LinuxKernel) -> None:
    """Asked for only where this machine's own address isn't among the peers'."""
    sh(f"ip addr add 192.0.2.5/24 dev eth0; {DEFAULT} src 192.0.2.5")
    (route,) = host(kernel, PEER).routes.values()
    assert route == Route("eth0", 1500, ip_address("192.0.2.5"))
    route = host(kernel, PEER, "192.0.2.1").routes[ip_address(PEER)]
    assert route == Route("eth0", 1500, ip_address("192.0.2.1"))


def test_this_machines_own_address_has_no_route(kernel: LinuxKernel) -> None:
    """It is no peer, and nothing is missing."""
    seen = host(kernel, "192.0.2.1")
    assert (seen.routes, seen.unreachable) == ({}, {})


REASONS = {
    "": "there is no route",
    f"ip route add blackhole {PEER}": "the route is of type blackhole",
    f"ip route add unreachable {PEER}": "the route is of type unreachable",
    f"ip route add prohibit {PEER}": "the route is of type prohibit",
    f"ip route add throw {PEER}": "there is no route",
}


@pytest.mark.parametrize("words", REASONS)
def test_why_there_is_no_route(kernel: LinuxKernel, words: str) -> None:
    """In either version."""
    sh(words)
    sh(words.replace("ip ", "ip -6 ").replace(PEER, PEER6))
    seen = host(kernel, PEER, PEER6, "192.0.2.1")
    assert seen.routes == {}
    assert set(seen.unreachable.values()) == {REASONS[words]}
    assert len(seen.unreachable) == 2


def test_several_nexthops(kernel: LinuxKernel) -> None:
    """The first one's device counts."""
    sh("ip addr add 198.18.0.1/24 dev eth1")
    sh(f"ip route add {PEER} nexthop via 198.18.0.9 nexthop via 192.0.2.9")
    assert host(kernel, PEER).routes[ip_address(PEER)].device == "eth1"


def test_a_route_by_link_local_zone(kernel: LinuxKernel) -> None:
    """Every interface has the same network."""
    seen = host(kernel, "fe80::9%eth0", "fe80::9%eth1", "fe80::9%gone")
    assert {str(remote): route.device for remote, route in seen.routes.items()} == {
        "fe80::9%eth0": "eth0",
        "fe80::9%eth1": "eth1",
    }
    assert seen.routes[ip_address("fe80::9%eth1")].mtu == 1400
    assert seen.unreachable == {}


def test_what_is_answered_as_before_is_not_read_again(kernel: LinuxKernel) -> None:
    """And whatever changes is seen at the next look, event or no event."""
    sh(DEFAULT)
    own = "192.0.2.1"

    def way() -> Route | None:
        seen = host(kernel, own, PEER)
        assert host(kernel, own, PEER).routes is seen.routes
        return seen.routes.get(ip_address(PEER))

    source = ip_address(own)
    assert way() == Route("eth0", 1500, source)
    for change, becomes in (
        ("ip link set eth0 mtu 1450", Route("eth0", 1450, source)),
        (
            "ip route replace default via 192.0.2.254 mtu 1300",
            Route("eth0", 1300, source, fixed=True),
        ),
        ("ip route add 198.51.100.0/24 dev eth1", Route("eth1", 1400, source)),
        ("ip route add blackhole 198.51.100.9", None),
        ("ip route del blackhole 198.51.100.9", Route("eth1", 1400, source)),
        (f"ip rule add from {own} to {PEER} unreachable", None),
    ):
        sh(change)
        assert way() == becomes, change
