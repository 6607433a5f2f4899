"""All that the kernel says in two turns of the daemon, as bytes of somebody's choice.

What is asked is vxland's, and so are the headers of the answers; the rest comes from a tape. The
bytes on it are answers in order, each a byte that says how it goes on, and what belongs to it. When
it has run out, dumps are empty, and all is acknowledged.
"""

import contextlib
import errno
import io
import os
import struct
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, cast
from unittest.mock import patch

from msgspec.structs import replace

from tests.fake.surroundings import File, NoNames
from tests.faults.stage import HOME, LAN, SHARED, Others
from tests.fuzz.changes import Changes, is_question
from vxland.kernel.events import LinkEvents
from vxland.kernel.ingress_drops import read_dropped
from vxland.kernel.linux import LinuxKernel
from vxland.kernel.netlink import NETLINK_NETFILTER, NETLINK_ROUTE, SEND_BUFFER
from vxland.kernel.peer_counters import read_counters
from vxland.kernel.wire import (
    HEADER,
    NLM_F_ACK,
    NLM_F_DUMP,
    NLM_F_DUMP_INTR,
    NLMSG_DONE,
    NLMSG_ERROR,
    split,
)
from vxland.loop.reconciler import Reconciler
from vxland.observed import Observed, Unavailable
from vxland.outlook import counted
from vxland.probe.input_rules import dropping_chains
from vxland.probe.macs import Sightings
from vxland.process.doorbell import Trigger

if TYPE_CHECKING:
    from socket import socket

END, MESSAGE, INTERRUPTED, REFUSED = range(4)  # how it goes on
LENGTH = struct.Struct("=H")
PORT = 4711  # of each socket
NODE = replace(HOME, overlays=(replace(LAN, guards=("isolated", "nftables")),))  # no program
LOST = 999  # datagrams, after which nothing is answered any more


def answered(protocol: int, kind: int) -> int:
    """The type of what answers a request of this type."""
    if protocol != NETLINK_NETFILTER:
        return kind & ~3  # RTM_GET… is RTM_NEW… and two more
    return kind - 1 if kind & 0xFF else kind  # NFT_MSG_GET… is NFT_MSG_NEW… and one more


class Speaker:
    """In place of a netlink socket."""

    def __init__(self, tape: io.BytesIO, changes: Changes, protocol: int) -> None:
        self._tape = tape
        self._changes = changes
        self._protocol = protocol
        self._asked: deque[tuple[int, int, int]] = deque()  # type, flags, and sequence number
        self._left = LOST

    def getsockname(self) -> tuple[int, int]:
        return PORT, 0

    def getsockopt(self, *_: int) -> int:
        return SEND_BUFFER

    def close(self) -> None:
        self._asked.clear()

    def sendall(self, out: bytes) -> None:
        """A datagram of requests, of which some are answered, and in any case one that is alone."""
        messages = [message for _, _, message in split(bytes(out))]
        for message in messages:
            _, kind, flags, sequence, _ = HEADER.unpack_from(message)
            self._changes.asked(self._protocol, message)
            asks = flags & NLM_F_ACK or len(messages) == 1
            if asks or is_question(self._protocol, kind):
                self._asked.append((kind, flags, sequence))

    def recv(self, _: int, flags: int = 0) -> bytes:
        """The next answer."""
        self._left -= 1
        if not self._asked or self._left < 0:
            raise BlockingIOError if flags else TimeoutError
        kind, asked, sequence = self._asked[0]
        many = asked & NLM_F_DUMP == NLM_F_DUMP
        goes = (self._tape.read(1) or b"\0")[0] & 3
        if goes in (END, REFUSED) or not many:
            self._asked.popleft()
        if goes == REFUSED or (goes == END and not many):
            number = (self._tape.read(1) or b"\0")[0] if goes == REFUSED else 0
            if not number and not asked & NLM_F_ACK:
                number = errno.ENOENT
            return _message(NLMSG_ERROR, 0, sequence, struct.pack("=i", -number) + bytes(16))
        if goes == END:
            return _message(NLMSG_DONE, 0, sequence, bytes(4))
        (length,) = LENGTH.unpack(self._tape.read(2).ljust(2, b"\0"))
        body = self._tape.read(length)
        interrupted = NLM_F_DUMP_INTR if goes == INTERRUPTED else 0
        kind = answered(self._protocol, kind)
        if self._protocol == NETLINK_ROUTE:
            self._changes.told(kind, body)
        return _message(kind, interrupted, sequence, body)


def _message(kind: int, flags: int, sequence: int, body: bytes) -> bytes:
    return HEADER.pack(HEADER.size + len(body), kind, flags, sequence, 0) + body


def recorded(datagram: bytes) -> bytes:
    """What was received, as it would be on a tape."""
    out = b""
    for kind, _, message in split(datagram):
        body = message[HEADER.size :]
        if kind == NLMSG_DONE:
            out += bytes((END,))
        elif kind == NLMSG_ERROR:
            out += bytes((REFUSED, min(255, -struct.unpack_from("=i", body)[0])))
        else:
            out += bytes((MESSAGE,)) + LENGTH.pack(len(body)) + body
    return out


class Silence:
    """A listener's socket: nothing happens by itself."""

    def recv(self, _: int) -> bytes:
        raise BlockingIOError

    def close(self) -> None:
        """There is nothing to."""


@contextlib.contextmanager
def overheard(opened: Callable[[int], "socket"]) -> Iterator[None]:
    """Meanwhile sockets are opened so, and no program is started."""
    with ExitStack() as stack:
        for name, other in {
            "netlink.open_socket": opened,
            "ebtables._which": lambda _: "/usr/sbin/ebtables-nft-save",
            "ebtables._variant": os.path.basename,
            "ebtables.Ebtables._print": lambda *_: Unavailable("no program here"),
            "ebtables.Ebtables.begin": lambda *_: lambda: None,
            "events._listen": lambda *_: Silence(),
        }.items():
            stack.enter_context(patch(f"vxland.kernel.{name}", other))
        yield


def turns() -> None:
    """A daemon's first turns in both modes, and what else is looked at, be it by the doctor."""
    with LinuxKernel(keeps=True) as kernel, LinkEvents(Trigger.NETLINK) as events:
        file = File(NODE)
        reconciler = Reconciler(kernel, file, NODE, NoNames(), Others(events))
        for trigger in (Trigger.START, Trigger.NETLINK):
            with contextlib.suppress(OSError):
                reconciler.turn({trigger})
        file.settings = replace(SHARED, digest="another")
        with contextlib.suppress(OSError):
            reconciler.turn({Trigger.CONFIG})
        for look in (
            *(kernel.look_abroad, kernel.holdings, read_dropped, read_counters, counted),
            *(dropping_chains, Sightings(Observed(), {}).look),
        ):
            with contextlib.suppress(OSError):
                look()


def asked_for(data: bytes) -> Changes:
    """What the kernel is asked to change, whatever it says."""
    tape, changes = io.BytesIO(data), Changes(LAN.bridge)
    with overheard(lambda protocol: cast("socket", Speaker(tape, changes, protocol))):
        turns()
    return changes


def kernel(data: bytes) -> None:
    """Whatever the kernel says: a turn may fail by an OSError; others' things aren't changed."""
    assert asked_for(data).strange == []
