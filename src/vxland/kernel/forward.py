"""Chains that drop what br_netfilter brings them from bridges (net/bridge/br_netfilter_hooks.c).

Read over netlink, without a process, where a switch of br_netfilter's is on, and again only when
nftables' generation changed. Numbers are those of include/uapi/linux/netfilter/nf_tables.h. What
iptables-legacy has isn't seen.
"""

import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from vxland.kernel.generation import NFGENMSG, Generation
from vxland.kernel.netlink import ATTRIBUTE, HEADER, NETLINK_NETFILTER, Netlink, attributes
from vxland.observed import ForwardChain

SWITCHES = Path("/proc/sys/net/bridge")  # there while br_netfilter is, and of this namespace
FAMILIES = {1: "inet", 2: "ip", 10: "ip6"}  # NFPROTO_…
CALLS = {"ip": "bridge-nf-call-iptables", "ip6": "bridge-nf-call-ip6tables"}

GETCHAIN, GETRULE = 10 << 8 | 4, 10 << 8 | 7  # NFNL_SUBSYS_NFTABLES, NFT_MSG_…
(CHAIN_TABLE, CHAIN_NAME, CHAIN_HOOK, CHAIN_POLICY) = (1, 3, 4, 5)
(HOOK_HOOKNUM, FORWARD, NF_DROP, NF_ACCEPT) = (1, 2, 0, 1)
(RULE_TABLE, RULE_CHAIN, RULE_EXPRESSIONS) = (1, 2, 4)
(EXPR_NAME, EXPR_DATA) = (1, 2)
(META_KEY, CMP_DATA, IMMEDIATE_DATA, MATCH_NAME) = (2, 3, 2, 1)
(DATA_VALUE, DATA_VERDICT, VERDICT_CODE, VERDICT_CHAIN) = (1, 2, 1, 2)
IIFNAME, OIFNAME = 6, 7  # NFT_META_…
UNCONDITIONAL = frozenset({"counter", "immediate", "log"})
ANYTHING = "+"  # as ForwardChain.accepts has it
PHYSDEV = "physdev"  # -m physdev --physdev-is-bridged
SHARE = 50  # of the time that a look took, until the next one: many rules that often change


class Forward:
    """What drops frames between ports of bridges in this network namespace."""

    def __init__(self) -> None:
        self.looks = 0  # so far, to be counted in tests
        self._generation = Generation()
        self._last: tuple[int | None, tuple[ForwardChain, ...]] = (None, ())
        self._next = 0.0  # monotonic seconds

    def close(self) -> None:
        """Close the socket."""
        self._generation.close()

    def read(self) -> tuple[ForwardChain, ...]:
        """The chains with policy drop that bridged packets pass; none where that can't be seen."""
        calls = {family for family, switch in CALLS.items() if _is_on(SWITCHES / switch)}
        if not calls:
            return ()
        generation = self._generation.read()
        if generation is None:
            return ()
        started = time.monotonic()
        if generation != self._last[0] and started >= self._next:
            self._last = (generation, _look())
            self.looks += 1
            ended = time.monotonic()
            self._next = ended + SHARE * (ended - started)
        calls.add("inet")
        return tuple(chain for chain in self._last[1] if chain.family in calls)


def _is_on(switch: Path) -> bool:
    try:
        return switch.read_text(encoding="ascii").strip() != "0"
    except OSError:  # there is no br_netfilter, or it isn't shown (ProcSubset=, systemd.exec(5))
        return False


def _look() -> tuple[ForwardChain, ...]:
    try:
        with Netlink(NETLINK_NETFILTER) as netlink:
            return tuple(_dropping(netlink))
    except OSError:  # a table went away meanwhile: that is another generation
        return ()


