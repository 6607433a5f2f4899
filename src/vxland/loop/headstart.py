"""What a first turn has started before it is known what that will be told."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from vxland.guards.ebtables import Ebtables
from vxland.observed import EbtablesState, Observed
from vxland.settings import Settings


def headstart(
    start: Callable[[], AbstractContextManager[None]],
    settings: Settings,
    observed: Observed,
    *,
    first: bool,
) -> AbstractContextManager[None]:
    """Have what writes ebtables' chain start while it is thought about, where there is none yet.

    It takes longer to start than to write. In later turns there may be no chain to be written,
    as where an overlay waits, and a process each time would be for nothing.
    """
    wanted = any(Ebtables.name in overlay.guards for overlay in settings.overlays)
    if not (first and wanted and _is_to_come(observed)):
        return nullcontext()
    return start()


def _is_to_come(observed: Observed) -> bool:
    """Whether a chain would be the first thing between tunnels, none of which is up."""
    state = observed.ebtables
    return (
        isinstance(state, EbtablesState)
        and state.chain is None
        and not any(link.up and link.is_tunnel for link in observed.links.values())
    )
