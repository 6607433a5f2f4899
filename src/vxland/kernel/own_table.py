"""A table of vxland's own in nftables, by netlink: no process, no parser.

What changes is one transaction, so that frames meet the rules as they were or as they become. Where
the kernel can (6.9), the table belongs to the daemon's socket and stays when that closes:
while it is open, others can neither change the table nor flush it (nft(8), "owner", "persist").
"""

import errno
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from typing import Generic, NamedTuple

from vxland import operations as ops
from vxland.execution import Failure
from vxland.kernel.attributes import read_number
from vxland.kernel.generation import Generation
from vxland.kernel.netlink import NETLINK_NETFILTER, Netlink
from vxland.kernel.processes import PID_BITS, name_of
from vxland.kernel.transactions import (
    BEGIN,
    BODY,
    END,
    TABLE_FLAGS,
    TABLE_OWNER,
    TableMessages,
)
from vxland.kernel.wire import NetlinkError, attributes
from vxland.observed import Owner, TableState, Unavailable
from vxland.observed.rules import TableT

DORMANT, OWNER, PERSIST = 1, 2, 4  # NFT_TABLE_F_…
UNKNOWN_FLAG = (errno.EOPNOTSUPP, errno.EINVAL)  # to kernels before 6.9
READS = 5  # until nobody changed anything meanwhile
NO_RIGHT = "Run vxland as root or with CAP_NET_ADMIN"
LOAD = "Load it (modprobe nf_tables)"


class Facts(NamedTuple):
    """What the kernel says of the table itself."""

    dormant: bool
    owner: Owner
    persistent: bool


