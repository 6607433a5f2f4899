"""Peers of a shared device without counters of their own, where there is no nftables for it."""

from collections.abc import Iterator

from vxland.identity import TALLY_TABLE
from vxland.model import Overlay
from vxland.observed import Observed, Unavailable
from vxland.problems import Kind, Problem
from vxland.tables.tally import is_own


def uncounted(overlay: Overlay, observed: Observed) -> Iterator[Problem]:
    """One hint for an overlay in shared mode."""
    lack = _lack(observed)
    if lack is None or not any(vtep.shared for vtep in overlay.vteps):
        return
    yield Problem(
        Kind.HINT,
        f"the peers of overlay {overlay.name} aren't counted one by one: {lack.reason}",
        f"{lack.cure}. The tunnels don't need it",
        overlay=overlay.name,
        about="counters",
    )


def _lack(observed: Observed) -> Unavailable | None:
    state = observed.tally
    if isinstance(state, Unavailable):
        return state
    if state.table is None or is_own(state.table):
        return None
    return Unavailable(
        f"nftables' table {TALLY_TABLE} is somebody else's", "Give that one another name"
    )
