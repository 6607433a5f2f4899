"""A port that should be for this node's overlays alone, and isn't."""

from collections.abc import Iterator

from vxland.model import Overlay
from vxland.observed import Observed
from vxland.problems import Kind, Problem
from vxland.tables.in_force import has_all, lets_in


def not_alone(overlay: Overlay, observed: Observed) -> Iterator[Problem]:
    """One hint, while the table filters the port all the same. What is in the way is told, too."""
    if not (overlay.exclusive and has_all(overlay, observed, "ports")):
        return
    if lets_in(overlay, observed) == "peers":
        ports = sorted({vtep.port for vtep in overlay.vteps})
        yield Problem(
            Kind.HINT,
            f"overlay {overlay.name} doesn't have UDP port {', '.join(map(str, ports))} to itself"
            " yet: others' packets pass while an overlay there can't be filtered, or a device"
            " isn't laid out",
            "Mend what else is told of this port's overlays, or give this one a port of its own",
            overlay=overlay.name,
        )
