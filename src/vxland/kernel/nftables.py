"""vxland's own table of nftables' bridge family, by netlink: no process, no parser.

What changes is one transaction, so that frames meet the rules as they were or as they become. Where
the kernel can (6.9), the table belongs to the daemon's socket and stays when that closes:
while it is open, others can neither change the table nor flush it (nft(8), "owner", "persist").
Numbers are those of include/uapi/linux/netfilter/nf_tables.h and nfnetlink.h.
"""

import errno
import struct
from collections.abc import Callable, Iterator
from socket import htons
from typing import Any

from vxland import operations as ops
from vxland.execution import Failure
from vxland.guards.nftables import FORWARD
from vxland.identity import TABLE
from vxland.kernel.expressions import (
    decode,
    encode,
    nested,
    number,
    read_number,
    read_text,
    text,
)
from vxland.kernel.generation import NFGENMSG, Generation
from vxland.kernel.netlink import (
    HEADER,
    NETLINK_NETFILTER,
    NLM_F_APPEND,
    NLM_F_CREATE,
    NLM_F_EXCL,
    Netlink,
    NetlinkError,
    attributes,
)
from vxland.kernel.processes import PID_BITS, name_of
from vxland.observed import NftablesState, NftChain, NftTable, Owner, PortRule, Unavailable

BATCH_BEGIN, BATCH_END = 16, 17
SUBSYSTEM = 10  # NFNL_SUBSYS_NFTABLES
NEWTABLE, GETTABLE, DELTABLE = 0, 1, 2
NEWCHAIN, GETCHAIN = 3, 4
NEWRULE, GETRULE, DELRULE = 6, 7, 8
FAMILY = 7  # NFPROTO_BRIDGE
TABLE_NAME, TABLE_FLAGS, TABLE_OWNER = 1, 2, 7
DORMANT, OWNER, PERSIST = 1, 2, 4  # NFT_TABLE_F_…
CHAIN_TABLE, CHAIN_NAME, CHAIN_HOOK, CHAIN_POLICY, CHAIN_TYPE = 1, 3, 4, 5, 7
HOOK_NUMBER, HOOK_PRIORITY = 1, 2
RULE_TABLE, RULE_CHAIN, RULE_EXPRESSIONS = 1, 2, 4
HOOKS = ("prerouting", "input", "forward", "output", "postrouting")  # NF_BR_…
POLICIES = ("drop", "accept")  # NF_DROP, NF_ACCEPT
FILTER, HOOK, PRIORITY, ACCEPT = "filter", HOOKS.index("forward"), -210, 1  # as FORWARD says

NAME = TABLE.removeprefix("bridge ")
PROBE = f"{NAME}-probe"  # the name of a table that never comes to be
UNKNOWN_FLAG = (errno.EOPNOTSUPP, errno.EINVAL)  # to kernels before 6.9
READS = 5  # until nobody changed anything meanwhile
OTHERWISE = 'guard otherwise: guard = ["isolated"]'
NO_RIGHT = "Run vxland as root or with CAP_NET_ADMIN"
WITHOUT_NFT = f"Load it (modprobe nf_tables), or {OTHERWISE}"
WITHOUT_BRIDGES = f"Use one that has it (CONFIG_NF_TABLES_BRIDGE), or {OTHERWISE}"


