"""Rules of nftables, as far as they tell what becomes of packets between ports of one bridge.

Such a packet comes in by the bridge and goes out by it, as rules see it; nothing else is known of
it. Numbers are those of include/uapi/linux/netfilter/nf_tables.h.
"""

import struct
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum, auto

from msgspec import Struct

from vxland.kernel.generation import NFGENMSG
from vxland.kernel.wire import HEADER, attributes

(RULE_TABLE, RULE_CHAIN, RULE_EXPRESSIONS) = (1, 2, 4)
(EXPR_NAME, EXPR_DATA) = (1, 2)
(META_KEY, CMP_OP, CMP_DATA, LOOKUP_DREG, IMMEDIATE_DATA, XT_NAME) = (2, 2, 3, 3, 2, 1)
(DATA_VALUE, DATA_VERDICT, VERDICT_CODE, VERDICT_CHAIN) = (1, 2, 1, 2)
CMP_EQ, CMP_NEQ, VERDICT_REGISTER = 0, 1, 0
NOTHING = b"\x7f"  # is no verdict, and no register
IIF, OIF, IIFNAME, OIFNAME = 4, 5, 6, 7  # NFT_META_…
KINDS_OF_PORTS = frozenset({8, 9, 17, 18, 21, 22, 26, 27, 28, 29, 33, 34})  # …_IIFGROUP and so on
PORTS = frozenset({IIF, OIF, IIFNAME, OIFNAME}) | KINDS_OF_PORTS

# Expressions that any packet passes; that put what is compared next into a register; that some
# packets pass. What isn't here is in doubt.
STATEMENTS = frozenset(
    {"counter", "dup", "flow_offload", "immediate", "last", "log", "notrack", "target"}
    | {"queue", "reject"}
)
LOADS = frozenset(
    {"bitwise", "byteorder", "ct", "exthdr", "fib", "hash", "meta", "numgen", "osf", "payload"}
    | {"rt", "socket", "tunnel", "xfrm"}
)
COMPARISONS = frozenset({"cmp", "lookup", "range"})
CONDITIONS = frozenset({"connlimit", "limit", "match", "quota"})
COMMENT, PHYSDEV = "comment", "physdev"  # of iptables' matches: says nothing; is about ports


class Verdict(Enum):
    """What a rule does with a packet."""

    NONE = auto()
    ACCEPT = auto()
    DROP = auto()
    JUMP = auto()
    GOTO = auto()
    RETURN = auto()


CODES = {  # NF_…, NFT_…
    0: Verdict.DROP,
    1: Verdict.ACCEPT,
    -3: Verdict.JUMP,
    -4: Verdict.GOTO,
    -5: Verdict.RETURN,
}
# A program that packets are queued for may let them through.
ENDS = {"queue": Verdict.ACCEPT, "reject": Verdict.DROP}
TARGETS = {  # iptables'
    "REJECT": Verdict.DROP,
    "NFQUEUE": Verdict.ACCEPT,
    "QUEUE": Verdict.ACCEPT,
}


class Comparison(Struct, frozen=True):
    """Of the incoming or outgoing port: its name, how that begins, or its number."""

    key: int
    value: bytes
    negated: bool


class Rule(Struct, frozen=True):
    """A rule as far as it matters here."""

    chain: str
    ports: tuple[Comparison, ...] = ()
    others: bool = False  # it has other conditions: what is true of some packets isn't of all
    vague: bool = False  # it may be about ports, in a way that isn't read: a set, a map, physdev
    verdict: Verdict = Verdict.NONE
    target: str = ""  # the chain that it jumps or goes to

    @property
    def named(self) -> bool:
        """Whether it is about ports, and so was written with the bridge in mind."""
        return bool(self.ports) or self.vague

    @property
    def sure(self) -> bool:
        """Whether every packet of a port matches, or none."""
        return not (self.others or self.vague)


_Expression = tuple[str, dict[int, bytes]]  # its name, and its own attributes


def read_rule(message: bytes) -> Rule:
    """One rule from one message of a dump."""
    seen = dict(attributes(message, HEADER.size + NFGENMSG.size))
    expressions = list(_expressions(seen.get(RULE_EXPRESSIONS, b"")))
    ports: list[Comparison] = []
    others = vague = compared = False
    loaded: list[_Expression] = []
    for name, data in expressions:
        if name in LOADS:
            loaded = [*([] if compared else loaded), (name, data)]
            compared = False
        elif name in COMPARISONS:
            compared = True
            comparison = _comparison(loaded, name, data)
            if comparison:
                ports.append(comparison)
            elif _is_vague(loaded, name, data):
                vague = True
            else:
                others = True
        elif name in CONDITIONS:
            about = text(data.get(XT_NAME)) if name == "match" else ""
            vague |= about == PHYSDEV
            others |= about not in {PHYSDEV, COMMENT}
        elif name not in STATEMENTS:
            vague = True
    verdict, target = _verdict(expressions)
    return Rule(text(seen.get(RULE_CHAIN)), tuple(ports), others, vague, verdict, target)


def reached(base: str, rules: Mapping[str, Sequence[Rule]]) -> frozenset[str]:
    """A chain, and those that it leads to, whatever the packet."""
    found, new = {base}, [base]
    while new:
        targets = {rule.target for rule in rules.get(new.pop(), ()) if rule.target} - found
        found |= targets
        new += targets
    return frozenset(found)


