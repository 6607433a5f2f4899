"""What the kernel tells by itself: two sources that ring, and who may have caused it.

Only the fixed headers are read: a message is worth a ring or it isn't, and what is true is observed
afterwards. A lost message (ENOBUFS) is one more ring.

Numbers are those of include/uapi/linux: rtnetlink.h, neighbour.h, netfilter/nfnetlink.h and
netfilter/nf_tables.h.
"""

import errno
import os
import socket
import time
from abc import abstractmethod
from collections.abc import Callable, Container, Iterable
from typing import Generic, TypeVar

from vxland.addresses import IPAddress
from vxland.kernel.counters import read_device
from vxland.kernel.destinations import Destinations
from vxland.kernel.fdb import AF_BRIDGE, NDMSG, NTF_EXT_LEARNED, NTF_SELF, NUD_NOARP, NUD_PERMANENT
from vxland.kernel.links import IFINFO
from vxland.kernel.netlink import (
    DATAGRAM,
    NETLINK_NETFILTER,
    NETLINK_ROUTE,
    RECEIVE_BUFFER,
    SO_RCVBUFFORCE,
    widen,
)
from vxland.kernel.processes import (
    PID_BITS,
    has_the_kernels_numbers,
    is_running,
    name_of,
)
from vxland.kernel.routes import RTMSG
from vxland.kernel.suspects import Suspects
from vxland.kernel.wire import HEADER, NetlinkError, attributes, readable, split
from vxland.process.closing import Closing
from vxland.traffic import Seen

LINK, NEIGH, IPV4_IFADDR, IPV4_ROUTE, IPV4_RULE, IPV6_IFADDR = 1, 3, 5, 7, 8, 9  # RTNLGRP_…
IPV6_ROUTE, IPV6_RULE, NEXTHOP = 11, 19, 32
NFTABLES = 7  # NFNLGRP_NFTABLES
LINKS, ADDRESSES = frozenset({16, 17}), frozenset({20, 21})  # RTM_NEW and RTM_DEL
RTM_DELLINK, RTM_DELNEIGH = 17, 29
ROUTES = frozenset({24, 25})
ROUTING = frozenset({32, 33, 104, 105})  # RTM_NEW and RTM_DEL, RULE and NEXTHOP
NEIGHBOURS = frozenset({28, 29})
LEAVING = frozenset({RTM_DELLINK, RTM_DELNEIGH})
RTM_F_CLONED = 0x200
NEWGEN = 10 << 8 | 15  # NFNL_SUBSYS_NFTABLES, NFT_MSG_NEWGEN
NFGENMSG = 4  # bytes of struct nfgenmsg
GEN_PROC_PID, GEN_PROC_NAME = 2, 3

LOST = frozenset({errno.ENOBUFS, errno.ENOMEM})  # the kernel couldn't tell all
DATAGRAMS = 4096  # in one go: a ring isn't held back for as long as a storm lasts
FEW = 16  # devices that are told one by one
OWN_PROGRAM = "ebtables-restor"  # as the kernel shortens its name, by which vxland writes a chain

TriggerT = TypeVar("TriggerT")  # the doorbell's, which the kernel's side needn't know


class Events(Closing, Generic[TriggerT]):
    """A netlink socket that listens to groups. For one thread. A Source for the doorbell.

    ``own`` holds the numbers of this program's own requests; it is looked at with every message,
    so it may grow. ``buffer`` is in bytes. Raises OSError, also where listening isn't allowed.
    """

    def __init__(
        self,
        trigger: TriggerT,
        own: Container[int] = (),
        *,
        buffer: int = RECEIVE_BUFFER,
    ) -> None:
        self.trigger = trigger
        self.received = 0  # messages
        self.overruns = 0  # times that the kernel dropped messages for lack of room
        self.suspects = Suspects()
        self._own = own
        protocol, groups = self._groups()
        self._socket = _listen(protocol, groups, buffer)

    def fileno(self) -> int:
        """The socket's descriptor."""
        return self._socket.fileno()

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def drain(self) -> bool:
        """Read what waits (a storm in parts); True if any of it may matter or was lost."""
        rings = False
        for _ in range(DATAGRAMS):
            data = self._read()
            if data is None:
                break
            if not data:
                rings = True
                self._missed()
            try:
                with readable():
                    for kind, _, message in split(data):
                        self.received += 1
                        rings |= self._matters(kind, message)
            except NetlinkError:
                rings = True
                self._missed()
        return rings

    def _missed(self) -> None:
        """It isn't known what the kernel told."""

    def likely(self, now: float | None = None, within: float = 10.0) -> str | None:
        """Who caused most of the last ``within`` seconds; ``now`` is monotonic, or this moment."""
        return self.suspects.likely(time.monotonic() if now is None else now, within)

    def _read(self) -> bytes | None:
        """A datagram; empty where some were lost, None where there are no more."""
        try:
            return self._socket.recv(DATAGRAM)
        except BlockingIOError:
            return None
        except OSError as error:
            if error.errno not in LOST:
                raise
            self.overruns += 1
            return b""

    @staticmethod
    @abstractmethod
    def _groups() -> tuple[int, Iterable[int]]:
        """The protocol and the groups to listen to."""

    @abstractmethod
    def _matters(self, kind: int, message: bytes) -> bool:
        """Whether a message is worth a ring; remembers who caused it."""


