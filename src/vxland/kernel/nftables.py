"""The nftables guard's table in the kernel: a chain, and rules that go by ports' names."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from vxland import operations as ops
from vxland.guards.nftables import FORWARD
from vxland.identity import TABLE
from vxland.kernel.generation import Generation
from vxland.kernel.netlink import Netlink
from vxland.kernel.own_table import Facts, OwnTable, probe_name
from vxland.kernel.port_rules import decode, encode
from vxland.kernel.transactions import TableMessages
from vxland.observed import NftTable, PortRule

GUARD = TableMessages(*TABLE.split())
PROBE = probe_name(TABLE)
PLACE = (FORWARD.name, "forward", -210)  # as FORWARD says
OTHERWISE = ', or guard otherwise: guard = ["isolated"]'


class Nftables(OwnTable[NftTable]):
    """The table of this network namespace. ``keeps``: who looks stays, and may own it."""

    def __init__(self, *, keeps: bool = False, generation: Generation | None = None) -> None:
        super().__init__(TABLE, keeps=keeps, otherwise=OTHERWISE, generation=generation)

    def contents(self, netlink: Netlink, facts: Facts) -> NftTable:
        """The guard as it stands."""
        return NftTable(
            chains=frozenset(GUARD.chains(netlink)),
            rules=tuple(map(decode, GUARD.rules(netlink, FORWARD.name))),
            dormant=facts.dormant,
            owner=facts.owner,
            persistent=facts.persistent,
        )

    def batches(self, operation: ops.Operation, flags: int, room: int) -> Iterable[Iterable[bytes]]:
        """Always one, without a gap."""
        del room
        return (BATCHES[type(operation)](operation, flags),)

    def trial(self, messages: TableMessages) -> Iterator[bytes]:
        """A chain of the bridge family."""
        yield messages.chain(*PLACE)


def _new_rules(rules: tuple[PortRule, ...]) -> Iterator[bytes]:
    return (GUARD.rule(FORWARD.name, encode(rule)) for rule in rules)


def _make(operation: ops.MakeTable, flags: int) -> Iterator[bytes]:
    if operation.replaces:
        yield GUARD.deletion()
    yield GUARD.making(flags)
    yield GUARD.chain(*PLACE)
    yield from _new_rules(operation.rules)


def _fill(operation: ops.FillTable | ops.TrimTable, _: int) -> Iterator[bytes]:
    yield GUARD.emptying(FORWARD.name)
    yield from _new_rules(operation.rules)


BATCHES: dict[type[ops.Operation], Callable[[Any, int], Iterator[bytes]]] = {
    ops.MakeTable: _make,
    ops.FillTable: _fill,
    ops.ClaimTable: lambda _, flags: iter((GUARD.making(flags, request=0),)),
    ops.TrimTable: _fill,
    ops.RemoveTable: lambda *_: iter((GUARD.deletion(),)),
}