def lets_through(base: str, rules: Mapping[str, Sequence[Rule]], bridge: str, index: int) -> bool:
    """Whether packets between the ports of this bridge pass a chain whose policy is drop.

    As far as can be told: one rule that accepts some of them is enough if it, or what led there, is
    about ports. Rules about other things alone (``ct state established accept``) aren't.
    """
    name, number = bridge.encode().ljust(16, b"\0"), struct.pack("=I", index)
    registers = {IIFNAME: name, OIFNAME: name, IIF: number, OIF: number}
    return _Walk(rules, registers).chain(base, all_=True, named=False) is _Fate.ACCEPTED


class _Fate(Enum):
    """What becomes of the packets that come to a rule or a chain."""

    GOES_ON = auto()  # some, or nobody knows
    RETURNED = auto()  # to the chain before
    ENDED = auto()
    ACCEPTED = auto()  # enough of them


class _Walk:
    """Follows what comes in and goes out by one bridge."""

    def __init__(self, rules: Mapping[str, Sequence[Rule]], registers: Mapping[int, bytes]) -> None:
        self._rules = rules
        self._registers = registers
        self._known: dict[tuple[str, bool, bool], _Fate] = {}

    def chain(self, name: str, *, all_: bool, named: bool) -> _Fate:
        """Follow a chain: do ``all_`` come to it, do they by rules about ports (``named``)."""
        key = (name, all_, named)
        if key not in self._known:
            self._known[key] = self._chain(name, all_=all_, named=named)
        return self._known[key]

    def _chain(self, name: str, *, all_: bool, named: bool) -> _Fate:
        for rule in self._rules.get(name, ()):
            if not all(map(self._holds, rule.ports)):
                continue
            fate = self._rule(rule, all_=all_ and rule.sure, named=named or rule.named)
            if fate is _Fate.ACCEPTED:
                return fate
            if rule.sure and fate is not _Fate.GOES_ON:
                return fate
        return _Fate.GOES_ON

    def _rule(self, rule: Rule, *, all_: bool, named: bool) -> _Fate:
        if rule.verdict is Verdict.ACCEPT:
            return _Fate.ACCEPTED if all_ or named else _Fate.ENDED
        if rule.target:
            fate = self.chain(rule.target, all_=all_, named=named)
            if fate in (_Fate.ACCEPTED, _Fate.ENDED):
                return fate
            return _Fate.RETURNED if rule.verdict is Verdict.GOTO else _Fate.GOES_ON
        return {Verdict.DROP: _Fate.ENDED, Verdict.RETURN: _Fate.RETURNED}.get(
            rule.verdict, _Fate.GOES_ON
        )

    def _holds(self, asked: Comparison) -> bool:
        return self._registers[asked.key].startswith(asked.value) is not asked.negated


def _comparison(
    loaded: Sequence[_Expression], name: str, data: Mapping[int, bytes]
) -> Comparison | None:
    """What a rule compares a port with, if that is all that it compares here."""
    operation = number(data.get(CMP_OP))
    if name != "cmp" or len(loaded) != 1 or operation not in (CMP_EQ, CMP_NEQ):
        return None
    key = _key(loaded[0])
    if key not in PORTS - KINDS_OF_PORTS:
        return None
    value = dict(attributes(data.get(CMP_DATA, b""), 0)).get(DATA_VALUE, b"")
    return Comparison(key, value, operation == CMP_NEQ)


def _is_vague(loaded: Sequence[_Expression], name: str, data: Mapping[int, bytes]) -> bool:
    """Whether it compares something of ports all the same, or looks it up in a map."""
    is_map = name == "lookup" and LOOKUP_DREG in data
    return is_map or any(_key(load) in PORTS for load in loaded)


def _key(load: _Expression) -> int:
    name, data = load
    return number(data.get(META_KEY)) if name == "meta" else 0


def _verdict(expressions: Sequence[_Expression]) -> tuple[Verdict, str]:
    for name, data in expressions:
        verdict, target = Verdict.NONE, ""
        if name == "immediate":
            value = dict(attributes(data.get(IMMEDIATE_DATA, b""), 0))
            said = dict(attributes(value.get(DATA_VERDICT, b""), 0))
            verdict = CODES.get(number(said.get(VERDICT_CODE, NOTHING)), Verdict.NONE)
            target = text(said.get(VERDICT_CHAIN))
        elif name == "lookup" and number(data.get(LOOKUP_DREG, NOTHING)) == VERDICT_REGISTER:
            # A map of verdicts, which isn't read: better no hint than a wrong one.
            verdict = Verdict.ACCEPT
        elif name == "target":
            verdict = TARGETS.get(text(data.get(XT_NAME)), Verdict.NONE)
        elif name in ENDS:
            verdict = ENDS[name]
        if verdict is not Verdict.NONE:
            return verdict, target
    return Verdict.NONE, ""


def _expressions(listed: bytes) -> Iterator[_Expression]:
    for _, element in attributes(listed, 0):
        seen = dict(attributes(element, 0))
        yield text(seen.get(EXPR_NAME)), dict(attributes(seen.get(EXPR_DATA, b""), 0))


def text(value: bytes | None) -> str:
    """A string of the kernel's, which ends with NUL."""
    return (value or b"").partition(b"\0")[0].decode(errors="replace")


def number(value: bytes | None) -> int:
    """A number of the kernel's, in network byte order."""
    return int.from_bytes(value or b"", "big", signed=True)
