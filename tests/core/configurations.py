"""Random configurations, valid by the rules that ``vxland.config`` holds files to."""

from ipaddress import ip_interface

from hypothesis import strategies as st
from msgspec.structs import fields, replace

from tests.core.digits import Digits, digits
from tests.fake.wishes import DMZ, LAN, NODE, address6, resolved, settings
from vxland.model import Desired
from vxland.settings import (
    SHARED,
    Df,
    OverlaySettings,
    PeerSettings,
    Settings,
    VniScheme,
    VxlanOptions,
)

BRIDGES = ("vxbr0", "vxbr1", "vxbr2")
GUARDS = (
    *(("isolated",), ("ebtables",), ("nftables",)),
    *(("isolated", "ebtables"), ("ebtables", "isolated"), ("nftables", "isolated")),
    *(("ebtables", "nftables"), ("isolated", "ebtables", "nftables")),
)
INTERFACES = tuple(map(ip_interface, ("10.10.10.1/24", "10.10.20.1/24", "2001:db8:1::1/64")))
EXPLICIT = ((frozenset({NODE, "b"}), 4711),)
FOREIGN_TUNNEL = "fvx0"
INDEXED = (
    (VniScheme.INDEX, None),
    (VniScheme.INDEX, VniScheme.PAIR),
    (VniScheme.PAIR, VniScheme.INDEX),
)
SIZE = 11  # bytes: about as many as there are choices


class Configuration:
    """Settings, and the peers whose addresses aren't known at the moment."""

    def __init__(self, wanted: Settings, unknown: str = "") -> None:
        self.settings = wanted
        self.unknown = unknown

    @property
    def desired(self) -> Desired:
        """What they make of this node."""
        return resolved(self.settings, unknown=self.unknown)

    def __repr__(self) -> str:
        parts: list[OverlaySettings | PeerSettings]
        parts = [*self.settings.overlays, *self.settings.peers]
        return f"Configuration({[*map(_differences, parts)]}, unknown={self.unknown!r})"


@st.composite
def configurations(draw: st.DrawFn) -> Configuration:
    """A configuration of node a with one or two overlays."""
    choose = draw(digits(SIZE))
    bases = choose.of(((LAN,), (LAN, DMZ), (DMZ, LAN), (DMZ,)))
    names = choose.some("bcd")
    bridges = [choose.of(BRIDGES)]
    bridges += [choose.of([bridge for bridge in BRIDGES if bridge not in bridges])]
    indexed = choose.of((None, None, *bases))  # at most one on a node
    unknown = choose.of(("", "", "", "b", "bc"))
    overlays = [
        _moded(choose, _overlay(choose, base, bridge), indexed=base is indexed)
        for base, bridge in zip(bases, bridges, strict=False)
    ]
    plain = settings(*overlays, peers=NODE + "".join(names))
    listed = (plain.peers[0], *(_peer(choose, peer) for peer in plain.peers[1:]))
    return Configuration(replace(plain, peers=listed), unknown)


def _overlay(choose: Digits, base: OverlaySettings, bridge: str) -> OverlaySettings:
    mtu = choose.of((None, None, 1400, 1500, 1200))
    usable = INTERFACES[:2] if mtu == 1200 else INTERFACES  # IPv6 begins at 1280
    return replace(
        base,
        bridge=bridge,
        guards=choose.of(GUARDS),
        port=choose.of((4789, 4789, 4790)),
        mtu=mtu,
        addresses=tuple(choose.some(usable, most=2)),
        allow_tunnel_ports=choose.of((frozenset(), frozenset({FOREIGN_TUNNEL}))),
        reattach=choose.of((False, True)),
        adopt=choose.of((False, True)),
        ingress=(ingress := choose.of((True, True, False))),
        exclusive=ingress and choose.of((False, True)),
        options=_options(choose) if choose.of((False, True)) else VxlanOptions(),
        vnis=choose.of(((), EXPLICIT)) if base is LAN else (),
    )


def _moded(choose: Digits, overlay: OverlaySettings, *, indexed: bool) -> OverlaySettings:
    """A mesh by either scheme, or shared; two shared ones have VNIs of their own."""
    if choose.of((False, False, True)):
        return replace(
            overlay,
            mode=SHARED,
            vni=choose.of((7, 8)) if overlay.name == LAN.name else 9,
            guards=choose.of((overlay.guards, overlay.guards, ())),
            vnis=(),
            options=replace(overlay.options, learning=choose.of((True, True, False))),
        )
    spoken, heard = choose.of(INDEXED) if indexed else (VniScheme.PAIR, None)
    return replace(overlay, vni=spoken, heard=heard)


def _options(choose: Digits) -> VxlanOptions:
    return VxlanOptions(
        ttl=choose.of((0, 5)),
        tos=choose.of((0, 1)),
        df=choose.of(list(Df)),
        ageing=choose.of((300, 400)),
        udp_csum=choose.of((True, False)),
        learning=choose.of((False, True)),
    )


def _peer(choose: Digits, plain: PeerSettings) -> PeerSettings:
    return replace(
        plain,
        address=choose.of((plain.address, plain.address, address6(plain.name))),
        overlays=choose.of((None, None, frozenset({"lan"}), frozenset({"dmz"}))),
        disabled=choose.of((False, False, False, True)),
    )


def _differences(part: OverlaySettings | PeerSettings) -> str:
    """What isn't as it is by default: few enough to be read."""
    told = (
        f"{field.name}={value}"
        for field in fields(part)
        if (value := getattr(part, field.name)) != field.default
    )
    return " ".join(told)
