"""From desired and observed to a plan: the overlays, then what leaves, then the guards."""

from collections.abc import Iterable, Iterator

from msgspec import Struct, field
from msgspec.structs import replace

from vxland.guards import GUARDS, port_in
from vxland.guards.port import Port
from vxland.identity import RULE_SETS
from vxland.model import Desired, Overlay, Vtep
from vxland.observed import Link, Observed
from vxland.operations import AddAltname, DeleteLink, Operation, Phase, Rename
from vxland.ownership import Mark, is_own, own_links
from vxland.plan.adoption import Adoption, adopt
from vxland.plan.adoption.rules import retirements
from vxland.plan.adoption.words import reworded
from vxland.plan.altnames import with_altnames_moved
from vxland.plan.bridges import plan_bridge
from vxland.plan.hindrances import Hindrances
from vxland.plan.leaving import plan_departures
from vxland.plan.matching import Matching
from vxland.plan.memory import Memory
from vxland.plan.notices import hazard, idle, mode_changes, unguarded
from vxland.plan.obstacles import name_taken, vni_taken
from vxland.plan.schemes import renumbering, scheme_changes
from vxland.plan.standing import View
from vxland.plan.still import Still
from vxland.plan.vteps import Place, plan_vtep, stays_in_place
from vxland.problems import Kind, Problem
from vxland.tables import ingress, tally


