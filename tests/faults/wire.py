"""What can go wrong between vxland and the kernel, at the sockets of ``vxland.kernel.netlink``.

pyroute2 has a socket that fails at random (``ChaoticIPRoute``). vxland uses none of its sockets, so
these take its place; they fail at a place that is known, and can be tried again.
"""

import errno
import os
import socket
import struct
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from vxland.kernel import netlink
from vxland.kernel.wire import HEADER, NLM_F_ACK, NLM_F_DUMP_INTR, NLMSG_DONE, NLMSG_ERROR, split

RECEIVING, SENDING, OPENING, REQUEST = "receiving", "sending", "opening", "request"
NOOP = 1  # a type that the kernel acknowledges, and nothing more
# What operations on links, addresses, neighbours and rules, and questions about routes, may end
# with: what is returned in net/core/rtnetlink.c and dev.c, net/bridge, drivers/net/vxlan, net/ipv4
# and ipv6, net/netfilter/nf_tables_api.c and its expressions and sets, net/netlink, lib/nlattr.c.
ERRORS = (
    *(errno.EPERM, errno.ENOENT, errno.ESRCH, errno.EINTR, errno.EIO, errno.ENXIO, errno.E2BIG),
    *(errno.EAGAIN, errno.ENOMEM, errno.EACCES, errno.EFAULT, errno.EBUSY, errno.EEXIST),
    *(errno.EXDEV, errno.ENODEV, errno.EINVAL, errno.ENFILE, errno.EMFILE, errno.EFBIG),
    *(errno.ENOSPC, errno.EMLINK, errno.ERANGE, errno.ENOTEMPTY, errno.ELOOP, errno.EXFULL),
    *(errno.ENODATA, errno.EOVERFLOW, errno.EMSGSIZE, errno.EPROTONOSUPPORT, errno.EOPNOTSUPP),
    *(errno.EPFNOSUPPORT, errno.EAFNOSUPPORT, errno.EADDRINUSE, errno.EADDRNOTAVAIL),
    *(errno.ENETDOWN, errno.ENETUNREACH, errno.ENOBUFS, errno.ETIMEDOUT, errno.ECONNREFUSED),
    *(errno.EHOSTUNREACH, errno.ESTALE, errno.ERESTART),
)


class Wire:
    """The sockets made while it is there. One fault strikes at one place, counted from ``arm``."""

    def __init__(self, watch: Callable[[], None]) -> None:
        self.watch = watch  # looks whether all is well, after each request that changes something
        self._fault: Fault | None = None
        self._left = 0
        self.struck = 0
        self.rules_failed = False  # it struck where nftables is asked, or told something
        self.rules_refused = False  # and the daemon was told that this wasn't done
        self.room = netlink.DATAGRAM  # bytes of a datagram that are received
        self.failed = Counter[int | None]()  # calls, by the kernel itself, by errno

    def arm(self, fault: "Fault", place: int) -> None:
        """The next fault, at the ``place``-th occasion from now (the first is 1)."""
        self._fault, self._left, self.struck = fault, place, 0
        self.rules_failed = self.rules_refused = False

    def disarm(self) -> bool:
        """No more faults; returns whether there was one."""
        self._fault = None
        self.rules_failed = self.rules_refused = False
        return self.struck > 0

    def open(self, protocol: int) -> "Socket":
        """In place of ``netlink.open_socket``."""
        if (fault := self.strikes(OPENING, protocol)) is not None:
            fault.act(self, b"")
        return Socket(self, netlink_socket(protocol))

    def strikes(self, occasion: str, protocol: int) -> "Fault | None":
        """The fault, if now is its time."""
        if self._fault is None or self._fault.occasion != occasion:
            return None
        self._left -= 1
        if self._left > 0 or (self._left < 0 and not self._fault.lasts):
            return None
        self.struck += 1
        self.rules_failed |= protocol == netlink.NETLINK_NETFILTER
        self.rules_refused |= self.rules_failed and self._fault.told
        return self._fault


netlink_socket = netlink.open_socket


class Socket:
    """A socket to the real kernel."""

    def __init__(self, wire: Wire, real: socket.socket) -> None:
        self.real = real
        self.wire = wire
        self.dead = False
        self.late: list[bytes] = []  # datagrams, to be received once more
        self.answers: dict[int, int] = {}  # what is to be said of requests, by sequence number

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever a socket has
        return getattr(self.real, name)

    def sendall(self, data: bytes) -> None:
        """Send a datagram of requests."""
        self._alive()
        if (fault := self.wire.strikes(SENDING, self.real.proto)) is not None:
            data = fault.act(self, bytes(data))
        if not any(map(is_acknowledged, messages := parts(data))):  # it only asks
            self._send(data)
            return
        self._send(b"".join(map(self._request, messages)))
        self.wire.watch()

    def recv(self, size: int, flags: int = 0) -> bytes:
        """Receive a datagram of answers."""
        self._alive()
        if self.late:
            return self.late.pop(0)
        with self._noted():
            data = self.real.recv(min(size, self.wire.room), flags)
        if self.answers:
            data = b"".join(map(self._answer, parts(data)))
        if (fault := self.wire.strikes(RECEIVING, self.real.proto)) is not None:
            data = fault.act(self, data)
        return data

    def _send(self, data: bytes) -> None:
        with self._noted():
            self.real.sendall(data)

    @contextmanager
    def _noted(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self.wire.failed[error.errno] += 1
            raise

    def _alive(self) -> None:
        if self.dead:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))

    def _request(self, message: bytes) -> bytes:
        # Of a transaction only the last can be told from its brackets.
        counts = self.real.proto == netlink.NETLINK_ROUTE or is_acknowledged(message)
        fault = self.wire.strikes(REQUEST, self.real.proto) if counts else None
        return message if fault is None else fault.act(self, message)

    def _answer(self, message: bytes) -> bytes:
        _, kind, _, sequence, _ = HEADER.unpack_from(message)
        if kind != NLMSG_ERROR or sequence not in self.answers:
            return message
        said = struct.pack("=i", -self.answers.pop(sequence))
        return message[: HEADER.size] + said + message[HEADER.size + 4 :]


