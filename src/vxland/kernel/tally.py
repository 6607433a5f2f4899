"""The table that counts for peers, in the kernel (docs/metrics.md says what it counts)."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from typing import Any

from vxland import operations as ops
from vxland.identity import TALLY_TABLE
from vxland.kernel.expressions import encode
from vxland.kernel.generation import Generation
from vxland.kernel.netlink import Netlink
from vxland.kernel.own_table import Facts, OwnTable
from vxland.kernel.programs import named, program
from vxland.kernel.sets import DELSETELEM, NEWSETELEM, changes, parted, sets
from vxland.kernel.tally_sets import FORMS, counts, keys
from vxland.kernel.transactions import TableMessages
from vxland.observed import Counted, TallyTable
from vxland.tables.tally import CHAINS, HOOK_OF, PRIORITY, RECEIVED, RULES, SENT, SETS

TALLY = TableMessages(*TALLY_TABLE.split())
PLACES = tuple((chain.name, chain.name, PRIORITY) for chain in CHAINS)

PROGRAMS = {rule: program(rule.partition(" ")[2]) for rule in RULES}


class Tally(OwnTable[TallyTable]):
    """The table of this network namespace. ``keeps``: who looks stays, and may own it."""

    def __init__(self, *, keeps: bool = False, generation: Generation | None = None) -> None:
        super().__init__(TALLY_TABLE, keeps=keeps, generation=generation)

    def contents(self, netlink: Netlink, facts: Facts) -> TallyTable:
        """What it counts, and whether it does."""
        there = frozenset(sets(TALLY, netlink, FORMS))
        rules = (
            rule
            for chain in HOOK_OF.values()
            for rule in named(TALLY.rules(netlink, chain), chain, PROGRAMS)
        )
        return TallyTable(
            chains=frozenset(TALLY.chains(netlink)),
            rules=tuple(sorted(rules)),
            sets=there,
            received=_counted(netlink, RECEIVED, there),
            sent=_counted(netlink, SENT, there),
            dormant=facts.dormant,
            owner=facts.owner,
            persistent=facts.persistent,
        )

    def batches(self, operation: ops.Operation, flags: int, room: int) -> Iterable[Iterable[bytes]]:
        """One, or several where the socket hasn't room for all counters."""
        return parted(BATCHES[type(operation)](operation, flags), room)


def _counted(netlink: Netlink, way: str, there: frozenset[str]) -> frozenset[Counted]:
    names = sorted(name for name in SETS & there if name.startswith(way))
    return frozenset(
        counted for name in names for piece in counts(TALLY, netlink, name) for counted in piece
    )


@cache
def _new_rules() -> Sequence[bytes]:
    return [
        TALLY.rule(rule.partition(" ")[0], encode(expressions))
        for rule, expressions in PROGRAMS.items()
    ]


@cache
def _frame() -> Sequence[bytes]:
    """What the table has, whoever is counted."""
    sets = (form.making(TALLY) for form in FORMS.values())
    return [*sets, *(TALLY.chain(*place) for place in PLACES), *_new_rules()]


def _write_rules(*_: object) -> Iterator[bytes]:
    yield from (TALLY.emptying(chain.name) for chain in CHAINS)
    yield from _new_rules()


def _make(operation: ops.MakeTally, flags: int) -> Iterator[bytes]:
    if operation.replaces:
        yield TALLY.deletion()
    yield TALLY.making(flags)
    yield from _frame()
    yield from _elements(NEWSETELEM, operation.counted, operation.counted)


def _elements(kind: int, received: Sequence[Counted], sent: Sequence[Counted]) -> Iterator[bytes]:
    alike = keys(received)  # mostly of both
    for way, of_way in ((RECEIVED, alike), (SENT, alike if sent is received else keys(sent))):
        for family, some in of_way.items():
            yield from changes(TALLY, kind, f"{way}{family}", some)


BATCHES: dict[type[ops.Operation], Callable[[Any, int], Iterable[bytes]]] = {
    ops.MakeTally: _make,
    ops.WriteTallyRules: _write_rules,
    ops.AddCounters: lambda op, _: _elements(NEWSETELEM, op.received, op.sent),
    ops.RemoveCounters: lambda op, _: _elements(DELSETELEM, op.received, op.sent),
    ops.ClaimTable: lambda _, flags: (TALLY.making(flags, request=0),),
    ops.RemoveTable: lambda *_: (TALLY.deletion(),),
}
