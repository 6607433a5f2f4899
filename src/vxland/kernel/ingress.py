"""The table that lets only peers in, in the kernel (docs/security.md says what it is for)."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from ipaddress import IPv4Address, IPv6Address
from itertools import groupby
from operator import attrgetter
from typing import Any

from vxland import operations as ops
from vxland.addresses import IPAddress
from vxland.identity import INGRESS_TABLE
from vxland.kernel.expressions import encode
from vxland.kernel.generation import Generation
from vxland.kernel.netlink import Netlink
from vxland.kernel.own_table import Facts, OwnTable
from vxland.kernel.programs import named, program
from vxland.kernel.sets import (
    DELSETELEM,
    KEY,
    NEWSETELEM,
    changes,
    elements,
    forms,
    number_key,
    parted,
    sets,
)
from vxland.kernel.transactions import TableMessages
from vxland.kernel.wire import NetlinkError
from vxland.observed import Element, IngressTable, TableState, Unavailable
from vxland.tables.ingress import CHAINS, COUNTING, KEYS, PRIORITY, RAW, RULES

INGRESS = TableMessages(*INGRESS_TABLE.split())
FORMS = forms(KEYS, COUNTING)
PLACES = tuple((name, name, PRIORITY if name == "input" else RAW) for name in CHAINS)
PROGRAMS = {f"{chain} {rule}": program(rule) for chain in RULES for rule in RULES[chain]}
ADDRESSES: dict[int, type[IPAddress]] = {4: IPv4Address, 16: IPv6Address}
VNI_FIELD, PORT_FIELD = 4, 2  # bytes in a key


class Ingress(OwnTable[IngressTable]):
    """The table of this network namespace. ``keeps``: who looks stays, and may own it."""

    def __init__(self, *, keeps: bool = False, generation: Generation | None = None) -> None:
        super().__init__(INGRESS_TABLE, keeps=keeps, generation=generation)

    def contents(self, netlink: Netlink, facts: Facts) -> IngressTable:
        """Whom it lets in, and whether it does."""
        there = frozenset(sets(INGRESS, netlink, FORMS))
        return IngressTable(
            chains=frozenset(INGRESS.chains(netlink)),
            rules={chain: _rules(netlink, chain) for chain in RULES},
            sets=there,
            elements=frozenset(_elements(netlink, sorted(there & KEYS.keys()))),
            dormant=facts.dormant,
            owner=facts.owner,
            persistent=facts.persistent,
        )

    def outline(self) -> TableState[IngressTable] | Unavailable:
        """Whether there is the table, without what is in it: what there is to know to delete it."""
        if self._netlink is None:
            return self._without
        try:
            facts = self._facts(self._netlink)
        except NetlinkError as error:
            return self.unusable(error)
        return TableState(facts and IngressTable({}, frozenset(), chains=frozenset()))

    def batches(self, operation: ops.Operation, flags: int, room: int) -> Iterable[Iterable[bytes]]:
        """One, up to some 80,000 peers; in a user's container up to some 4,000 (``widen``).

        Of several the first has whom to let in: a table that is made anew lets others in, too,
        till the last. To begin with what closes would keep the peers out.
        """
        return parted(BATCHES[type(operation)](operation, flags), room)


def _rules(netlink: Netlink, chain: str) -> tuple[str, ...]:
    seen = named(INGRESS.rules(netlink, chain), chain, PROGRAMS)
    return tuple(rule.removeprefix(f"{chain} ") for rule in seen)


def _elements(netlink: Netlink, names: Iterable[str]) -> Iterator[Element]:
    for name in names:
        length = FORMS[name].length
        for piece in elements(INGRESS, netlink, name):
            for element in piece:
                yield read_key(name, element[KEY : KEY + length])


def read_key(name: str, key: bytes) -> Element:
    """The element that this key is: an address, a VNI and a port, as far as the set has them."""
    vni = None
    if len(key) == PORT_FIELD:
        return Element(name, int.from_bytes(key, "big"))
    port, key = int.from_bytes(key[-4:-2], "big"), key[:-4]
    if "@th" in KEYS[name]:
        vni, key = int.from_bytes(key[-4:-1], "big"), key[:-VNI_FIELD]
    return Element(name, port, vni, ADDRESSES[len(key)](key) if key else None)


def _keys(name: str, wanted: Iterable[Element]) -> list[bytes]:
    """Of one set, whose elements are as many as peers."""
    if FORMS[name].length == PORT_FIELD:
        return [element.port.to_bytes(PORT_FIELD, "big") for element in wanted]
    return [
        (address.packed if (address := element.address) else b"")
        + number_key(element.vni, element.port)
        for element in wanted
    ]


@cache
def _new_rules() -> Sequence[bytes]:
    return [
        INGRESS.rule(chain, encode(PROGRAMS[f"{chain} {rule}"]))
        for chain, rules in RULES.items()
        for rule in rules
    ]


@cache
def _frame() -> Sequence[bytes]:
    """What the table has, whoever is let in."""
    sets = (form.making(INGRESS) for form in FORMS.values())
    return [*sets, *(INGRESS.chain(*place) for place in PLACES), *_new_rules()]


def _write_rules(*_: object) -> Iterator[bytes]:
    yield from map(INGRESS.emptying, RULES)
    yield from _new_rules()


def _make(operation: ops.MakeIngress, flags: int) -> Iterator[bytes]:
    if operation.replaces:
        yield INGRESS.deletion()
    yield INGRESS.making(flags)
    yield from _frame()
    yield from _changes(NEWSETELEM, operation.elements)


def _change(operation: ops.ChangeIngress, _: int) -> Iterator[bytes]:
    yield from _changes(DELSETELEM, operation.removed)
    yield from _changes(NEWSETELEM, operation.added)


def _trim(operation: ops.TrimIngress, _: int) -> Iterator[bytes]:
    yield from _changes(DELSETELEM, operation.removed)


def _changes(kind: int, wanted: Iterable[Element]) -> Iterator[bytes]:
    for name, alike in groupby(wanted, attrgetter("set")):
        yield from changes(INGRESS, kind, name, _keys(name, alike))


BATCHES: dict[type[ops.Operation], Callable[[Any, int], Iterable[bytes]]] = {
    ops.MakeIngress: _make,
    ops.WriteIngressRules: _write_rules,
    ops.ChangeIngress: _change,
    ops.TrimIngress: _trim,
    ops.ClaimTable: lambda _, flags: (INGRESS.making(flags, request=0),),
    ops.RemoveTable: lambda *_: (INGRESS.deletion(),),
}
