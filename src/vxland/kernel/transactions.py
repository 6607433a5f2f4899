"""What nftables is asked and told by netlink: messages about one table, and their brackets.

Numbers are those of include/uapi/linux/netfilter/nf_tables.h and nfnetlink.h.
"""

import struct
from collections.abc import Iterator, Sequence
from socket import htons

from msgspec import Struct

from vxland.kernel.attributes import nested, number, read_number, read_text, text
from vxland.kernel.generation import NFGENMSG
from vxland.kernel.netlink import Netlink
from vxland.kernel.wire import HEADER, NLM_F_APPEND, NLM_F_CREATE, NLM_F_EXCL, attributes
from vxland.observed import NftChain

BATCH_BEGIN, BATCH_END = 16, 17
SUBSYSTEM = 10  # NFNL_SUBSYS_NFTABLES
NEWTABLE, GETTABLE, DELTABLE = 0, 1, 2
NEWCHAIN, GETCHAIN = 3, 4
NEWRULE, GETRULE, DELRULE = 6, 7, 8
TABLE_NAME, TABLE_FLAGS, TABLE_OWNER = 1, 2, 7
CHAIN_TABLE, CHAIN_NAME, CHAIN_HOOK, CHAIN_POLICY, CHAIN_TYPE = 1, 3, 4, 5, 7
HOOK_NUMBER, HOOK_PRIORITY = 1, 2
RULE_TABLE, RULE_CHAIN, RULE_EXPRESSIONS = 1, 2, 4
HOOKS = ("prerouting", "input", "forward", "output", "postrouting")  # NF_BR_…, NF_INET_…
POLICIES = ("drop", "accept")  # NF_DROP, NF_ACCEPT
FILTER, ACCEPT = "filter", 1
FAMILIES = {"inet": 1, "bridge": 7}  # NFPROTO_…

BODY = HEADER.size + NFGENMSG.size
NEW = NLM_F_CREATE | NLM_F_EXCL


def _bracket(kind: int) -> bytes:
    """The beginning or the end of a transaction, with the subsystem in network byte order."""
    body = NFGENMSG.pack(0, 0, htons(SUBSYSTEM))
    return HEADER.pack(HEADER.size + len(body), kind, 0, 0, 0) + body


BEGIN, END = _bracket(BATCH_BEGIN), _bracket(BATCH_END)


class TableMessages(Struct, frozen=True):
    """The messages about one table, by family and name."""

    family: str
    name: str

    def message(self, kind: int, *parts: bytes, flags: int = 0) -> bytes:
        """A message of this type."""
        body = NFGENMSG.pack(FAMILIES[self.family], 0, 0) + b"".join(parts)
        return HEADER.pack(HEADER.size + len(body), SUBSYSTEM << 8 | kind, flags, 0, 0) + body

    def question(self) -> bytes:
        """Ask for the table itself."""
        return self.message(GETTABLE, text(TABLE_NAME, self.name))

    def making(self, flags: int, request: int = NEW) -> bytes:
        """Make the table, or claim it where it is there."""
        parts = (text(TABLE_NAME, self.name), number(TABLE_FLAGS, flags))
        return self.message(NEWTABLE, *parts, flags=request)

    def deletion(self) -> bytes:
        """Delete the table."""
        return self.message(DELTABLE, text(TABLE_NAME, self.name))

    def chain(self, name: str, hook: str, priority: int) -> bytes:
        """Make a chain that lets through what its rules leave."""
        place = nested(
            CHAIN_HOOK, number(HOOK_NUMBER, HOOKS.index(hook)), number(HOOK_PRIORITY, priority)
        )
        return self.message(
            NEWCHAIN,
            text(CHAIN_TABLE, self.name),
            text(CHAIN_NAME, name),
            place,
            number(CHAIN_POLICY, ACCEPT),
            text(CHAIN_TYPE, FILTER),
            flags=NEW,
        )

    def emptying(self, chain: str) -> bytes:
        """Delete the rules of a chain."""
        return self.message(DELRULE, text(RULE_TABLE, self.name), text(RULE_CHAIN, chain))

    def rule(self, chain: str, expressions: bytes) -> bytes:
        """Append a rule to a chain."""
        return self.message(
            NEWRULE,
            text(RULE_TABLE, self.name),
            text(RULE_CHAIN, chain),
            nested(RULE_EXPRESSIONS, expressions),
            flags=NLM_F_CREATE | NLM_F_APPEND,
        )

    def chains(self, netlink: Netlink) -> Iterator[NftChain]:
        """The table's chains as they are."""
        for message in netlink.dump(self.message(GETCHAIN)):
            seen = dict(attributes(message, BODY))
            if read_text(seen.get(CHAIN_TABLE, b"")) != self.name:
                continue
            hook = dict(attributes(seen.get(CHAIN_HOOK, b""), 0))
            yield NftChain(read_text(seen.get(CHAIN_NAME, b"")), _declaration(seen, hook))

    def rules(self, netlink: Netlink, chain: str) -> Iterator[bytes]:
        """The rules of a chain as they are: expressions."""
        asked = (text(RULE_TABLE, self.name), text(RULE_CHAIN, chain))
        for message in netlink.dump(self.message(GETRULE, *asked)):
            seen = dict(attributes(message, BODY))
            where = (seen.get(RULE_TABLE, b""), seen.get(RULE_CHAIN, b""))
            if tuple(map(read_text, where)) == (self.name, chain):
                yield seen.get(RULE_EXPRESSIONS, b"")


def _declaration(chain: dict[int, bytes], hook: dict[int, bytes]) -> str:
    """How nft declares it."""
    if not hook:
        return ""
    place = _named(HOOKS, hook[HOOK_NUMBER])
    (priority,) = struct.unpack(">i", hook[HOOK_PRIORITY])
    policy = _named(POLICIES, chain[CHAIN_POLICY])
    kind = read_text(chain[CHAIN_TYPE])
    return f"type {kind} hook {place} priority {priority}; policy {policy};"


def _named(names: Sequence[str], value: bytes) -> str:
    """The name of a number; of one that vxland never sets (inet's hook ingress, say) the number."""
    place = read_number(value)
    return names[place] if place < len(names) else f"#{place}"
