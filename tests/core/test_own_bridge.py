"""An overlay whose bridge is the server's own, with its network card in it and the way to peers."""

from ipaddress import ip_address

import pytest
from msgspec.structs import replace

from tests.core.test_report import DEVICE, desired
from vxland.addresses import IPAddress
from vxland.hints.held_down import held_down
from vxland.hints.large_bridge import large_bridge
from vxland.hints.large_ports import large_ports
from vxland.model import Overlay
from vxland.observed import Following, Host, Link, Observed, Route
from vxland.problems import Problem
from vxland.resolve import resolve
from vxland.settings import Df, OverlaySettings, PeerSettings, Settings
from vxland.underlay.mtu import automatic_mtu, following, tight

BRIDGE = "vmbr0"
PEER = ip_address("192.0.2.2")
CARD = Link("eno1", mtu=1500, master=BRIDGE)
GUEST = Link("veth1", "veth", mtu=1400, master=BRIDGE)
TUNNEL = Link(DEVICE, "vxlan", alias="vxland:lan:lxd2", mtu=1450, master=BRIDGE)
VLAN = Link("vmbr0.5", "vlan", mtu=1450, lower=BRIDGE)


def there(*links: Link, mtu: int = 1450, by: str = BRIDGE, alias: str = "") -> Observed:
    """The bridge with these, and a route over it."""
    made = Link(BRIDGE, "bridge", alias, mtu=mtu)
    known = {link.name: link for link in (made, *links)}
    host = Host(
        routes={PEER: Route(by, known[by].mtu)},
        mtus={name: link.mtu for name, link in known.items()},
        following=following(known),
    )
    return Observed(links=known, host=host)


def automatic(seen: Observed, interface: str | None = None, remote: IPAddress = PEER) -> int:
    """The overlay's MTU."""
    return automatic_mtu(interface, [remote], seen.host, {BRIDGE})


@pytest.mark.parametrize(
    ("links", "mtu", "size"),
    [
        ((CARD,), 1500, 1450),
        ((CARD, TUNNEL), 1450, 1450),
        ((CARD, GUEST, TUNNEL), 1400, 1450),
        ((replace(CARD, mtu=1400), TUNNEL), 1400, 1350),
        ((replace(CARD, mtu=9000), TUNNEL), 1450, 1450),
        ((CARD, TUNNEL), 1500, 1450),  # somebody has set it
        ((CARD, replace(TUNNEL, mtu=1350)), 1400, 1350),  # and to less than the card's
        ((replace(CARD, kind="veth"), GUEST, TUNNEL), 1400, 1450),  # in a container
        ((TUNNEL,), 1450, 1400),  # nothing leads out
    ],
)
def test_the_mtu_is_that_of_the_ports_that_lead_out(
    links: tuple[Link, ...], mtu: int, size: int
) -> None:
    """As long as the bridge follows them; not that of what follows from it."""
    seen = there(*links, mtu=mtu)
    assert automatic(seen) == automatic(seen, BRIDGE) == size


def test_a_bridge_of_something_else_counts_as_it_is() -> None:
    """Where no tunnel of an overlay's is to be in it."""
    assert automatic_mtu(None, [PEER], there(CARD, GUEST, mtu=1400).host, {"vxbr0"}) == 1350


def test_all_overlays_bridges_are_meant() -> None:
    """Peers of one may be reached over another one's."""
    peers = (PeerSettings("lxd1", "192.0.2.1"), PeerSettings("lxd2", "192.0.2.2"))
    overlays = (OverlaySettings("lan", BRIDGE), OverlaySettings("dmz", "vxbr1"))
    settings = replace(Settings(overlays=overlays, peers=peers))
    settings = replace(settings, node=replace(settings.node, name="lxd1", address=PEER))
    known = {"lxd1": ip_address("192.0.2.1"), "lxd2": PEER}
    wanted = resolve(settings, known, there(CARD, TUNNEL).host)
    assert [overlay.bridge.mtu for overlay in wanted.overlays] == [1450, 1450]


def test_in_vxlands_own_bridge_guests_lead_nowhere() -> None:
    """An overlay may run in another one. Somebody may have put the card in, all the same."""
    own = "vxland:lan"
    guest = replace(GUEST, mtu=1500)
    assert automatic(there(guest, TUNNEL, alias=own)) == 1400
    assert automatic(there(CARD, guest, TUNNEL, alias=own)) == 1450
    assert not told(there(CARD, TUNNEL, alias=own))


