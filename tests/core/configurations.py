"""Random configurations, valid by the rules that ``vxland.config`` holds files to."""

from dataclasses import fields, replace
from ipaddress import ip_interface

from hypothesis import strategies as st

from tests.fake.wishes import DMZ, LAN, NODE, address6, resolved, settings
from vxland.model import Desired
from vxland.settings import Df, OverlaySettings, PeerSettings, Settings, VniScheme, VxlanOptions

BRIDGES = ("vxbr0", "vxbr1", "vxbr2")
GUARDS = (("isolated", "ebtables"), ("isolated",), ("ebtables",), ("ebtables", "isolated"))
INTERFACES = tuple(map(ip_interface, ("10.10.10.1/24", "10.10.20.1/24", "2001:db8:1::1/64")))
EXPLICIT = ((frozenset({NODE, "b"}), 4711),)
FOREIGN_TUNNEL = "fvx0"


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
        parts = [*self.settings.overlays, *self.settings.peers]
        return f"Configuration({[*map(_differences, parts)]}, unknown={self.unknown!r})"


def _differences(part: OverlaySettings | PeerSettings) -> str:
    """What isn't as it is by default: few enough to be read."""
    told = (
        f"{field.name}={value}"
        for field in fields(part)
        if (value := getattr(part, field.name)) != field.default
    )
    return " ".join(told)


options = st.builds(
    VxlanOptions,
    ttl=st.sampled_from((0, 5)),
    tos=st.sampled_from((0, 1)),
    df=st.sampled_from(Df),
    ageing=st.sampled_from((300, 400)),
    udp_csum=st.booleans(),
    learning=st.booleans(),
)


@st.composite
def overlays(draw: st.DrawFn, base: OverlaySettings, bridge: str) -> OverlaySettings:
    """An overlay with this name and bridge."""
    mtu = draw(st.sampled_from((None, None, 1400, 1500, 1200)))
    usable = INTERFACES[:2] if mtu == 1200 else INTERFACES  # IPv6 begins at 1280
    return replace(
        base,
        bridge=bridge,
        port=draw(st.sampled_from((4789, 4789, 4790))),
        guards=draw(st.sampled_from(GUARDS)),
        mtu=mtu,
        addresses=tuple(draw(st.sets(st.sampled_from(usable), max_size=2))),
        allow_tunnel_ports=draw(st.sampled_from((frozenset(), frozenset({FOREIGN_TUNNEL})))),
        reattach=draw(st.booleans()),
        options=draw(st.one_of(st.just(VxlanOptions()), options)),
        vnis=draw(st.sampled_from(((), EXPLICIT))) if base is LAN else (),
    )


@st.composite
def peers(draw: st.DrawFn, plain: PeerSettings) -> PeerSettings:
    """A peer that may be disabled, elsewhere, or of one overlay only."""
    return replace(
        plain,
        address=draw(st.sampled_from((plain.address, plain.address, address6(plain.name)))),
        overlays=draw(st.sampled_from((None, None, frozenset({"lan"}), frozenset({"dmz"})))),
        disabled=draw(st.sampled_from((False, False, False, True))),
    )


@st.composite
def configurations(draw: st.DrawFn) -> Configuration:
    """A configuration of node a with one or two overlays."""
    bridges = draw(st.permutations(BRIDGES))
    bases = draw(st.sampled_from(((LAN,), (LAN, DMZ), (DMZ, LAN), (DMZ,))))
    indexed = draw(st.sampled_from((None, None, *bases)))  # at most one on a node
    chosen = [
        replace(
            draw(overlays(base, bridge)),
            vni=VniScheme.INDEX if base is indexed else VniScheme.PAIR,
        )
        for base, bridge in zip(bases, bridges, strict=False)
    ]
    names = draw(st.lists(st.sampled_from("bcd"), unique=True, max_size=3))
    plain = settings(*chosen, peers=NODE + "".join(names))
    listed = (plain.peers[0], *(draw(peers(peer)) for peer in plain.peers[1:]))
    unknown = draw(st.sampled_from(("", "", "", "b", "bc")))
    return Configuration(replace(plain, peers=listed), unknown)