class Plan(Struct, frozen=True):
    """Operations, sorted by phase, and what no operation can mend."""

    operations: tuple[Operation, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def in_sync(self) -> bool:
        """Whether there is nothing to do and nothing in the way."""
        return not self.operations and all(p.kind is Kind.HINT for p in self.problems)


def plan(observed: Observed, desired: Desired, memory: Memory = Memory()) -> Plan:
    """What to do, in order, to get from ``observed`` to ``desired``."""
    return plan_view(View(observed, desired, tables=desired), memory)


def plan_view(view: View, memory: Memory) -> Plan:
    """The same for a part of it, which leaves out what isn't to be changed."""
    observed, desired = view.observed, view.desired
    if not desired.node and not desired.overlays:
        return Plan(problems=tuple(idle(observed)))
    adoption = adopt(observed, desired) if desired.node else Adoption(observed)
    planner = _Planner(adoption.observed, desired, memory, adoption)
    if not desired.node:
        planner.bridges_ahead()
        return planner.result()
    planner.problems += desired.waiting
    planner.standing()
    for overlay in desired.overlays:
        planner.overlay(overlay)
    planner.tunnels()
    planner.departures()
    planner.guards()
    planner.tables(view.tables)
    planner.rules()
    return planner.result()


def plan_teardown(observed: Observed) -> Plan:
    """What removes everything that is vxland's, and nothing else."""
    planner = _Planner(observed, Desired("", ()), Memory(), Adoption(observed))
    planner.departures()
    planner.tables(planner.desired)  # ahead: ebtables ends only once their memory is free
    planner.guards()
    return planner.result()


class _Planner(Struct, dict=True):
    observed: Observed
    desired: Desired
    memory: Memory
    adoption: Adoption
    operations: list[Operation] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    kept: set[str] = field(default_factory=set)  # devices of vxland's that don't leave
    bridges: set[str] = field(default_factory=set)  # that overlays use, whoever's they are
    seats: list[tuple[Overlay, list[Port]]] = field(default_factory=list)
    bridge_of: dict[str, str] = field(default_factory=dict)  # overlays, by bridge as named now
    stuck: list[tuple[Mark, Overlay, list[Port]]] = field(default_factory=list)  # staying still
    open: list[tuple[Place, list[Port]]] = field(default_factory=list)  # overlays to lay out
    laid: set[str] = field(default_factory=set)  # devices that are as wanted, or will be
    names: set[str] = field(default_factory=set)  # all that are wanted, altnames too
    settled: dict[str, tuple[str, str]] = field(default_factory=dict)  # by name: what it gets

    def __post_init__(self) -> None:
        still: set[str] = set()
        self.matching = Matching(self.observed, self.desired.vteps(), still)
        self.register = self.matching.register
        self.hindrances = Hindrances(self.observed, self.adoption, self.matching.by_mark)
        self.still = Still(self.observed, self.hindrances, self.bridge_of, self.kept, still)
        self.reserved = frozenset(overlay.bridge.device for overlay in self.desired.overlays)

    def result(self) -> Plan:
        """The operations found so far, in the order of their phases and steps."""
        adoption = self.adoption
        said = reworded(self.problems, adoption.refused, adoption.offered, adoption.blocked)
        return Plan(adoption.ordered(self.operations), (*adoption.notes, *said))

    def bridges_ahead(self) -> None:
        """Bridges that are missing before this machine is known; any other stays as it is."""
        for overlay in self.desired.overlays:
            bridge = plan_bridge(overlay, self.observed, self.memory, self.register, self.reserved)
            obstacles = self.hindrances.of(overlay)
            self.problems += [*obstacles, *bridge.problems]
            made_ahead = bridge.link is None or bridge.link.mac == overlay.bridge.mac
            if made_ahead and not obstacles:
                self.operations += bridge.operations

    def standing(self) -> None:
        """What is to be left alone keeps its names, whoever may want them."""
        for overlay in self.desired.overlays:
            stuck, blocked = overlay.unsettled, self.hindrances.block(overlay)
            for seen, links in self.matching.by_mark.items():
                if seen.overlay == overlay.name and (blocked or seen.peer in stuck):
                    self.still.devices.update(link.name for link in links)

    def overlay(self, overlay: Overlay) -> None:
        """An overlay's bridge, or why the overlay is left as it is."""
        ports: list[Port] = []
        blocked = overlay.name in self.adoption.blocked
        self.seats.append((replace(overlay, guards=()) if blocked else overlay, ports))
        bridge = plan_bridge(overlay, self.observed, self.memory, self.register, self.reserved)
        self.problems += [*overlay.waiting, *self.hindrances.of(overlay), *bridge.problems]
        hazards = self.hindrances.hazards(overlay, bridge.link.name) if bridge.link else ()
        self.problems += [hazard(overlay, link) for link in hazards]
        self.bridges.add(overlay.bridge.device)
        if bridge.link is not None:
            self.kept.add(bridge.link.name)
            self.bridges.add(bridge.link.name)
            self.bridge_of[bridge.link.name] = overlay.name
        if self.hindrances.block(overlay) or not bridge.usable:
            tunnels = [seen for seen in self.matching.by_mark if seen.overlay == overlay.name]
            self.stuck += [(seen, overlay, ports) for seen in tunnels]
            return
        self.problems += mode_changes(overlay, self.matching.by_mark)
        self.problems += scheme_changes(overlay, self.matching.by_mark)
        self.operations += bridge.operations
        self._settle(overlay.bridge.device, overlay.bridge.altname, bridge.link)
        place = Place(overlay, bridge.link.name if bridge.link else None, open=not hazards)
        self.stuck += [(Mark(overlay.name, peer), overlay, ports) for peer in overlay.unsettled]
        self.open.append((place, ports))

    def tunnels(self) -> None:
        """Every overlay's tunnels, those that are left alone first: they give nothing away."""
        self.still.leave_used_bridges()
        for seen, overlay, ports in self.stuck:
            self.operations += self.still.leave(self.matching.by_mark.get(seen, ()), overlay, ports)
        vteps = [(vtep, place, ports) for place, ports in self.open for vtep in place.overlay.vteps]
        known = -1
        while known < len(self.still.devices):  # what stays may be in another's way, and so on
            known = len(self.still.devices)
            for vtep, place, ports in vteps:
                self._bar(vtep, place, ports)
        for vtep, place, ports in vteps:
            self._vtep(vtep, place, ports)
        for place, _ in self.open:
            self.problems += renumbering(place.overlay, self.matching)

    def departures(self) -> None:
        """What is vxland's and isn't wanted."""
        leaving = frozenset(
            link.name for link in own_links(self.observed) if link.name not in self.kept
        )
        operations, problems = plan_departures(leaving, frozenset(self.bridges), self.observed)
        self.operations += operations
        self.problems += problems
        self.operations = with_altnames_moved(
            self.operations, self.names, self.settled, self.observed
        )

    def guards(self) -> None:
        """What arms the guards wanted and disarms the others, where a bridge is left to guard."""
        gone = {op.device for op in self.operations if isinstance(op, DeleteLink)}
        seats = [
            (overlay, [port for port in ports if not (port.link and port.link.master in gone)])
            for overlay, ports in self.seats
        ]
        self.operations += [
            operation
            for guard in GUARDS.values()
            for operation in guard.operations(seats, self.observed)
            if operation.phase is not Phase.DISARM or not self._stands(guard.name, operation)
        ]

    def rules(self) -> None:
        """What the guards replace of others' rules."""
        renames = (operation for operation in self.operations if isinstance(operation, Rename))
        early, late = retirements(self.active(self.desired), self.seats, self.observed, renames)
        self.adoption = replace(self.adoption, operations=(*self.adoption.operations, *early))
        self.operations += late

    def tables(self, desired: Desired | None) -> None:
        """What filters and what counts by peers of these overlays, and what lacks for it."""
        if desired is None:
            return
        left = {vtep.device for vtep in self.desired.vteps()} - self.laid | self._mixed()
        self.operations += ingress.operations(desired, self.observed, left, self.still.devices)
        self.problems += ingress.problems(desired, self.observed)
        self.operations += tally.operations(self.active(desired), self.observed)

    def _mixed(self) -> set[str]:
        """Devices of shared overlays that have another one left alone with the same VNI and port.

        It is of the other IP version, and nobody knows where what it takes is from. What is
        filtered stays so.
        """
        alike = {
            (overlay.name, link.vxlan.vni, link.vxlan.port)
            for seen, overlay, _ in self.stuck
            if overlay.shared
            for link in self.matching.by_mark.get(seen, ())
            if link.vxlan is not None and not ingress.filters(link.vxlan, self.observed)
        }
        vteps = (vtep for vtep in self.desired.vteps() if alike)
        return {vtep.device for vtep in vteps if (vtep.overlay, vtep.vni, vtep.port) in alike}

    def active(self, desired: Desired) -> Desired:
        """What of this is wanted but for overlays in which nothing is changed."""
        overlays = (o for o in desired.overlays if o.name not in self.adoption.blocked)
        return replace(desired, overlays=tuple(overlays))

    def _stands(self, guard: str, operation: Operation) -> bool:
        """Whether this isn't taken away, since what it guards is left as it is."""
        blocked = (o for o in self.desired.overlays if o.name in self.adoption.blocked)
        return operation.device in self.still.devices or (
            operation.device in RULE_SETS and any(guard in overlay.guards for overlay in blocked)
        )

    def _settle(self, device: str, altname: str, link: Link | None) -> None:
        """This name and this altname are wanted for this device, if there is one already."""
        self.names.update((device, altname))
        if link is not None and is_own(link):
            self.settled[link.name] = (device, altname)

    def _bar(self, vtep: Vtep, place: Place, ports: list[Port]) -> None:
        """Leave a device alone, or its name, where somebody has what it should have."""
        link = self.matching.device(vtep)
        if link is not None and self.matching.is_barred(vtep, link):
            marked = self.matching.marked(vtep)
            self.operations += self.still.leave(marked, place.overlay, ports)
        elif link is not None and self.register.obstacle(vtep.device, link):
            self.still.devices.add(link.name)

    def _has_vni(self, vtep: Vtep, link: Link | None) -> bool:
        """Whether nothing else holds the VNI, which is said."""
        holder = self.register.vni_obstacle(vtep, link)
        if holder is not None:
            self.problems.append(vni_taken(vtep, self.desired.node, holder))
        return holder is None

    def _vtep(self, vtep: Vtep, place: Place, ports: list[Port]) -> None:
        link = self.matching.device(vtep)
        holder = self.register.obstacle(vtep.device, link)
        altname_holder = self.register.foreign(vtep.altname)
        if holder is not None:
            self.problems.append(name_taken(vtep, vtep.device, holder))
        if altname_holder is not None:
            self.problems.append(name_taken(vtep, vtep.altname, altname_holder))
        free = self._has_vni(vtep, link)
        if (holder or not free) and self.matching.is_to_be_made(vtep, link):
            return
        self.laid |= {vtep.device} if free else set()
        if holder is not None and link is not None:
            # Under another name a chain that goes by name doesn't guard it.
            vtep, place = replace(vtep, device=link.name), replace(place, open=False)
        if not place.overlay.guards and vtep is not place.overlay.vteps[0]:
            self.problems.append(unguarded(place.overlay, vtep))
            place = replace(place, open=False)
        if vtep.device in self.memory.grounded:
            place = replace(place, open=False)
        if link is not None:
            self.kept.add(link.name)
            if self.matching.is_crowded(vtep, link):
                self.kept.discard(link.name)
                link = None
        self._settle(vtep.device, vtep.altname, link)
        operations = plan_vtep(vtep, link, place, self.observed)
        self.operations += _unnamed(operations) if altname_holder else operations
        in_place = stays_in_place(vtep, link, place, self.observed.host)
        ports.append(port_in(place.overlay, vtep.device, link if in_place else None))


def _unnamed(operations: Iterable[Operation]) -> Iterator[Operation]:
    """Those that give no altname."""
    return (operation for operation in operations if not isinstance(operation, AddAltname))