@dataclass(frozen=True)
class Fault:
    """What happens at which occasion: it gets the datagram or message, and gives it on."""

    occasion: str
    act: Callable[[Any, bytes], bytes]
    lasts: bool = False  # from then on, every time
    told: bool = False  # the daemon hears from the kernel that a request wasn't done


def parts(data: bytes) -> list[bytes]:
    """The messages of a datagram, padded."""
    return [message + bytes(-len(message) % 4) for _, _, message in split(data)]


def is_acknowledged(message: bytes) -> bool:
    """Whether the kernel answers it in any case."""
    return bool(HEADER.unpack_from(message)[2] & NLM_F_ACK)


def raising(number: int, occasion: str, *, late: bool = False, lasts: bool = False) -> Fault:
    """The call fails; what it should have received is lost, or comes late."""

    def act(where: Any, data: bytes) -> bytes:  # noqa: ANN401 - a socket, or the wire
        if late:
            where.late.append(data)
        raise OSError(number, os.strerror(number))

    return Fault(occasion, act, lasts)


def changed(change: Callable[[bytes], bytes]) -> Fault:
    """Something else is received."""
    return Fault(RECEIVING, lambda _, data: change(data))


def _turned(data: bytes) -> bytes:
    """In the opposite order, but for the end of a dump."""
    messages = parts(data)
    last = [m for m in messages if HEADER.unpack_from(m)[1] == NLMSG_DONE]
    return b"".join([*reversed(messages[: len(messages) - len(last)]), *last])


def _interrupted(data: bytes) -> bytes:
    out = b""
    for message in parts(data):
        length, kind, flags, sequence, port = HEADER.unpack_from(message)
        header = HEADER.pack(length, kind, flags | NLM_F_DUMP_INTR, sequence, port)
        out += header + message[HEADER.size :]
    return out


def _twice(where: Socket, data: bytes) -> bytes:
    where.late.append(data)
    return data


def _dies(where: Socket, _: bytes) -> bytes:
    where.dead = True
    raise OSError(errno.ENOTCONN, os.strerror(errno.ENOTCONN))


def _lost(*_: object) -> bytes:
    raise TimeoutError


def refused(number: int, *, done: bool) -> Fault:
    """A request is refused, or the kernel only says so (or, with 0, says it is done)."""

    def act(where: Socket, message: bytes) -> bytes:
        length, kind, flags, sequence, port = HEADER.unpack_from(message)
        if number:
            where.answers[sequence] = number
            flags |= NLM_F_ACK
        header = HEADER.pack(length, kind if done else NOOP, flags, sequence, port)
        return header + message[HEADER.size :]

    return Fault(REQUEST, act, told=bool(number))


FAULTS: dict[str, Fault] = {
    "ENOBUFS, and what came is lost": raising(errno.ENOBUFS, RECEIVING),
    "ENOBUFS, and what came comes late": raising(errno.ENOBUFS, RECEIVING, late=True),
    "ENOMEM while receiving": raising(errno.ENOMEM, RECEIVING),
    "EINTR while receiving": raising(errno.EINTR, RECEIVING, late=True),
    "EINTR while sending": raising(errno.EINTR, SENDING),
    "ENOBUFS while sending": raising(errno.ENOBUFS, SENDING),
    "ENOMEM while sending": raising(errno.ENOMEM, SENDING),
    "no answer comes": Fault(RECEIVING, _lost),
    "the socket dies": Fault(RECEIVING, _dies),
    "it dies while sending": Fault(SENDING, _dies),
    "every call fails from then on": raising(errno.EIO, RECEIVING, lasts=True),
    "cut off": changed(lambda data: data[:-5]),
    "cut off within a header": changed(lambda data: data[:7]),
    "nothing in it": changed(lambda _: b""),
    "in the opposite order": changed(_turned),
    "twice": Fault(RECEIVING, _twice),
    "a dump was interrupted": changed(_interrupted),
    "dumps are interrupted for ever": Fault(
        RECEIVING, lambda _, data: _interrupted(data), lasts=True
    ),
    "refused": refused(errno.EIO, done=False),
    "done, but refused": refused(errno.EIO, done=True),
    "not done, but acknowledged": refused(0, done=False),
}
