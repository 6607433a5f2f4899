"""An overlay in shared mode over both IP versions: nobody wrote from where its peers send."""

from collections.abc import Iterator

from vxland.model import Overlay
from vxland.observed import Observed
from vxland.problems import Kind, Problem


def unfiltered(overlay: Overlay, observed: Observed) -> Iterator[Problem]:
    """One hint for an overlay that should be filtered and can't be."""
    del observed
    if overlay.ingress and overlay.mixed:
        yield Problem(
            Kind.HINT,
            f"strangers' packets aren't kept out of overlay {overlay.name}: with peers of both IP"
            " versions it can't be told from which address each of them sends",
            "Give all peers addresses of one IP version, or host names that have both; or let a"
            ' firewall take the UDP port from the peers alone, and write ingress = "off"',
            overlay=overlay.name,
        )