class LinkEvents(Events[TriggerT]):
    """Links, addresses, routes, rules that choose them, forwarding entries; ``own`` are port ids.

    Link messages name the requester only where it asked for an echo (measured on 6.18), address
    messages nearly always.

    What rang is told by ``touched``: a few devices and their entries, or anything at all.

    The last word on a device that is deleted, or moved away, has its counters as they were at the
    end: ``farewell`` is told them. That is for metrics alone; what to do is never read from it.
    """

    def __init__(
        self,
        trigger: TriggerT,
        own: Container[int] = (),
        *,
        farewell: Callable[[Seen], None] = lambda _seen: None,
        buffer: int = RECEIVE_BUFFER,
    ) -> None:
        super().__init__(trigger, own, buffer=buffer)
        self._farewell = farewell
        self._destinations: Destinations | None = None  # None: all
        self._touched: set[int] | None = None
        self._leaving: set[int] = set()

    @property
    def leaving(self) -> frozenset[int]:
        """Those of the touched of which something went, which is how a device begins to go."""
        return frozenset(self._leaving)

    @property
    def touched(self) -> frozenset[int] | None:
        """The numbers of the devices that what rang was about; None where it was about more."""
        return None if self._touched is None else frozenset(self._touched)

    def forget(self) -> None:
        """What rang so far is dealt with, or will be by a look at everything."""
        self._touched = set()
        self._leaving.clear()

    def _missed(self) -> None:
        self._touched = None

    def watch(self, remotes: frozenset[IPAddress]) -> None:
        """From now on a route matters only if it leads to one of these.

        A router that knows the whole Internet changes hundreds of others a second.
        """
        if self._destinations is None or self._destinations.remotes != remotes:
            self._destinations = Destinations(remotes)

    @staticmethod
    def _groups() -> tuple[int, Iterable[int]]:
        links = (LINK, NEIGH, IPV4_IFADDR, IPV6_IFADDR)
        return NETLINK_ROUTE, (*links, IPV4_ROUTE, IPV4_RULE, IPV6_ROUTE, IPV6_RULE, NEXTHOP)

    def _matters(self, kind: int, message: bytes) -> bool:
        rings = self._rings(kind, message)
        if rings and self._touched is not None:
            device = _device(kind, message)
            self._touched.add(device)
            if kind in LEAVING:
                self._leaving.add(device)
            if not device or len(self._touched) > FEW:
                self._touched = None
        return rings

    def _rings(self, kind: int, message: bytes) -> bool:
        if kind in NEIGHBOURS:
            return _is_set_by_hand(message)
        if kind in ROUTES:
            if RTMSG.unpack_from(message, HEADER.size)[8] & RTM_F_CLONED:
                return False
            return self._destinations is None or self._destinations.match(message)
        if kind == RTM_DELLINK and (seen := read_device(message)) is not None:
            self._farewell(seen)
        if kind in LINKS | ADDRESSES:
            self._suspect(HEADER.unpack_from(message)[4])
            return True
        return kind in ROUTING

    def _suspect(self, port: int) -> None:
        """Name the process behind a port id; one above 2^31 was drawn by lot, 0 is the kernel."""
        pid = port & ((1 << PID_BITS) - 1)
        if port >> 31 or not pid or port in self._own:
            return
        name = name_of(pid)
        if name is None and is_running(pid):
            name = "a program"  # of another user's, whom ProtectProc= hides (systemd.exec(5))
        if name is not None:  # else it has ended, or is no process
            self.suspects.note(name, pid, time.monotonic())


class RuleEvents(Events[TriggerT]):
    """Everything in nftables, ebtables-nft among it; ``own`` are process ids."""

    @staticmethod
    def _groups() -> tuple[int, Iterable[int]]:
        return NETLINK_NETFILTER, (NFTABLES,)

    def _matters(self, kind: int, message: bytes) -> bool:
        if kind == NEWGEN:
            seen = dict(attributes(message, HEADER.size + NFGENMSG))
            pid = int.from_bytes(seen.get(GEN_PROC_PID, b""), "big")
            name = seen.get(GEN_PROC_NAME, b"").rstrip(b"\0").decode(errors="replace")
            if name and not self._is_own(name, pid):
                self.suspects.note(name, pid, time.monotonic())
        return True

    def _is_own(self, name: str, pid: int) -> bool:
        if has_the_kernels_numbers():
            return pid == os.getpid() or pid in self._own
        return name in (OWN_PROGRAM, name_of(os.getpid()))


def _device(kind: int, message: bytes) -> int:
    """The number of the device that a message is about, or is an entry of; 0 where it is more."""
    if kind in LINKS:
        return int(IFINFO.unpack_from(message, HEADER.size)[2])
    return int(NDMSG.unpack_from(message, HEADER.size)[3]) if kind in NEIGHBOURS else 0


def _is_set_by_hand(message: bytes) -> bool:
    """Whether a neighbour message is about a forwarding entry that wasn't learned from traffic.

    A deletion has the state that the entry had: that of a flood entry is permanent, that of a
    learned one reachable or stale. NTF_SELF alone says nothing: a VXLAN device sets it on what
    it learned, too.
    """
    family, _, _, _, state, flags, _ = NDMSG.unpack_from(message, HEADER.size)
    taught = NTF_SELF | NTF_EXT_LEARNED  # by a routing daemon, into a device's own table
    return family == AF_BRIDGE and bool(
        state & (NUD_PERMANENT | NUD_NOARP) or flags & taught == taught
    )


def _listen(protocol: int, groups: Iterable[int], buffer: int) -> socket.socket:
    listener = socket.socket(
        socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK, protocol
    )
    try:
        widen(listener, SO_RCVBUFFORCE, socket.SO_RCVBUF, buffer)
        listener.bind((0, sum(1 << (group - 1) for group in groups)))
    except OSError:
        listener.close()
        raise
    return listener