class OwnTable(ABC, Generic[TableT]):
    """A table of this network namespace. ``keeps``: who looks stays, and may own it."""

    def __init__(
        self,
        table: str,
        *,
        keeps: bool = False,
        otherwise: str = "",
        generation: Generation | None = None,
    ) -> None:
        self.table = table
        self.messages = TableMessages(*table.split())
        self._probe = TableMessages(self.messages.family, probe_name(table))
        self._trial = tuple(self.trial(self._probe))
        self._otherwise = otherwise
        self._flags = OWNER | PERSIST if keeps else 0  # of a table made here …
        self._tried = False  # … on this kernel; till then, on a recent one
        self._last: tuple[int, TableState[TableT]] | None = None
        self._owner = 0  # the port id of the table's owner as it was last read
        self._netlink: Netlink | None = None
        self._without = Unavailable("")
        self._generation = generation or Generation()
        try:
            self._netlink = Netlink(NETLINK_NETFILTER)
        except OSError as error:
            self._without = self.unusable(NetlinkError(error.errno or 0))

    @abstractmethod
    def contents(self, netlink: Netlink, facts: Facts) -> TableT:
        """The table as it is."""

    @abstractmethod
    def batches(self, operation: ops.Operation, flags: int, room: int) -> Iterable[Iterable[bytes]]:
        """The transactions that an operation is, by the bytes that the socket has room for."""

    def trial(self, messages: TableMessages) -> Iterator[bytes]:
        """What, beside the table, tells whether this kernel can have it: for the probe.

        Where there is nothing, that is found out when the table is written.
        """
        del messages
        return iter(())

    def close(self) -> None:
        """Close the sockets. The table stays, and is nobody's then."""
        self._generation.close()
        if self._netlink is not None:
            self._netlink.close()

    def read(self, *, wanted: bool = True) -> TableState[TableT] | Unavailable:
        """The table as it is, or, where one is ``wanted``, why there can be none.

        While nftables' generation stands still, it is what it was.
        """
        if self._netlink is None:
            return self._without
        try:
            return self._read_whole(self._netlink, wanted=wanted)
        except NetlinkError as error:
            return self.unusable(error)

    def write(self, operation: ops.Operation) -> Failure | None:
        """Carry out one of the table's operations."""
        if self._netlink is None:
            return Failure(self._without.reason, self._without.cure)
        refusal = self._carry_out(self._netlink, operation)
        if refusal is not None and refusal.errno in UNKNOWN_FLAG and not self._tried:
            self._tried, self._flags = True, 0
            refusal = self._carry_out(self._netlink, operation)
        return None if refusal is None else self._explained(operation, refusal)

    def _carry_out(self, netlink: Netlink, operation: ops.Operation) -> NetlinkError | None:
        for messages in self.batches(operation, self._flags, netlink.room):
            refusal = netlink.transaction(BEGIN, [*messages], [END])
            if refusal is not None:
                return refusal
        return None

    def _explained(self, operation: ops.Operation, refusal: NetlinkError) -> Failure | None:
        if isinstance(operation, ops.RemoveTable) and refusal.errno == errno.ENOENT:
            return None
        text = f"could not {operation}: {refusal.strerror} ({refusal.name})"
        if refusal.errno == errno.ENOENT and isinstance(
            operation, ops.MakeTable | ops.MakeIngress | ops.MakeTally
        ):
            return Failure(text, self.unusable(refusal).cure)
        if refusal.errno == errno.EPERM and self._owner:
            return Failure(*_held(text, self.table, self._owner))
        return Failure(text, NO_RIGHT if refusal.errno == errno.EPERM else "")

    def unusable(self, error: NetlinkError) -> Unavailable:
        """Why there can be no table here, by what the kernel answered."""
        said = f"{error.strerror} ({error.name})"
        family = self.messages.family
        if error.errno == errno.EPERM:
            return Unavailable(f"nftables may not be used: {said}", NO_RIGHT)
        if error.errno == errno.ENOENT:  # it knows no chains of this sort
            return Unavailable(
                f"this kernel's nftables has no {family} family: {said}",
                f"Use one that has it (CONFIG_NF_TABLES_{family.upper()}){self._otherwise}",
            )
        if error.errno == errno.EAGAIN:
            return Unavailable("others change nftables' rules all the time", "It is tried again")
        return Unavailable(f"this kernel has no nftables: {said}", f"{LOAD}{self._otherwise}")

    def _read_whole(self, netlink: Netlink, *, wanted: bool) -> TableState[TableT]:
        asked = wanted and bool(self._trial) and not self._tried
        generation = self._generation.at_look()
        for _ in range(READS):
            if self._last is not None and self._last[0] == generation and not asked:
                return self._last[1]
            facts = self._facts(netlink)
            if facts is not None and facts.persistent:
                self._tried = True
            elif not self._tried and (self._flags if facts is not None else asked):
                self._flags, self._tried = self._flags_here(netlink), True
            asked = False
            table = None if facts is None else self.contents(netlink, facts)
            state = TableState(table, keeps=bool(self._flags))
            before = generation
            # What a table is takes several answers; that there is none, one.
            if facts is not None or generation is None:
                generation = self._generation.read()
            if generation is not None and generation == before:
                # When an owner ends, the generation stays as it is.
                held = facts is not None and facts.owner is Owner.OTHER
                self._last = None if held else (generation, state)
                return state
        raise NetlinkError(errno.EAGAIN)

    def _facts(self, netlink: Netlink) -> Facts | None:
        answer = netlink.ask([self.messages.question()])[0]
        if isinstance(answer, NetlinkError):
            if answer.errno == errno.ENOENT:
                return None
            raise answer
        seen = dict(attributes(answer, BODY))
        flags = read_number(seen.get(TABLE_FLAGS, b""))
        self._owner = read_number(seen.get(TABLE_OWNER, b"")) if flags & OWNER else 0
        owner = Owner.OTHER if self._owner else Owner.NOBODY
        return Facts(
            dormant=bool(flags & DORMANT),
            owner=Owner.SELF if self._owner == netlink.port_id else owner,
            persistent=bool(flags & PERSIST),
        )

    def _flags_here(self, netlink: Netlink) -> int:
        """The flags a table can have here, by a transaction without an end: nothing comes of it.

        Some ten milliseconds, since its abort waits for all processors (nf_tables_abort).
        """
        for flags in dict.fromkeys((self._flags, 0)):
            refusal = netlink.transaction(BEGIN, [self._probe.making(flags), *self._trial], [])
            if refusal is None:
                return flags
            if not flags or refusal.errno not in UNKNOWN_FLAG:
                raise refusal
        raise AssertionError


def probe_name(table: str) -> str:
    """The name of a table that never comes to be."""
    return f"{table.split()[1]}-probe"


def _held(text: str, table: str, owner: int) -> tuple[str, str]:
    """The failure where the table is somebody's, and what to do."""
    pid = owner & ((1 << PID_BITS) - 1)
    name = None if owner >> 31 else name_of(pid)
    who = f"{name} (pid {pid})" if name else f"a program (netlink port {owner})"
    return f"{text}: {who} owns the table {table}", "Stop it, or let it use another name"
