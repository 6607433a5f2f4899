"""What keeps an overlay from being laid out, and its ports from forwarding."""

from collections.abc import Collection, Iterator

from vxland.guards import GUARDS
from vxland.hazards import foreign_tunnels
from vxland.model import Overlay
from vxland.observed import Link, Observed
from vxland.ownership import Mark
from vxland.plan.adoption import Adoption
from vxland.plan.notices import emptied
from vxland.problems import Problem


class Hindrances:
    """Overlay by overlay, as all was seen. ``marks`` are those of vxland's devices."""

    def __init__(self, observed: Observed, adoption: Adoption, marks: Collection[Mark]) -> None:
        self._observed = observed
        self._adoption = adoption
        self._marks = marks
        self._found: dict[str, tuple[Problem, ...]] = {}

    def of(self, overlay: Overlay) -> tuple[Problem, ...]:
        """Why it isn't laid out, but for what isn't vxland's yet."""
        if overlay.name not in self._found:
            self._found[overlay.name] = tuple(self._look(overlay))
        return self._found[overlay.name]

    def block(self, overlay: Overlay) -> bool:
        """Whether it is left as it is."""
        return bool(self.of(overlay)) or overlay.name in self._adoption.blocked

    def hazards(self, overlay: Overlay, bridge: str) -> tuple[Link, ...]:
        """Others' tunnels there, but for those that only lack vxland's mark."""
        tunnels = foreign_tunnels(overlay, bridge, self._observed)
        return tuple(link for link in tunnels if link.name not in self._adoption.apart)

    def _look(self, overlay: Overlay) -> Iterator[Problem]:
        for name in overlay.guards:
            problem = GUARDS[name].missing(overlay, self._observed)
            if problem is not None:
                yield problem
        if self._would_be_emptied(overlay):
            yield emptied(overlay)

    def _would_be_emptied(self, overlay: Overlay) -> bool:
        return overlay.peers_listed == 0 and any(
            seen.overlay == overlay.name and seen.peer for seen in self._marks
        )
