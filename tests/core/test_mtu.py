"""How large packets may be, and what is said where they are larger than the underlay's."""

from ipaddress import ip_address, ip_interface

import pytest
from msgspec.structs import replace

from tests.core.test_report import DEVICE, desired, seen
from vxland.addresses import IPAddress
from vxland.hints import hints
from vxland.hints.fragments import fragmenting, lost_fragments
from vxland.model import Overlay
from vxland.observed import Host, Link, LocalAddress, Observed, Route
from vxland.peers import addresses
from vxland.problems import Kind, Problem
from vxland.resolve import resolve
from vxland.settings import Df, OverlaySettings, PeerSettings, Settings, VxlanOptions
from vxland.underlay.mtu import automatic_mtu, tight

V4, V6 = "192.0.2.{}", "2001:db8::{}"
ROUTE = Route("eth0", 1500)


def host(*remotes: IPAddress, route: Route = ROUTE) -> Host:
    """lxd1, with routes to these."""
    here = (ip_interface("192.0.2.1/24"), ip_interface("2001:db8::1/64"))
    return Host(
        addresses=tuple(LocalAddress(interface, "eth0") for interface in here),
        routes=dict.fromkeys(remotes, route),
    )


def overlay(mtu: int | None, df: Df = Df.UNSET, address: str = V4) -> tuple[Overlay, Host]:
    """Of lxd1, with a tunnel to lxd2 over an underlay of 1500."""
    peers = tuple(PeerSettings(f"lxd{n}", address.format(n)) for n in (1, 2))
    wanted = OverlaySettings("lan", "vxbr0", mtu=mtu, options=VxlanOptions(df=df))
    there = host(ip_address(address.format(2)))
    (made,) = resolve(Settings(overlays=(wanted,), peers=peers), addresses(peers), there).overlays
    return made, there


def test_ipv6_takes_twenty_bytes_more() -> None:
    """The larger overhead decides for all."""
    remotes = [ip_address("192.0.2.2"), ip_address("2001:db8::2")]
    assert automatic_mtu(None, remotes, Host()) == 1430


def told(mtu: int | None, df: Df = Df.UNSET, address: str = V4) -> tuple[list[Problem], ...]:
    """What ``check`` says, and the hint that stays."""
    made, there = overlay(mtu, df, address)
    return [*fragmenting(made, there)], [*lost_fragments(made, Observed(host=there))]


@pytest.mark.parametrize(
    ("mtu", "df", "address"),
    [
        (None, Df.UNSET, V4),
        (None, Df.SET, V6),
        (1450, Df.SET, V4),
        (1430, Df.UNSET, V6),
    ],
)
def test_nothing_is_said_of_what_fits(mtu: int | None, df: Df, address: str) -> None:
    """The largest packet is the underlay's."""
    assert told(mtu, df, address) == ([], [])


@pytest.mark.parametrize("df", [Df.UNSET, Df.INHERIT])
def test_fragments_are_told_once(df: Df) -> None:
    """When the file is checked: over IPv4 all arrives."""
    (notice,), lost = told(1500, df)
    assert lost == []
    assert "the mtu of overlay lan is 1500, and 1450 fit into one packet to lxd2: " in notice.text
    assert notice.cure.endswith('Otherwise mtu = "auto" in lan')


@pytest.mark.parametrize(
    ("df", "address", "fits", "why"),
    [
        (Df.SET, V4, 1450, 'with df = "set"'),
        (Df.UNSET, V6, 1430, "over IPv6"),
        (Df.INHERIT, V6, 1430, "over IPv6"),
    ],
)
def test_what_is_lost_is_a_hint(df: Df, address: str, fits: int, why: str) -> None:
    """It stays, since it is no matter of taste."""
    notices, (hint,) = told(1500, df, address)
    assert notices == []
    assert hint.kind is Kind.HINT
    assert f"and {fits} fit into one packet to lxd2. Outer packets aren't fragmented {why}," in (
        hint.text
    )
    assert ('df = "unset", or' in hint.cure) is (address == V4)


def test_a_route_that_is_not_there_says_nothing() -> None:
    """It may take anything."""
    made, _ = overlay(9000)
    assert list(tight(made, Host())) == []


def with_bridge(bridge: Link, tunnel_mtu: int = 1450) -> tuple[Problem, ...]:
    """What is said of somebody's bridge that the tunnel is in."""
    links = seen().links
    tunnel = replace(links[DEVICE], master=bridge.name, mtu=tunnel_mtu)
    wanted = desired()
    (lan,) = wanted.overlays
    lan = replace(lan, bridge=replace(lan.bridge, device=bridge.name))
    there = Observed(links={bridge.name: bridge, DEVICE: tunnel})
    return hints(replace(wanted, overlays=(lan,)), there)


@pytest.mark.parametrize(
    ("name", "way"),
    [
        ("incusbr0", "incus network set incusbr0 bridge.mtu=1450 (or lxc"),
        ("lxdbr0", "incus network set lxdbr0 bridge.mtu=1450 (or lxc"),
        ("br-0123456789ab", "-o com.docker.network.driver.mtu=1450"),
        ("virbr1", "<mtu size='1450'/> in libvirt's network"),
        ("vmbr0", "mtu 1450 in its stanza"),
        ("br0", "where the bridge is configured"),
    ],
)
def test_a_large_bridge_of_somebodys_is_told(name: str, way: str) -> None:
    """vxland doesn't alter it."""
    (hint,) = with_bridge(Link(name, "bridge", mtu=1500))
    assert f"bridge {name}, which isn't vxland's, has an MTU of 1500" in hint.text
    assert hint.cure.startswith(f"ip link set {name} mtu 1450. For good: ")
    assert way in hint.cure


@pytest.mark.parametrize(
    ("bridge", "tunnel_mtu"),
    [
        (Link("vxbr0", "bridge", mtu=1450), 1450),
        (
            Link("vxbr0", "bridge", mtu=1400),
            1450,
        ),  # its server sends smaller packets, and that's fine
        (Link("vxbr0", "bridge", alias="vxland:lan", mtu=1500), 1450),  # mended in the same turn
        (Link("vxbr0", "bridge", mtu=1500), 1500),  # it follows the tunnel in a moment
    ],
)
def test_other_bridges_are_not(bridge: Link, tunnel_mtu: int) -> None:
    """Smaller ones, vxland's own, and those that the kernel makes smaller."""
    assert with_bridge(bridge, tunnel_mtu) == ()