def _dropping(netlink: Netlink) -> Iterator[ForwardChain]:
    dropping = []
    for message in netlink.dump(_request(GETCHAIN)):
        family = message[HEADER.size]
        seen = dict(attributes(message, HEADER.size + NFGENMSG.size))
        table, name = _text(seen.get(CHAIN_TABLE)), _text(seen.get(CHAIN_NAME))
        hook = dict(attributes(seen.get(CHAIN_HOOK, b""), 0)).get(HOOK_HOOKNUM)
        forwards = hook is not None and _number(hook) == FORWARD and family in FAMILIES
        if forwards and _number(seen.get(CHAIN_POLICY, b"\1")) == NF_DROP:
            dropping.append((family, table, name))
    for family, table, name in dropping:
        rules: dict[str, list[_Rule]] = defaultdict(list)
        for message in netlink.dump(_request(GETRULE, family, table)):
            rule = _rule(message)
            rules[rule.chain].append(rule)
        chains: set[str] = set()
        accepts = frozenset(_accepted(name, rules, ANYTHING, chains))
        yield ForwardChain(FAMILIES[family], table, name, frozenset(chains), accepts)


def _request(kind: int, family: int = 0, table: str = "") -> bytes:
    body = NFGENMSG.pack(family, 0, 0)
    if table:
        value = table.encode() + b"\0"
        body += ATTRIBUTE.pack(ATTRIBUTE.size + len(value), RULE_TABLE) + value
        body += bytes(-len(value) % 4)
    return HEADER.pack(HEADER.size + len(body), kind, 0, 0, 0) + body


@dataclass(frozen=True, slots=True)
class _Rule:
    """A rule as far as it matters here.

    ``port`` is what it compares the incoming or outgoing port with; other conditions of a rule that
    names one aren't looked at: it was written with it in mind. None: it has other conditions alone.
    """

    chain: str
    port: str | None
    accepts: bool = False
    target: str = ""  # the chain that it jumps or goes to


def _accepted(
    chain: str, rules: Mapping[str, Sequence[_Rule]], via: str | None, seen: set[str]
) -> Iterator[str]:
    """The ports whose packets are accepted from this chain on, reached by packets of ``via``."""
    seen.add(chain)
    for rule in rules.get(chain, ()):
        port = rule.port if rule.port != ANYTHING else via
        if rule.accepts and port is not None:
            yield port
        elif rule.target and rule.target not in seen:
            yield from _accepted(rule.target, rules, port, seen)


def _rule(message: bytes) -> _Rule:
    seen = dict(attributes(message, HEADER.size + NFGENMSG.size))
    expressions = list(_expressions(seen.get(RULE_EXPRESSIONS, b"")))
    chain, port = _text(seen.get(RULE_CHAIN)), _port(expressions)
    for name, data in expressions:
        if name == "immediate":
            value = dict(attributes(data.get(IMMEDIATE_DATA, b""), 0))
            verdict = dict(attributes(value.get(DATA_VERDICT, b""), 0))
            accepts = _number(verdict.get(VERDICT_CODE, b"\1\0")) == NF_ACCEPT
            return _Rule(chain, port, accepts, _text(verdict.get(VERDICT_CHAIN)))
    return _Rule(chain, port)


def _port(expressions: Sequence[tuple[str, dict[int, bytes]]]) -> str | None:
    if not {name for name, _ in expressions} - UNCONDITIONAL:
        return ANYTHING
    asked = False
    for name, data in expressions:
        if name == "meta":
            asked = _number(data.get(META_KEY, b"")) in (IIFNAME, OIFNAME)
        elif name == "cmp" and asked:
            value = dict(attributes(data.get(CMP_DATA, b""), 0)).get(DATA_VALUE, b"")
            return _text(value) + ("" if value.endswith(b"\0") else "+")
        elif name == "lookup" and asked:
            return ANYTHING  # of a set that isn't read: better no hint than a wrong one
        elif name == "match" and _text(data.get(MATCH_NAME)) == PHYSDEV:
            return ANYTHING
    return None


def _expressions(listed: bytes) -> Iterator[tuple[str, dict[int, bytes]]]:
    for _, element in attributes(listed, 0):
        seen = dict(attributes(element, 0))
        yield _text(seen.get(EXPR_NAME)), dict(attributes(seen.get(EXPR_DATA, b""), 0))


def _text(value: bytes | None) -> str:
    return (value or b"").partition(b"\0")[0].decode(errors="replace")


def _number(value: bytes) -> int:
    return int.from_bytes(value, "big")