def test_a_route_with_an_mtu_of_its_own_follows_nothing() -> None:
    """It is what somebody wrote."""
    seen = there(CARD, TUNNEL)
    fixed = replace(seen.host, routes={PEER: Route(BRIDGE, 1450, fixed=True)})
    assert automatic(replace(seen, host=fixed)) == 1400
    (way,) = tight(lan(), fixed)
    assert way.fits == 1400
    assert not told(replace(seen, host=fixed))


def test_what_sits_on_the_bridge_shrinks_with_it_and_stays_so() -> None:
    """The tunnel's MTU then is the last that tells what it was."""
    assert automatic(there(CARD, TUNNEL, VLAN, by=VLAN.name)) == 1450
    assert automatic(there(CARD, TUNNEL, VLAN, by=VLAN.name, mtu=1500)) == 1450
    less = (CARD, replace(TUNNEL, mtu=1350), replace(VLAN, mtu=1400))
    assert automatic(there(*less, by=VLAN.name, mtu=1500)) == 1350
    assert automatic(there(CARD, VLAN, by=VLAN.name, mtu=1500)) == 1400
    assert following({VLAN.name: VLAN, CARD.name: CARD}) == {}
    assert there(CARD, TUNNEL, VLAN).host.following == {
        BRIDGE: Following(BRIDGE, 1500),
        VLAN.name: Following(BRIDGE, None),
    }


def lan(mtu: int = 1450, df: Df = Df.UNSET) -> Overlay:
    """The overlay, in that bridge."""
    (overlay,) = desired().overlays
    vteps = (replace(v, options=replace(v.options, df=df), mtu=mtu) for v in overlay.vteps)
    bridge = replace(overlay.bridge, device=BRIDGE, mtu=mtu)
    return replace(overlay, bridge=bridge, vteps=tuple(vteps))


def told(seen: Observed, overlay: Overlay | None = None) -> list[Problem]:
    """What is said of it."""
    return [*held_down(overlay or lan(), seen)]


def test_a_bridge_that_tunnels_hold_down_is_told_with_its_cure() -> None:
    """Auto is right, and what is right doesn't fit through the bridge."""
    seen = there(CARD, TUNNEL)
    (hint,) = told(seen)
    assert hint.text == (
        "vmbr0, over which outer packets go to lxd2, has the tunnels' MTU of 1450, since bridge"
        " vmbr0 follows its smallest port while nobody has set its MTU: those of full size go in"
        " two pieces each, which costs speed"
    )
    assert hint.cure == (
        "ip link set vmbr0 mtu 1500. For good: mtu 1500 in its stanza in /etc/network/interfaces"
        " (Proxmox)"
    )
    assert list(tight(lan(), seen.host)) == []
    (lost,) = told(seen, lan(df=Df.SET))
    assert lost.text.endswith("are lost")


def test_so_is_what_sits_on_it() -> None:
    """It doesn't grow by itself when the bridge does."""
    (hint,) = told(there(CARD, TUNNEL, VLAN, by=VLAN.name))
    vlan = "ip link set vmbr0.5 mtu 1500 (or what its network takes)"
    assert hint.cure.startswith(f"ip link set vmbr0 mtu 1500; {vlan}. For good: ")
    (hint,) = told(there(CARD, TUNNEL, VLAN, by=VLAN.name, mtu=1500))
    assert hint.cure.startswith(f"{vlan}. For good: ")


@pytest.mark.parametrize(
    ("seen", "mtu"),
    [
        (there(CARD, TUNNEL, mtu=1500), 1450),
        (there(CARD, GUEST, TUNNEL, mtu=1400), 1450),  # a guest does
        (there(CARD, TUNNEL), 1350),  # what is told fits
        (Observed(host=there(CARD, TUNNEL).host), 1450),  # it is gone
        (Observed(), 1450),
    ],
)
def test_nothing_is_said_of_others(seen: Observed, mtu: int) -> None:
    """Those that are large enough, and those that no tunnel holds down."""
    assert not told(seen, lan(mtu))


@pytest.mark.parametrize("by", [BRIDGE, VLAN.name])
def test_neither_bridge_nor_card_is_too_large_where_they_lead_to_peers(by: str) -> None:
    """Following such a hint would cut off the underlay. A guest still is."""
    vlan = replace(VLAN, mtu=1500)
    seen = there(CARD, TUNNEL, vlan, by=by, mtu=1500)
    assert not [*large_bridge(lan(), seen), *large_ports(lan(), seen)]
    guest = replace(GUEST, mtu=1500)
    (hint,) = large_ports(lan(), there(CARD, TUNNEL, vlan, guest, by=by, mtu=1500))
    assert ": veth1 (1500). Their" in hint.text
    elsewhere = replace(seen, host=Host(routes={PEER: Route("wan", 1500)}))
    assert [*large_bridge(lan(), elsewhere)]
    assert [*large_ports(lan(), elsewhere)]
