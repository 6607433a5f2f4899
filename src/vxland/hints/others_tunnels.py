"""Somebody else's VXLAN device on a port that is for this node's overlays alone."""

from collections.abc import Iterator

from vxland.listing import some
from vxland.model import Overlay
from vxland.observed import Observed
from vxland.ownership import is_own
from vxland.problems import Kind, Problem
from vxland.tables.in_force import lets_in

NAMED = 3


def others_tunnels(overlay: Overlay, observed: Observed) -> Iterator[Problem]:
    """One hint for all of them, where it is so. Who has an overlay's VNI isn't filtered."""
    if not overlay.exclusive or lets_in(overlay, observed) != "exclusive":
        return
    vnis = {vtep.vni for vtep in overlay.vteps}
    ports = {vtep.port for vtep in overlay.vteps}
    others = [
        link.name
        for link in observed.links.values()
        if link.vxlan and link.vxlan.port in ports and link.vxlan.vni not in vnis
        if not is_own(link)
    ]
    if others:
        yield Problem(
            Kind.HINT,
            f"overlay {overlay.name} has its UDP port to itself, which somebody else's tunnels use,"
            f" too: {some(sorted(others), NAMED)}. What comes for them is dropped",
            'Write ingress = "peers" in all overlays of this port, or give one side another port',
            overlay=overlay.name,
        )
