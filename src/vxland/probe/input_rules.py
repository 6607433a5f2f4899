"""Chains of a firewall's that may drop what comes to this machine, read over netlink.

Which packets they drop isn't read: whether the tunnels' come through is tried. These tell where to
let them in. What iptables-legacy has isn't seen.
"""

from collections.abc import Iterator

from vxland.diagnosis.facts import InputChain
from vxland.identity import INGRESS_TABLE
from vxland.kernel.forward import (
    CHAIN_HOOK,
    CHAIN_NAME,
    CHAIN_POLICY,
    CHAIN_TABLE,
    FAMILIES,
    GETCHAIN,
    GETRULE,
    HOOK_HOOKNUM,
    NF_DROP,
)
from vxland.kernel.generation import NFGENMSG
from vxland.kernel.netlink import NETLINK_NETFILTER, Netlink
from vxland.kernel.rules import RULE_TABLE, Rule, Verdict, number, reached, read_rule, text
from vxland.kernel.wire import ATTRIBUTE, HEADER, attributes, readable

INPUT = 1  # NF_INET_LOCAL_IN
NF_ACCEPT = b"\1"


@readable()
def dropping_chains() -> tuple[InputChain, ...]:
    """Those whose policy is drop, or that lead to a rule that drops. Raises OSError."""
    found: list[InputChain] = []
    with Netlink(NETLINK_NETFILTER) as netlink:
        for family, table, name, policy in _chains(netlink):
            if f"{FAMILIES[family]} {table}" == INGRESS_TABLE:
                continue  # what that drops isn't to be let in
            rules = _rules(netlink, family, table)
            drops = any(
                rule.verdict is Verdict.DROP
                for chain in reached(name, rules)
                for rule in rules.get(chain, ())
            )
            if drops or policy == NF_DROP:
                found.append(InputChain(FAMILIES[family], table, name))
    return tuple(found)


def _chains(netlink: Netlink) -> Iterator[tuple[int, str, str, int]]:
    for message in netlink.dump(_request(GETCHAIN)):
        seen = dict(attributes(message, HEADER.size + NFGENMSG.size))
        hook = dict(attributes(seen.get(CHAIN_HOOK, b""), 0)).get(HOOK_HOOKNUM)
        family = message[HEADER.size]
        if hook is not None and number(hook) == INPUT and family in FAMILIES:
            policy = number(seen.get(CHAIN_POLICY, NF_ACCEPT))
            yield family, text(seen.get(CHAIN_TABLE)), text(seen.get(CHAIN_NAME)), policy


def _rules(netlink: Netlink, family: int, table: str) -> dict[str, list[Rule]]:
    found: dict[str, list[Rule]] = {}
    for rule in map(read_rule, netlink.dump(_request(GETRULE, family, table))):
        found.setdefault(rule.chain, []).append(rule)
    return found


def _request(kind: int, family: int = 0, table: str = "") -> bytes:
    body = NFGENMSG.pack(family, 0, 0)
    if table:
        value = table.encode() + b"\0"
        body += ATTRIBUTE.pack(ATTRIBUTE.size + len(value), RULE_TABLE) + value
        body += bytes(-len(value) % ATTRIBUTE.size)
    return HEADER.pack(HEADER.size + len(body), kind, 0, 0, 0) + body
