"""Which of vxland's devices stands for which wanted VTEP, and what keeps it from being that."""

from collections.abc import Collection, Mapping

from vxland.model import Vtep
from vxland.observed import Link, Observed
from vxland.ownership import Mark, is_own, mark, own_links
from vxland.plan.obstacles import Register
from vxland.plan.recreation import needs_recreation


class Matching:
    """VTEPs and devices, as they were seen.

    ``left_alone`` are devices of vxland's that give nothing away; it may grow.
    """

    def __init__(self, observed: Observed, left_alone: Collection[str]) -> None:
        self._observed = observed
        self.register = Register(observed, left_alone)
        self.by_mark: Mapping[Mark, list[Link]] = _by_mark(observed)

    def device(self, vtep: Vtep) -> Link | None:
        """The device that stands for a VTEP: by mark; of several, the one with the right name."""
        return min(
            self.by_mark.get(Mark(vtep.overlay, vtep.peer), ()),
            key=lambda link: (link.name != vtep.device, link.name),
            default=None,
        )

    def is_barred(self, vtep: Vtep, link: Link | None) -> bool:
        """Whether it would have to be made with a name or a VNI that somebody has."""
        obstacle = self.register.obstacle(vtep.device, link)
        obstacle = obstacle or self.register.vni_obstacle(vtep, link)
        return obstacle is not None and (
            link is None or needs_recreation(vtep, link, self._observed.host)
        )

    def is_crowded(self, vtep: Vtep, link: Link) -> bool:
        """Whether the device can't have its name back because another of vxland's has it."""
        holder = self._observed.links.get(vtep.device)
        return link.name != vtep.device and holder is not None and is_own(holder)


def _by_mark(observed: Observed) -> dict[Mark, list[Link]]:
    found: dict[Mark, list[Link]] = {}
    for link in own_links(observed):
        seen = mark(link)
        if seen is not None and (link.kind == "bridge") == (not seen.peer):
            found.setdefault(seen, []).append(link)
    return found
