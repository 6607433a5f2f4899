"""The ports of others in an overlay's bridge: containers, virtual machines, what else there is."""

from dataclasses import dataclass

from vxland.model import Overlay
from vxland.observed import Link, Observed
from vxland.ownership import is_own


@dataclass(frozen=True, slots=True)
class ForeignPorts:
    """How many there are, and those that won't get on with the overlay, by name."""

    count: int
    too_large: tuple[Link, ...]  # with an MTU above the overlay's
    isolated: tuple[Link, ...]  # isolated ports reach no isolated tunnel


def foreign_ports(overlay: Overlay, observed: Observed) -> ForeignPorts:
    """The ports that aren't vxland's."""
    ports = [link for link in observed.ports(overlay.bridge.device) if not is_own(link)]
    ports.sort(key=lambda link: link.name)
    return ForeignPorts(
        len(ports),
        tuple(p for p in ports if p.mtu > overlay.bridge.mtu and not p.is_tunnel),
        tuple(p for p in ports if p.isolated),
    )