class Nftables:
    """The table of this network namespace. ``keeps``: who looks stays, and may own it."""

    def __init__(self, *, keeps: bool = False) -> None:
        self._keeps = keeps
        self._flags: int | None = None  # of a table that is kept, on this kernel; None: not known
        self._last: tuple[int, NftablesState] | None = None
        self._owner = 0  # the port id of the table's owner as it was last read
        self._netlink: Netlink | None = None
        self._without = Unavailable("")
        self._generation = Generation()
        try:
            self._netlink = Netlink(NETLINK_NETFILTER)
        except OSError as error:
            self._without = unusable(NetlinkError(error.errno or 0))

    def close(self) -> None:
        """Close the sockets. The table stays, and is nobody's then."""
        self._generation.close()
        if self._netlink is not None:
            self._netlink.close()

    def read(self) -> NftablesState | Unavailable:
        """The table as it is, or why there can be none.

        While nftables' generation stands still, it is what it was.
        """
        if self._netlink is None:
            return self._without
        try:
            return self._read_whole(self._netlink)
        except NetlinkError as error:
            return unusable(error)

    def write(self, operation: ops.Operation) -> Failure | None:
        """Carry out one of the table's operations."""
        if self._netlink is None:
            return Failure(self._without.reason, self._without.cure)
        flags = self._flags or 0 if self._keeps else 0
        messages = BATCHES[type(operation)](operation, flags)
        refusal = self._netlink.transaction(BEGIN, [*messages], [END])
        if refusal is None or _is_done_already(operation, refusal):
            return None
        text = f"could not {operation}: {refusal.strerror} ({refusal.name})"
        if refusal.errno == errno.EPERM and self._owner:
            return Failure(*_held(text, self._owner))
        return Failure(text, NO_RIGHT if refusal.errno == errno.EPERM else "")

    def _read_whole(self, netlink: Netlink) -> NftablesState:
        if self._flags is None:
            self._flags = _flags(netlink)
        for _ in range(READS):
            generation = self._generation.read()
            if self._last is not None and self._last[0] == generation:
                return self._last[1]
            keeps = self._keeps and bool(self._flags)
            state = NftablesState(self._read_table(netlink), keeps)
            if generation is not None and generation == self._generation.read():
                # When an owner ends, the generation stays as it is.
                held = state.table is not None and state.table.owner is Owner.OTHER
                self._last = None if held else (generation, state)
                return state
        raise NetlinkError(errno.EAGAIN)

    def _read_table(self, netlink: Netlink) -> NftTable | None:
        answer = netlink.ask([_message(GETTABLE, text(TABLE_NAME, NAME))])[0]
        if isinstance(answer, NetlinkError):
            if answer.errno == errno.ENOENT:
                return None
            raise answer
        seen = dict(attributes(answer, BODY))
        flags = read_number(seen.get(TABLE_FLAGS, b""))
        self._owner = read_number(seen.get(TABLE_OWNER, b"")) if flags & OWNER else 0
        owner = Owner.OTHER if self._owner else Owner.NOBODY
        return NftTable(
            chains=frozenset(_chains(netlink)),
            rules=tuple(_rules(netlink)),
            dormant=bool(flags & DORMANT),
            owner=Owner.SELF if self._owner == netlink.port_id else owner,
            persistent=bool(flags & PERSIST),
        )


def unusable(error: NetlinkError) -> Unavailable:
    """Why there can be no table here, by what the kernel answered."""
    said = f"{error.strerror} ({error.name})"
    if error.errno == errno.EPERM:
        return Unavailable(f"nftables may not be used: {said}", NO_RIGHT)
    if error.errno == errno.ENOENT:  # it knows no chains of this sort
        return Unavailable(f"this kernel's nftables has no bridge family: {said}", WITHOUT_BRIDGES)
    if error.errno == errno.EAGAIN:
        return Unavailable("others change nftables' rules all the time", "It is tried again")
    return Unavailable(f"this kernel has no nftables: {said}", WITHOUT_NFT)


def _flags(netlink: Netlink) -> int:
    """The flags a table can have here, by a transaction without an end: nothing comes of it."""
    for flags in (OWNER | PERSIST, 0):
        table = _message(NEWTABLE, text(TABLE_NAME, PROBE), number(TABLE_FLAGS, flags), flags=NEW)
        refusal = netlink.transaction(BEGIN, [table, _chain(PROBE)], [])
        if refusal is None:
            return flags
        if not flags or refusal.errno not in UNKNOWN_FLAG:
            raise refusal
    raise AssertionError


def _held(text: str, owner: int) -> tuple[str, str]:
    """The failure where the table is somebody's, and what to do."""
    pid = owner & ((1 << PID_BITS) - 1)
    name = None if owner >> 31 else name_of(pid)
    who = f"{name} (pid {pid})" if name else f"a program (netlink port {owner})"
    return f"{text}: {who} owns the table {TABLE}", "Stop it, or let it use another name"


def _is_done_already(operation: ops.Operation, refusal: NetlinkError) -> bool:
    return isinstance(operation, ops.RemoveTable) and refusal.errno == errno.ENOENT


