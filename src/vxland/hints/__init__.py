"""What is worth knowing though the node is in sync: one module a hint, one line here.

``vxland.loop.silence`` has another one, which needs counters.
"""

from collections.abc import Callable, Iterator

from vxland.hints.bridge_filter import filtered_bridge
from vxland.hints.fragments import lost_fragments
from vxland.hints.held_down import held_down
from vxland.hints.isolated_ports import isolated_ports
from vxland.hints.large_bridge import large_bridge
from vxland.hints.large_ports import large_ports
from vxland.hints.makers import makers
from vxland.hints.not_alone import not_alone
from vxland.hints.others_tunnels import others_tunnels
from vxland.hints.uncounted import uncounted
from vxland.hints.unfiltered import unfiltered
from vxland.model import Desired, Overlay
from vxland.observed import Observed
from vxland.problems import Problem

HINTS: tuple[Callable[[Overlay, Observed], Iterator[Problem]], ...] = (
    large_ports,
    large_bridge,
    held_down,
    lost_fragments,
    filtered_bridge,
    isolated_ports,
    uncounted,
    unfiltered,
    others_tunnels,
    not_alone,
    makers,
)


def hints(desired: Desired, observed: Observed) -> tuple[Problem, ...]:
    """All of them, overlay by overlay."""
    return tuple(
        problem
        for overlay in desired.overlays
        for hint in HINTS
        for problem in hint(overlay, observed)
    )
