"""Which of vxland's devices stands for which wanted VTEP, and what keeps it from being that."""

from collections.abc import Collection, Iterable, Mapping

from vxland.model import Vtep
from vxland.observed import Link, Observed
from vxland.ownership import Mark, is_own, mark, own_links
from vxland.plan.obstacles import Register
from vxland.plan.recreation import needs_recreation


class Matching:
    """VTEPs and devices, as they were seen.

    ``left_alone`` are devices of vxland's that give nothing away; it may grow.
    """

    def __init__(
        self, observed: Observed, vteps: Iterable[Vtep], left_alone: Collection[str]
    ) -> None:
        self._observed = observed
        self.register = Register(observed, left_alone)
        self.by_mark: Mapping[Mark, list[Link]] = _by_mark(observed)
        self._devices = _devices(vteps, self.by_mark)

    def device(self, vtep: Vtep) -> Link | None:
        """The device that stands for a VTEP."""
        return self._devices.get(vtep.device)

    def marked(self, vtep: Vtep) -> Iterable[Link]:
        """All devices with a VTEP's mark, but those that stand for its peer's other VTEP."""
        others = {link.name for other, link in self._devices.items() if other != vtep.device}
        return (link for link in self.by_mark.get(_mark(vtep), ()) if link.name not in others)

    def is_barred(self, vtep: Vtep, link: Link | None) -> bool:
        """Whether it would have to be made with a name or a VNI that somebody has."""
        obstacle = self.register.obstacle(vtep.device, link)
        obstacle = obstacle or self.register.vni_obstacle(vtep, link)
        return obstacle is not None and self.is_to_be_made(vtep, link)

    def is_to_be_made(self, vtep: Vtep, link: Link | None) -> bool:
        """Whether there is no device, or none that can become what it should be."""
        return link is None or needs_recreation(vtep, link, self._observed.host)

    def is_crowded(self, vtep: Vtep, link: Link) -> bool:
        """Whether the device can't have its name back because another of vxland's has it."""
        holder = self._observed.links.get(vtep.device)
        return link.name != vtep.device and holder is not None and is_own(holder)


def _mark(vtep: Vtep) -> Mark:
    return Mark(vtep.overlay, vtep.peer)


def _devices(vteps: Iterable[Vtep], by_mark: Mapping[Mark, list[Link]]) -> dict[str, Link]:
    """By mark; under the name that each should have.

    Of several, what has the right name goes first, and then what has the right VNI: so that a
    device that goes on being wanted isn't made anew because its peer gets a second one.
    """
    wanted: dict[Mark, list[Vtep]] = {}
    for vtep in vteps if by_mark else ():
        wanted.setdefault(_mark(vtep), []).append(vtep)
    found: dict[str, Link] = {}
    for seen, peers in wanted.items():
        links = by_mark.get(seen, [])
        if len(peers) == len(links) == 1:  # as nearly everywhere
            found[peers[0].device] = links[0]
            continue
        links = sorted(links, key=lambda link: link.name)
        pairs = [(vtep, link) for vtep in peers for link in links]
        taken = set()
        for vtep, link in sorted(pairs, key=lambda pair: _distance(*pair)):
            if vtep.device not in found and link.name not in taken:
                found[vtep.device] = link
                taken.add(link.name)
    return found


def _distance(vtep: Vtep, link: Link) -> tuple[bool, bool]:
    return link.name != vtep.device, link.vxlan is None or link.vxlan.key != vtep.vni_key


def _by_mark(observed: Observed) -> dict[Mark, list[Link]]:
    found: dict[Mark, list[Link]] = {}
    for link in own_links(observed):
        seen = mark(link)
        if seen is not None and (link.kind == "bridge") == (not seen.peer):
            found.setdefault(seen, []).append(link)
    return found
