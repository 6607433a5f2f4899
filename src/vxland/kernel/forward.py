"""Chains that drop what br_netfilter brings them from bridges (net/bridge/br_netfilter_hooks.c).

Read over netlink, without a process, where a switch of br_netfilter's is on, and again only when
nftables' generation changed. Numbers are those of include/uapi/linux/netfilter/nf_tables.h. What
iptables-legacy has isn't seen.
"""

import contextlib
import time
from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from vxland.kernel.generation import NFGENMSG, Generation
from vxland.kernel.netlink import NETLINK_NETFILTER, Netlink
from vxland.kernel.rules import RULE_TABLE, Rule, lets_through, number, reached, read_rule, text
from vxland.kernel.wire import ATTRIBUTE, HEADER, attributes
from vxland.observed import ForwardChain

SWITCHES = Path("/proc/sys/net/bridge")  # there while br_netfilter is, and of this namespace
FAMILIES = {1: "inet", 2: "ip", 10: "ip6"}  # NFPROTO_…
CALLS = {"ip": "bridge-nf-call-iptables", "ip6": "bridge-nf-call-ip6tables"}

GETCHAIN, GETRULE = 10 << 8 | 4, 10 << 8 | 7  # NFNL_SUBSYS_NFTABLES, NFT_MSG_…
(CHAIN_TABLE, CHAIN_NAME, CHAIN_HOOK, CHAIN_POLICY, CHAIN_USE) = (1, 3, 4, 5, 6)
(HOOK_HOOKNUM, FORWARD, NF_DROP) = (1, 2, 0)
SHARE = 50  # of the time that a look took, until the next one: many rules that often change
MOST = 2000  # rules in the tables with such chains; of more nobody can tell in a moment


class Forward:
    """What drops frames between ports of bridges in this network namespace."""

    def __init__(self) -> None:
        self.looks = 0  # so far, to be counted in tests
        self._generation = Generation()
        self._switches = {family: SWITCHES / switch for family, switch in CALLS.items()}
        self._seen: int | None = None  # the generation of what was read last
        self._dropping: tuple[_Dropping, ...] = ()
        self._bridges: Mapping[str, int] | None = None  # that the answer is for
        self._answer: tuple[ForwardChain, ...] = ()
        self._next = 0.0  # monotonic seconds

    def close(self) -> None:
        """Close the socket."""
        self._generation.close()

    def read(self, bridges: Mapping[str, int]) -> tuple[ForwardChain, ...]:
        """The chains with policy drop that bridged packets pass; none where that can't be seen.

        With those of these bridges, given by name and interface index, that they let through.
        """
        families = {family for family, switch in self._switches.items() if _is_on(switch)}
        if not families:
            return ()
        with contextlib.suppress(OSError):  # what was seen last holds, and the next turn asks again
            self._refresh()
        if bridges != self._bridges:
            self._answer = tuple(chain.seen_by(bridges) for chain in self._dropping)
            self._bridges = dict(bridges)
        families.add("inet")
        return tuple(chain for chain in self._answer if chain.family in families)

    def _refresh(self) -> None:
        started = time.monotonic()
        generation = self._generation.read()
        if generation == self._seen or started < self._next:
            return
        try:
            dropping = () if generation is None else _look()
        finally:
            ended = time.monotonic()
            self._next = ended + SHARE * (ended - started)
        self.looks += 1
        if self._generation.read() == generation:  # else it may be part old, part new
            self._seen, self._dropping, self._bridges = generation, dropping, None


def _is_on(switch: Path) -> bool:
    try:
        return switch.read_text(encoding="ascii").strip() != "0"
    except OSError:  # there is no br_netfilter, or it isn't shown (ProcSubset=, systemd.exec(5))
        return False


_Table = tuple[int, str]  # family and name


class _Dropping(Struct, frozen=True):
    """A chain in FORWARD whose policy is drop, and the rules of its table by chain."""

    table: _Table
    name: str
    rules: Mapping[str, list[Rule]]

    def seen_by(self, bridges: Mapping[str, int]) -> ForwardChain:
        family, table = self.table
        return ForwardChain(
            FAMILIES[family],
            table,
            self.name,
            reached(self.name, self.rules),
            frozenset(
                bridge
                for bridge, index in bridges.items()
                if lets_through(self.name, self.rules, bridge, index)
            ),
        )


def _look() -> tuple[_Dropping, ...]:
    with Netlink(NETLINK_NETFILTER) as netlink:
        found: list[tuple[_Table, str]] = []
        used: Counter[_Table] = Counter()
        for message in netlink.dump(_request(GETCHAIN)):
            seen = dict(attributes(message, HEADER.size + NFGENMSG.size))
            table = message[HEADER.size], text(seen.get(CHAIN_TABLE))
            used[table] += number(seen.get(CHAIN_USE))
            hook = dict(attributes(seen.get(CHAIN_HOOK, b""), 0)).get(HOOK_HOOKNUM)
            forwards = hook is not None and number(hook) == FORWARD and table[0] in FAMILIES
            if forwards and number(seen.get(CHAIN_POLICY, b"\1")) == NF_DROP:
                found.append((table, text(seen.get(CHAIN_NAME))))
        tables = dict.fromkeys(table for table, _ in found)
        if sum(used[table] for table in tables) > 2 * MOST:  # rules, and the jumps to chains
            return ()
        rules = {table: netlink.dump(_request(GETRULE, *table)) for table in tables}
    if sum(map(len, rules.values())) > MOST:
        return ()
    by_chain = {table: _by_chain(messages) for table, messages in rules.items()}
    return tuple(_Dropping(table, name, by_chain[table]) for table, name in found)


def _by_chain(messages: list[bytes]) -> dict[str, list[Rule]]:
    rules: dict[str, list[Rule]] = defaultdict(list)
    for rule in map(read_rule, messages):
        rules[rule.chain].append(rule)
    return rules


def _request(kind: int, family: int = 0, table: str = "") -> bytes:
    body = NFGENMSG.pack(family, 0, 0)
    if table:
        value = table.encode() + b"\0"
        body += ATTRIBUTE.pack(ATTRIBUTE.size + len(value), RULE_TABLE) + value
        body += bytes(-len(value) % 4)
    return HEADER.pack(HEADER.size + len(body), kind, 0, 0, 0) + body
