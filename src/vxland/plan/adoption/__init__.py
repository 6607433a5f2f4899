"""Taking over what something else made: which devices, in which order, and why not others.

The rest of the plan is made on a view in which they carry vxland's mark and are guarded already.
What makes that true are operations of their own, which come before anything else is done to them:
the bridge's MAC address is pinned, the ports are isolated, then the marks are written, the bridge's
first. Cut off anywhere in between, no port that forwards goes down: one that isn't marked yet and
is guarded like vxland's isn't in the way of those that are.
"""

from collections.abc import Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from vxland.guards import GUARDS, armed, port_in
from vxland.guards.isolated import NAME as ISOLATED
from vxland.identity import kept_altname
from vxland.model import Desired, Overlay
from vxland.observed import Link, Observed
from vxland.operations import PLACE, Adopt, AdoptBridge, Isolate, Operation, Phase, PinMac
from vxland.ownership import is_own
from vxland.plan.adoption.bridges import is_adoptable, is_usable
from vxland.plan.adoption.tunnels import Found, Match, find
from vxland.plan.adoption.words import offers, refusals
from vxland.plan.matching import Matching
from vxland.plan.notices import lowered
from vxland.problems import Problem


class Adoption(Struct, frozen=True):
    """What is taken over, and what isn't."""

    observed: Observed  # as it will be
    operations: tuple[Operation, ...] = ()  # in their order
    taken: frozenset[str] = frozenset()  # devices
    offered: tuple[Problem, ...] = ()  # what could be, or why not, where that isn't asked for
    apart: frozenset[str] = frozenset()  # others' tunnels that guards keep from vxland's
    blocked: frozenset[str] = (
        frozenset()
    )  # overlays in which nothing is changed: none of it is vxland's
    refused: tuple[Problem, ...] = ()  # why something isn't taken over
    notes: tuple[Problem, ...] = ()  # what it means that something is

    def ordered(self, operations: Sequence[Operation]) -> tuple[Operation, ...]:
        """These, by phase and step, with those that take over where it is safe.

        That is after what leaves has gone and guards were armed, and before anything is done to
        what is taken over.
        """
        whole = sorted(operations, key=PLACE)
        if not self.operations:
            return tuple(whole)
        ahead = [operation for operation in whole if self._is_ahead(operation)]
        after = [operation for operation in whole if not self._is_ahead(operation)]
        return (*ahead, *self.operations, *after)

    def _is_ahead(self, operation: Operation) -> bool:
        return operation.phase < Phase.ADOPT and operation.device not in self.taken


def adopt(observed: Observed, desired: Desired) -> Adoption:
    """What is to be taken over, overlay by overlay."""
    adoption = Adoption(observed)
    if any(link.is_tunnel and not is_own(link) for link in observed.links.values()):
        matching = Matching(observed, desired.vteps(), ())
        for overlay in desired.overlays:
            adoption = _with(adoption, overlay, matching)
    return adoption


def _with(adoption: Adoption, overlay: Overlay, matching: Matching) -> Adoption:
    """The adoption with what there is to take over for one more overlay."""
    observed = adoption.observed
    found = find(overlay, observed, matching)
    if not _can_be_had(overlay, observed, matching):
        return adoption
    adoption = replace(adoption, apart=adoption.apart | _apart(overlay, found, observed))
    if not overlay.adopt:
        return replace(adoption, offered=(*adoption.offered, *offers(overlay, found)))
    if found.in_the_way and (found.matches or any(miss.may_be_wanted for miss in found.in_the_way)):
        fresh = not any(seen.overlay == overlay.name and seen.peer for seen in matching.by_mark)
        return replace(
            adoption,
            blocked=adoption.blocked | ({overlay.name} if fresh else set()),
            refused=(*adoption.refused, *refusals(overlay, found)),
        )
    bridge = _bridge(overlay, found, observed)
    taken = [match.link for match in found.matches] + ([bridge] if bridge else [])
    return replace(
        adoption,
        observed=_view(observed, overlay, found, bridge),
        operations=(*adoption.operations, *_operations(overlay, found, bridge)),
        taken=adoption.taken.union(link.name for link in taken),
        refused=(*adoption.refused, *refusals(overlay, replace(found, in_the_way=()))),
        notes=(*adoption.notes, *lowered(overlay, (m.link for m in found.matches), observed)),
    )


def _can_be_had(overlay: Overlay, observed: Observed, matching: Matching) -> bool:
    """Whether the overlay can be laid out at all at the moment."""
    lacking = (GUARDS[name].missing(overlay, observed) for name in overlay.guards)
    return is_usable(overlay, matching.register) and not any(lacking)


def _apart(overlay: Overlay, found: Found, observed: Observed) -> frozenset[str]:
    """Ports that match, or may, and are guarded as the overlay's own.

    Cut off, adoption goes on there; and till then they aren't in the way.
    """
    links = [match.link for match in found.matches if match.guarding is not None]
    links += [miss.link for miss in found.in_the_way if miss.awaited]
    ports = (port_in(overlay, link.name, link) for link in links)
    return frozenset(port.device for port in ports if armed(port.device, port.guards, observed))


def _bridge(overlay: Overlay, found: Found, observed: Observed) -> Link | None:
    """The bridge to be taken over, if it is."""
    link = observed.links.get(overlay.bridge.device)
    if link is None or is_own(link) or not is_adoptable(link, observed):
        return None
    return link if any(match.link.master == link.name for match in found.matches) else None


def _view(observed: Observed, overlay: Overlay, found: Found, bridge: Link | None) -> Observed:
    links = dict(observed.links)
    for match in found.matches:
        link = match.link
        links[link.name] = replace(
            link,
            altnames=link.altnames | {match.vtep.altname},
            isolated=link.isolated or _isolates(overlay, match),
        )
    if bridge is not None:
        altname = kept_altname(overlay.name, bridge.mac)
        links[bridge.name] = replace(bridge, altnames=bridge.altnames | {altname})
    return replace(observed, links=links)


def _isolates(overlay: Overlay, match: Match) -> bool:
    return match.guarding is not None and ISOLATED in overlay.guards


def _operations(overlay: Overlay, found: Found, bridge: Link | None) -> Iterator[Operation]:
    name = overlay.name
    if bridge is not None:
        yield PinMac(name, bridge.name, bridge.mac)
    for match in found.matches:
        if _isolates(overlay, match) and not match.link.isolated:
            yield Isolate(name, match.link.name)
    if bridge is not None:
        yield AdoptBridge(name, bridge.name, kept_altname(name, bridge.mac))
    guarded = tuple(match.guarding for match in found.matches if match.guarding is not None)
    for match in found.matches:
        link, vtep = match.link, match.vtep
        needed = guarded if match.guarding is not None else ()
        yield Adopt(name, link.name, vtep.altname, vtep.peer, link.master or "", needed)
