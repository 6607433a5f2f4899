"""Who gets in, found out from the table that filters, without the planner (docs/security.md)."""

from collections.abc import Collection, Iterator
from ipaddress import ip_address

from msgspec import Struct

from vxland.addresses import IPAddress
from vxland.identity import SHARED
from vxland.model import Desired, Overlay, Vtep
from vxland.observed import Element, IngressTable, Observed, Owner, TableState
from vxland.ownership import Mark, is_own, mark
from vxland.tables.ingress import CHAINS, RULES

STRANGERS: dict[int, IPAddress] = {4: ip_address("233.252.0.66"), 6: ip_address("2001:db8:66::66")}
NOBODYS = 0xFFFFFE  # a VNI
Number = tuple[int, int]  # a VNI, and the UDP port it is used on


class Way(Struct, frozen=True):
    """A tunnel of vxland's, as a stranger sees it."""

    device: str
    number: Number
    shared: str  # the overlay, if this is for all its peers

    def is_of(self, other: "Way") -> bool:
        """Whether this is the same overlay's device as that, for the other IP version."""
        same = (self.shared, self.number) == (other.shared, other.number)
        return same and self.device != other.device


class Gate:
    """What comes in through a table, as its rules have it."""

    def __init__(self, state: TableState[IngressTable]) -> None:
        table = state.table
        self.stands = (
            table is not None
            and not table.dormant
            and table.chains >= {CHAINS["input"]}
            and table.rules.get("input") == RULES["input"]
        )
        self._elements = table.elements if table is not None else frozenset[Element]()

    def lets_in(self, source: IPAddress, number: Number) -> bool:
        """Whether a packet from there gets to a device with this VNI and port."""
        vni, port = number
        version = source.version
        if not self.stands or not self._has("ports", port):
            return True
        if self._has(f"peers{version}", port, vni, source):
            return True
        if self._has("common", port, vni) and self._has(f"senders{version}", port, None, source):
            return True
        return not (self._has("vnis", port, vni) or self._has("exclusive", port))

    def is_shut(self, number: Number) -> bool:
        """Whether strangers don't get in there."""
        return not any(self.lets_in(source, number) for source in STRANGERS.values())

    def _has(
        self, name: str, port: int, vni: int | None = None, address: IPAddress | None = None
    ) -> bool:
        return Element(name, port, vni, address) in self._elements


class Ways(Struct, frozen=True):
    """The tunnels of one moment that are there to be filtered."""

    up: frozenset[Way] = frozenset()
    down: frozenset[Way] = frozenset()
    shut: frozenset[Way] = frozenset()  # those that are filtered, up or down

    @property
    def open(self) -> frozenset[Way]:
        """What strangers get in by."""
        return self.up - self.shut

    def worse(self, before: "Ways", *, refused: bool = False) -> list[str]:
        """What became open between two moments.

        Where the table couldn't be written (``refused``), tunnels come up all the same; but what
        was filtered stays so until its device is gone. And a shared overlay's device comes up
        beside one of the other IP version that nobody could filter.
        """
        there = (self.up | self.down) - self.shut
        beside = [way for way in there & (before.up | before.down) if way.shared]
        new = [way for way in self.open - before.open if not any(map(way.is_of, beside))]
        opened = frozenset[Way]() if refused else frozenset(new)
        opened |= (before.shut - self.shut) & (self.up | self.down)
        return sorted(f"strangers get in by {way.device}: {way.number}" for way in opened)


def ways(seen: Observed, desired: Desired) -> Ways:
    """Of vxland's tunnels; whatever is told not to be filtered isn't looked at."""
    state = seen.ingress
    if not isinstance(state, TableState):
        return Ways()
    gate = Gate(state)
    off = {overlay.name for overlay in desired.overlays if not overlay.filtered}
    there = [
        (link, Way(link.name, (link.vxlan.vni, link.vxlan.port), _shared(whose)))
        for link in seen.links.values()
        if link.vxlan is not None and is_own(link)
        if (whose := mark(link)) is None or whose.overlay not in off
    ]
    return Ways(
        frozenset(way for link, way in there if link.up),
        frozenset(way for link, way in there if not link.up),
        frozenset(way for _, way in there if gate.is_shut(way.number)),
    )


def _shared(whose: Mark | None) -> str:
    return whose.overlay if whose is not None and whose.peer in SHARED.values() else ""


def misjudged(seen: Observed, desired: Desired, excused: Collection[str]) -> Iterator[str]:
    """Who gets in and shouldn't, or the other way round, once all is as desired.

    ``excused`` are overlays that can't be laid out. While there is one, what isn't known to be
    vxland's keeps what it had.
    """
    state = seen.ingress
    if not isinstance(state, TableState):
        return
    gate = Gate(state)
    filtered = [o for o in desired.overlays if o.filtered and o.name not in excused]
    vteps = [(o, v) for o in filtered for v in o.vteps if _is_there(seen, v)]
    if vteps and not gate.stands:
        yield "nothing filters"
        return
    if vteps and state.keeps and state.table is not None and state.table.owner is not Owner.SELF:
        yield "the table that filters isn't kept"
    for overlay, vtep in vteps:
        yield from _of_one(gate, overlay, vtep)
    if not vteps:
        return
    for port in {vtep.port for _, vtep in vteps}:
        yield from _beside(gate, desired, excused, port)


def _is_there(seen: Observed, vtep: Vtep) -> bool:
    link = seen.links.get(vtep.device)
    return link is not None and link.vxlan is not None and is_own(link)


def _of_one(gate: Gate, overlay: Overlay, vtep: Vtep) -> Iterator[str]:
    number = vtep.vni, vtep.port
    if not gate.is_shut(number):
        yield f"strangers get in by {vtep.device}: {number}"
    for address in vtep.outer:
        if not gate.lets_in(address, number):
            yield f"{address} is kept out of {vtep.device}"
    if vtep.shared or vtep.common:
        return
    owners = {a for v in overlay.vteps if (v.vni, v.port) == number for a in v.outer}
    for other in overlay.vteps:
        for address in {*other.outer} - owners:
            if gate.lets_in(address, number):
                yield f"{address} gets in by {vtep.device}, which is another peer's"


def _beside(gate: Gate, desired: Desired, excused: Collection[str], port: int) -> Iterator[str]:
    users = [o for o in desired.overlays if any(v.port == port for v in o.vteps)]
    if any(o.name in excused for o in desired.overlays):
        return
    alone = any(o.exclusive for o in users) and all(o.filtered for o in users)
    passes = gate.lets_in(STRANGERS[4], (NOBODYS, port))
    if passes == alone:
        yield f"others' VNIs on port {port} {'pass' if passes else 'are dropped'}"
