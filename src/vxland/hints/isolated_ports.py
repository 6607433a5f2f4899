"""Guests' ports that are isolated: where the tunnels are too, they don't reach each other."""

from collections.abc import Iterator

from vxland.hints.guests import guests_of
from vxland.hints.loop import for_each
from vxland.listing import some
from vxland.model import Overlay
from vxland.observed import Observed
from vxland.ports import foreign_ports
from vxland.problems import Kind, Problem

NAMED = 3


def isolated_ports(overlay: Overlay, observed: Observed) -> Iterator[Problem]:
    """One hint for all of an overlay's ports."""
    isolated = foreign_ports(overlay, observed).isolated
    if not isolated or "isolated" not in overlay.guards:
        return
    names = [port.name for port in isolated]
    command = for_each(names[:NAMED], "bridge link set dev", "isolated off")
    known = [guests.isolation for name in names if (guests := guests_of(name))]
    ways = [*filter(None, dict.fromkeys(known))]
    good = f". For good: {'; '.join(ways)}" if ways else ""
    yield Problem(
        Kind.HINT,
        f"isolated ports in bridge {overlay.bridge.device} can't reach other servers, since the"
        f" tunnels are isolated too: {some(names, NAMED)}",
        f'{command}{good}. Or guard overlay {overlay.name} otherwise: guard = ["ebtables"]',
        overlay=overlay.name,
        about="isolated",
    )
