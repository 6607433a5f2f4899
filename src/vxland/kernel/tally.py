"""The table that counts for peers, in the kernel (docs/metrics.md says what it counts)."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from vxland import operations as ops
from vxland.identity import TALLY_TABLE
from vxland.kernel.expressions import Compare, Expression, Lookup, Meta, Payload, decode, encode
from vxland.kernel.netlink import Netlink
from vxland.kernel.own_table import Facts, OwnTable
from vxland.kernel.tally_sets import DELSETELEM, NEWSETELEM, changes, counts, new_set, sets
from vxland.kernel.transactions import TableMessages
from vxland.observed import Counted, TallyState, TallyTable
from vxland.tally import CHAINS, HOOK_OF, KEYS, PRIORITY, RECEIVED, RULES, SENT, SETS

TALLY = TableMessages(*TALLY_TABLE.split())
MOST = 128 << 10  # bytes of a transaction; net.core.wmem_default is 208 KiB
PLACES = tuple((chain.name, chain.name, PRIORITY) for chain in CHAINS)

NFPROTO, L4PROTO = 15, 16  # NFT_META_…
NETWORK, TRANSPORT = 1, 2  # NFT_PAYLOAD_…_HEADER
PROTOCOLS = {4: b"\x02", 6: b"\x0a"}  # NFPROTO_IPV4, NFPROTO_IPV6
UDP = b"\x11"
ADDRESSES = {  # offset and length in the IP header
    (4, RECEIVED): (12, 4),
    (4, SENT): (16, 4),
    (6, RECEIVED): (8, 16),
    (6, SENT): (24, 16),
}
VNI, PORT = (12, 3), (2, 2)  # from the beginning of the UDP header
REGISTERS = {4: (1, 9, 10), 6: (1, 2, 13)}  # where the parts of a key stand one after the other


def program(name: str) -> Iterator[Expression]:
    """The rule that counts a packet by a set, as nft makes it of ``tally.KEYS``."""
    way, family = name[:-1], int(name[-1])
    yield Meta(NFPROTO)
    yield Compare(PROTOCOLS[family])
    yield Meta(L4PROTO)
    yield Compare(UDP)
    address, vni, port = REGISTERS[family]
    yield Payload(NETWORK, *ADDRESSES[family, way], address)
    yield Payload(TRANSPORT, *VNI, vni)
    yield Payload(TRANSPORT, *PORT, port)
    yield Lookup(name)


PROGRAMS = {rule: [*program(rule.rpartition("@")[2])] for rule in RULES}


class Tally(OwnTable[TallyState]):
    """The table of this network namespace. ``keeps``: who looks stays, and may own it."""

    def __init__(self, *, keeps: bool = False) -> None:
        super().__init__(TALLY_TABLE, keeps=keeps)

    def state(self, netlink: Netlink, facts: Facts | None, *, keeps: bool) -> TallyState:
        """What it counts, and whether it does."""
        if facts is None:
            return TallyState(None, keeps)
        there = frozenset(sets(TALLY, netlink))
        rules = (rule for way in HOOK_OF for rule in _rules(netlink, HOOK_OF[way]))
        table = TallyTable(
            chains=frozenset(TALLY.chains(netlink)),
            rules=tuple(sorted(rules)),
            sets=there,
            received=_counted(netlink, RECEIVED, there),
            sent=_counted(netlink, SENT, there),
            dormant=facts.dormant,
            owner=facts.owner,
            persistent=facts.persistent,
        )
        return TallyState(table, keeps)

    def batches(self, operation: ops.Operation, flags: int) -> Iterable[Iterable[bytes]]:
        """One, or several for more than about a thousand counters: the kernel has a limit."""
        return _parted(BATCHES[type(operation)](operation, flags))


def _rules(netlink: Netlink, chain: str) -> Iterator[str]:
    for expressions in TALLY.rules(netlink, chain):
        seen = decode(expressions)
        known = (rule for rule, program in PROGRAMS.items() if program == seen)
        rule = next((rule for rule in known if rule.startswith(f"{chain} ")), None)
        yield rule or f"{chain} expressions {expressions.hex()}"


def _counted(netlink: Netlink, way: str, there: frozenset[str]) -> frozenset[Counted]:
    names = sorted(name for name in SETS & there if name.startswith(way))
    return frozenset(
        counted for name in names for piece in counts(TALLY, netlink, name) for counted in piece
    )


def _new_rules() -> Iterator[bytes]:
    for rule, expressions in PROGRAMS.items():
        yield TALLY.rule(rule.partition(" ")[0], encode(expressions))


def _write_rules(*_: object) -> Iterator[bytes]:
    yield from (TALLY.emptying(chain.name) for chain in CHAINS)
    yield from _new_rules()


def _make(operation: ops.MakeTally, flags: int) -> Iterator[bytes]:
    if operation.replaces:
        yield TALLY.deletion()
    yield TALLY.making(flags)
    yield from (new_set(TALLY, name) for name in KEYS)
    yield from (TALLY.chain(*place) for place in PLACES)
    yield from _new_rules()
    yield from _elements(NEWSETELEM, operation.counted, operation.counted)


def _elements(kind: int, received: Sequence[Counted], sent: Sequence[Counted]) -> Iterator[bytes]:
    for way, counted in ((RECEIVED, received), (SENT, sent)):
        for family in PROTOCOLS:
            keys = [one for one in counted if one.address.version == family]
            yield from changes(TALLY, kind, f"{way}{family}", keys)


def _parted(messages: Iterable[bytes]) -> Iterator[Sequence[bytes]]:
    """Transactions that fit into a socket."""
    part: list[bytes] = []
    for message in messages:
        if part and sum(map(len, part)) + len(message) > MOST:
            yield part
            part = []
        part.append(message)
    if part:
        yield part


BATCHES: dict[type[ops.Operation], Callable[[Any, int], Iterable[bytes]]] = {
    ops.MakeTally: _make,
    ops.WriteTallyRules: _write_rules,
    ops.AddCounters: lambda op, _: _elements(NEWSETELEM, op.received, op.sent),
    ops.RemoveCounters: lambda op, _: _elements(DELSETELEM, op.received, op.sent),
    ops.ClaimTable: lambda _, flags: (TALLY.making(flags, request=0),),
    ops.RemoveTable: lambda *_: (TALLY.deletion(),),
}
