"""Whom to examine: every tunnel that this node should have."""

from collections.abc import Mapping
from ipaddress import IPv4Address

from msgspec import Struct, field

from vxland import identity
from vxland.addresses import IPAddress
from vxland.model import Desired, Overlay, Tunnel
from vxland.observed import Observed
from vxland.settings import Df
from vxland.underlay.mtu import OVERHEAD


class Ends(Struct, frozen=True):
    """Two underlay addresses: what a path is between."""

    local: IPAddress
    remote: IPAddress


class Target(Struct, frozen=True):
    """One tunnel to one peer."""

    overlay: str
    peer: str
    device: str
    bridge: str
    mac: str  # of our bridge, as it is
    peer_mac: str  # of the peer's bridge, if vxland made it
    ends: Ends
    port: int
    vni: int
    mtu: int  # bytes, of the inner packet
    route_mtu: int  # bytes: what the way to the peer begins with
    underlay: str  # the device that it begins with; empty where there is no route
    df: Df
    shared: bool = False  # the device leads to other peers, too
    quiet: Mapping[str, int] = field(default_factory=dict)  # VNIs of devices that hear it, too

    @property
    def needed(self) -> int:
        """The largest outer IP packet, in bytes."""
        return self.mtu + OVERHEAD[self.ends.remote.version]

    @property
    def wanted(self) -> int:
        """The largest that should pass: where more is needed, this machine cuts it."""
        return min(self.needed, self.route_mtu) if self.route_mtu else self.needed

    @property
    def whole(self) -> int:
        """The largest inner packet, in bytes, that leaves this machine in one piece."""
        return self.wanted - OVERHEAD[self.ends.remote.version]

    @property
    def in_pieces(self) -> bool:
        """Whether larger ones leave it in pieces: IPv4 alone does that, and not with DF."""
        cut = self.needed > self.wanted and self.df is not Df.SET
        return cut and isinstance(self.ends.remote, IPv4Address)

    @property
    def key(self) -> tuple[str, str]:
        """What it is known by."""
        return self.overlay, self.peer


def targets(desired: Desired, observed: Observed) -> tuple[Target, ...]:
    """All of them."""
    return tuple(
        _target(overlay, tunnel, desired.node, observed)
        for overlay in desired.overlays
        for tunnel in overlay.tunnels()
    )


def _quiet(overlay: Overlay, peer: str) -> dict[str, int]:
    """By index an answer may come out of another peer's device."""
    return {
        vtep.device: vtep.vni
        for vtep in overlay.vteps
        if vtep.quiet and (vtep.peer == peer or vtep.device.startswith(identity.INDEX_PREFIX))
    }


def _target(overlay: Overlay, tunnel: Tunnel, node: str, observed: Observed) -> Target:
    bridge = observed.links.get(overlay.bridge.device)
    route = observed.host.routes.get(tunnel.address)
    vtep = tunnel.vtep
    return Target(
        overlay=overlay.name,
        peer=tunnel.peer,
        device=vtep.device,
        bridge=overlay.bridge.device,
        mac=bridge.mac if bridge else identity.mac(node, overlay.name),
        peer_mac=identity.mac(tunnel.peer, overlay.name),
        ends=Ends(vtep.local, tunnel.address),
        port=vtep.port,
        vni=vtep.vni,
        mtu=vtep.mtu,
        route_mtu=route.mtu if route else 0,
        underlay=route.device if route else "",
        df=vtep.options.df,
        shared=vtep.shared,
        quiet=_quiet(overlay, tunnel.peer),
    )
