"""Peers of a shared device without counters of their own, where there is no nftables for it."""

from collections.abc import Iterator

from vxland.model import Overlay
from vxland.observed import Observed, Unavailable
from vxland.problems import Kind, Problem


def uncounted(overlay: Overlay, observed: Observed) -> Iterator[Problem]:
    """One hint for an overlay in shared mode."""
    state = observed.tally
    if not isinstance(state, Unavailable) or not any(vtep.shared for vtep in overlay.vteps):
        return
    yield Problem(
        Kind.HINT,
        f"the peers of overlay {overlay.name} aren't counted one by one: {state.reason}",
        f"{state.cure}. The tunnels don't need it",
        overlay=overlay.name,
        about="counters",
    )