def _message(kind: int, *parts: bytes, flags: int = 0) -> bytes:
    body = NFGENMSG.pack(FAMILY, 0, 0) + b"".join(parts)
    return HEADER.pack(HEADER.size + len(body), SUBSYSTEM << 8 | kind, flags, 0, 0) + body


def _bracket(kind: int) -> bytes:
    """The beginning or the end of a transaction, with the subsystem in network byte order."""
    body = NFGENMSG.pack(0, 0, htons(SUBSYSTEM))
    return HEADER.pack(HEADER.size + len(body), kind, 0, 0, 0) + body


BODY = HEADER.size + NFGENMSG.size
NEW = NLM_F_CREATE | NLM_F_EXCL
BEGIN, END = _bracket(BATCH_BEGIN), _bracket(BATCH_END)


def _chain(table: str) -> bytes:
    """The message that makes the chain FORWARD."""
    hook = nested(CHAIN_HOOK, number(HOOK_NUMBER, HOOK), number(HOOK_PRIORITY, PRIORITY))
    return _message(
        NEWCHAIN,
        text(CHAIN_TABLE, table),
        text(CHAIN_NAME, FORWARD.name),
        hook,
        number(CHAIN_POLICY, ACCEPT),
        text(CHAIN_TYPE, FILTER),
        flags=NEW,
    )


def _chains(netlink: Netlink) -> Iterator[NftChain]:
    for message in netlink.dump(_message(GETCHAIN)):
        seen = dict(attributes(message, BODY))
        if read_text(seen.get(CHAIN_TABLE, b"")) != NAME:
            continue
        hook = dict(attributes(seen.get(CHAIN_HOOK, b""), 0))
        yield NftChain(read_text(seen.get(CHAIN_NAME, b"")), _declaration(seen, hook))


def _declaration(chain: dict[int, bytes], hook: dict[int, bytes]) -> str:
    """How nft declares it."""
    if not hook:
        return ""
    place = HOOKS[read_number(hook[HOOK_NUMBER])]
    (priority,) = struct.unpack(">i", hook[HOOK_PRIORITY])
    policy = POLICIES[read_number(chain[CHAIN_POLICY])]
    kind = read_text(chain[CHAIN_TYPE])
    return f"type {kind} hook {place} priority {priority}; policy {policy};"


def _rules(netlink: Netlink) -> Iterator[PortRule]:
    asked = (text(RULE_TABLE, NAME), text(RULE_CHAIN, FORWARD.name))
    for message in netlink.dump(_message(GETRULE, *asked)):
        seen = dict(attributes(message, BODY))
        where = (seen.get(RULE_TABLE, b""), seen.get(RULE_CHAIN, b""))
        if tuple(map(read_text, where)) == (NAME, FORWARD.name):
            yield decode(seen.get(RULE_EXPRESSIONS, b""))


def _table(flags: int, request: int) -> bytes:
    parts = (text(TABLE_NAME, NAME), number(TABLE_FLAGS, flags))
    return _message(NEWTABLE, *parts, flags=request)


def _deletion() -> bytes:
    return _message(DELTABLE, text(TABLE_NAME, NAME))


def _new_rules(rules: tuple[PortRule, ...]) -> Iterator[bytes]:
    where = (text(RULE_TABLE, NAME), text(RULE_CHAIN, FORWARD.name))
    for rule in rules:
        expressions = nested(RULE_EXPRESSIONS, encode(rule))
        yield _message(NEWRULE, *where, expressions, flags=NLM_F_CREATE | NLM_F_APPEND)


def _make(operation: ops.MakeTable, flags: int) -> Iterator[bytes]:
    if operation.replaces:
        yield _deletion()
    yield _table(flags, NEW)
    yield _chain(NAME)
    yield from _new_rules(operation.rules)


def _fill(operation: ops.FillTable | ops.TrimTable, _: int) -> Iterator[bytes]:
    yield _message(DELRULE, text(RULE_TABLE, NAME), text(RULE_CHAIN, FORWARD.name))
    yield from _new_rules(operation.rules)


BATCHES: dict[type[ops.Operation], Callable[[Any, int], Iterator[bytes]]] = {
    ops.MakeTable: _make,
    ops.FillTable: _fill,
    ops.ClaimTable: lambda _, flags: iter((_table(flags, 0),)),
    ops.TrimTable: _fill,
    ops.RemoveTable: lambda *_: iter((_deletion(),)),
}
