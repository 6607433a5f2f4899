"""Which device that something else made is the very device that a VTEP wants."""

from collections.abc import Iterator

from msgspec import Struct

from vxland.guards import port_in
from vxland.hazards import foreign_tunnels
from vxland.model import Overlay, VniKey, Vtep
from vxland.observed import Link, Observed, VxlanState
from vxland.operations import Guarding
from vxland.ownership import Mark, is_own, mark
from vxland.plan.matching import Matching
from vxland.plan.recreation import unchangeable


class Match(Struct, frozen=True):
    """A device, and the VTEP that it is."""

    link: Link
    vtep: Vtep
    guarding: Guarding | None  # where it is a port already


class Mismatch(Struct, frozen=True):
    """A device that isn't taken over, and why."""

    link: Link
    reason: str
    peer: str = ""  # whose tunnel it nearly is
    awaited: bool = False  # it may be the tunnel of a peer whose address isn't known yet

    @property
    def may_be_wanted(self) -> bool:
        """Whether the overlay is likely to have been laid out with it."""
        return bool(self.peer) or self.awaited


class Found(Struct, frozen=True):
    """What others have that an overlay wants, or that is in its bridge."""

    matches: tuple[Match, ...] = ()
    near: tuple[Mismatch, ...] = ()  # in no bridge, or in somebody's
    in_the_way: tuple[Mismatch, ...] = ()  # ports of the overlay's bridge


def find(overlay: Overlay, observed: Observed, matching: Matching) -> Found:
    """Look through others' VXLAN devices for those of this overlay."""
    search = _Search(overlay, observed, matching)
    wanted = {vtep.vni_key: vtep for vtep in overlay.vteps}
    matches: list[Match] = []
    misses: list[Mismatch] = []
    for link in sorted(observed.links.values(), key=lambda link: link.name):
        state = None if is_own(link) else link.vxlan
        vtep = None if state is None else wanted.get(state.key)
        if state is None or vtep is None:
            continue
        reason = next(search.differences(link, state, vtep), None)
        if reason is None:
            matches.append(Match(link, vtep, _guarding(link, overlay)))
        else:
            misses.append(Mismatch(link, reason, vtep.peer))
    known = {match.link.name for match in matches} | {miss.link.name for miss in misses}
    misses += [_unlike(link, overlay) for link in search.strangers() if link.name not in known]
    ports = {link.name for link in search.strangers()}
    return Found(
        tuple(matches),
        tuple(miss for miss in misses if miss.link.name not in ports),
        tuple(miss for miss in misses if miss.link.name in ports),
    )


class _Search:
    """What one overlay looks for."""

    def __init__(self, overlay: Overlay, observed: Observed, matching: Matching) -> None:
        self._overlay = overlay
        self._observed = observed
        self._matching = matching
        self._bridges = sorted(  # the overlay's one, under whatever name
            link.name
            for link in observed.links.values()
            if link.kind == "bridge"
            and (link.name == overlay.bridge.device or mark(link) == Mark(overlay.name))
        )

    def strangers(self) -> Iterator[Link]:
        """Others' tunnel ports in the bridge that aren't allowed there."""
        for bridge in self._bridges:
            yield from foreign_tunnels(self._overlay, bridge, self._observed)

    def differences(self, link: Link, state: VxlanState, vtep: Vtep) -> Iterator[str]:
        """What it can't be taken over for, in words."""
        if state.remote != vtep.remote and not self._floods_there(link, state, vtep):
            wanted = "all peers" if vtep.remote is None else str(vtep.remote)
            yield f"it leads to {state.remote or 'no one peer'}, and the file wants {wanted} there"
        yield from unchangeable(vtep, state, self._observed.host)
        if (own := self._matching.device(vtep)) is not None:
            yield f"{own.name}, which is vxland's, stands for that peer"
        for name in (vtep.device, vtep.altname):
            holder = self._matching.register.name_holder(name)
            if holder is not None and holder is not link:
                yield f"the name {name}, which it would get, is held by {holder.name}"
        if link.master is not None:
            yield from self._out_of_place(link, link.master)

    def _floods_there(self, link: Link, state: VxlanState, vtep: Vtep) -> bool:
        """Whether its flood list does what a remote would, as ifupdown2 makes devices."""
        entries = self._observed.fdb.get(link.name, frozenset())
        floods = {entry.destination for entry in entries if entry.floods}
        return state.remote is None and floods == vtep.flood

    def _out_of_place(self, link: Link, bridge: str) -> Iterator[str]:
        overlay = self._overlay
        if bridge not in self._bridges:
            yield f"it is a port of {bridge}, not {overlay.bridge.device}"
        if overlay.guards and not port_in(overlay, link.name, link).guards:
            yield (
                f"no guard of the overlay ({', '.join(overlay.guards)}) reaches a port of its"
                ' name, as "isolated" would'
            )
        others = (port for port in self._observed.ports(bridge) if port is not link)
        if not overlay.guards and any(port.is_tunnel for port in others):
            yield "it isn't alone in its bridge, and the overlay has guard = []"


def _guarding(link: Link, overlay: Overlay) -> Guarding | None:
    if link.master is None:
        return None
    return Guarding(link.name, port_in(overlay, link.name, link).guards)


def _unlike(link: Link, overlay: Overlay) -> Mismatch:
    """Why no VTEP is it, though one may lead to the same peer."""
    state = link.vxlan
    if state is None:
        return Mismatch(link, f"it is a {link.kind} device")
    for vtep in overlay.vteps:
        if vtep.remote is not None and state.remote == vtep.remote:
            numbers = _numbers(state.key, vtep.vni_key)
            return Mismatch(link, f"it leads to {vtep.peer} ({state.remote}), {numbers}", vtep.peer)
    if _may_be_awaited(state, overlay):
        first, *more = (problem.peer for problem in overlay.waiting)
        rest = f" or one of {len(more)} more" if more else ""
        reason = f"it may be the tunnel to {first}{rest}, which can't be told yet"
        return Mismatch(link, reason, awaited=True)
    return Mismatch(link, f"no tunnel of the overlay has VNI {state.vni} on port {state.port}")


def _may_be_awaited(state: VxlanState, overlay: Overlay) -> bool:
    """Whether it may be what peers without an address are to have: the shared ones' VNI is one."""
    alike = (
        (state.vni, state.port) == (vtep.vni, vtep.port) for vtep in overlay.vteps if vtep.shared
    )
    return bool(overlay.unsettled) and all(alike)


def _numbers(has: VniKey, wants: VniKey) -> str:
    return (
        f"with VNI {has.vni} on port {has.port}, and the file wants {wants.vni} on {wants.port}"
        " there"
    )
