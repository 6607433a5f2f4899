"""The ports of others in an overlay's bridge: containers, virtual machines, what else there is."""

from msgspec import Struct

from vxland.model import Overlay
from vxland.observed import GUEST_KINDS, FarEnd, Link, Observed
from vxland.ownership import is_own


class Large(Struct, frozen=True):
    """A port through which come packets that are too large for the overlay."""

    port: Link
    inside: FarEnd | None  # the container's interface, where it can be seen

    @property
    def mtu(self) -> int:
        """Of whoever sends."""
        return self.port.mtu if self.inside is None else self.inside.mtu


class ForeignPorts(Struct, frozen=True):
    """How many there are, and those that won't get on with the overlay, by name."""

    count: int
    too_large: tuple[Large, ...]  # with an MTU above the overlay's
    isolated: tuple[Link, ...]  # isolated ports reach no isolated tunnel


def foreign_ports(overlay: Overlay, observed: Observed) -> ForeignPorts:
    """The ports that aren't vxland's."""
    ports = [link for link in observed.ports(overlay.bridge.device) if not is_own(link)]
    ports.sort(key=lambda link: link.name)
    out = leads_to_peers(overlay.bridge.device, observed)  # whose cards need what the underlay has
    senders = (p for p in ports if not p.is_tunnel and (p.kind in GUEST_KINDS or not out))
    seen = (Large(p, observed.far_ends.get(p.name)) for p in senders)
    return ForeignPorts(
        len(ports),
        tuple(large for large in seen if large.mtu > overlay.bridge.mtu),
        tuple(p for p in ports if p.isolated),
    )


def leads_to_peers(bridge: str, observed: Observed) -> bool:
    """Whether outer packets go over it, or over what sits on it."""
    for device in {route.device for route in observed.host.routes.values()}:
        link = observed.links.get(device)
        if device == bridge or (link is not None and link.lower == bridge):
            return True
    return False
