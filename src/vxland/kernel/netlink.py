"""A netlink socket for whole batches: requests out in one send, dumps in as the kernel's bytes.

What rtnetlink is told is put together from parts that pyroute2 encodes (``kernel.encoding``). Its
sockets aren't used: they decode all they receive, which is what costs (1,000 links: 9 ms to read,
400 ms to decode). Here nobody decodes what hasn't changed, and what has is read from its bytes.
nftables' messages are made and read so, too (``kernel.transactions``).
"""

import errno
import socket
import struct
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from vxland.kernel.wire import (
    HEADER,
    NLM_F_ACK,
    NLM_F_DUMP,
    NLM_F_DUMP_INTR,
    NLM_F_REQUEST,
    NLMSG_DONE,
    NLMSG_ERROR,
    NetlinkError,
    refused,
    split,
)
from vxland.process.closing import Closing

NETLINK_ROUTE = 0
NETLINK_NETFILTER = 12
SOL_NETLINK = 270
SO_SNDBUFFORCE, SO_RCVBUFFORCE = 32, 33  # include/uapi/asm-generic/socket.h
NETLINK_EXT_ACK = 11
NETLINK_GET_STRICT_CHK = 12

FLAGS, NUMBERED, FLAGS_AT = struct.Struct("=H"), struct.Struct("=HI"), 6  # and the sequence
RECEIVE_BUFFER = 4 << 20
SEND_BUFFER = 4 << 20  # holds a transaction whole; the kernel counts twice that
SKIPPED = 32  # bytes of a buffer that a send may not have (netlink_sendmsg)
DATAGRAM = 1 << 16  # the kernel fills dumps' datagrams up to 32 KiB
BATCH = 128  # acknowledgements of this many requests fit into the smallest receive buffer
DUMP_TRIES = 5
TIMEOUT = struct.pack("@ll", 30, 0)  # struct timeval: 30 s, and the kernel answers at once

T = TypeVar("T")


class Netlink(Closing):
    """One netlink socket. Not for use by two threads at once.

    A socket that failed is replaced before the next request: it may be dead, in the middle of a
    dump (which the next one would be refused for, EBUSY), or hold late answers.

    ``answered`` is called after each batch of requests: thousands of them take a while.
    """

    def __init__(
        self, protocol: int = NETLINK_ROUTE, *, answered: Callable[[], None] = lambda: None
    ) -> None:
        self._protocol = protocol
        self._answered = answered
        self._sequence = 0
        self._failed = False
        self.port_ids: set[int] = set()  # of all its sockets so far
        self._open()

    def _open(self) -> None:
        self._socket = open_socket(self._protocol)
        self.port_ids.add(self.port_id)

    @property
    def port_id(self) -> int:
        """The socket's address, which the kernel puts into the notifications that it causes."""
        return int(self._socket.getsockname()[0])

    @property
    def room(self) -> int:
        """The bytes that one send may have: less in a user's container, see ``widen``."""
        return self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) - SKIPPED

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def request(self, messages: Sequence[bytes]) -> list[NetlinkError | None]:
        """Send requests in batches; returns the kernel's answer to each, in order."""
        answers: list[NetlinkError | None] = []
        for start in range(0, len(messages), BATCH):
            answers += self._batch(messages[start : start + BATCH])
            self._answered()
        return answers

    def _batch(self, messages: Sequence[bytes]) -> list[NetlinkError | None]:
        """Only the last is to be acknowledged: whatever is refused is answered anyhow, in order."""
        answers: list[NetlinkError | None] = [None] * len(messages)
        out = self._numbered(messages[:-1], NLM_F_REQUEST)
        out += self._numbered(messages[-1:], NLM_F_REQUEST | NLM_F_ACK)
        first = self._sequence + 1 - len(messages)
        self._write(out)
        while True:
            for kind, sequence, message in self._receive():
                if kind == NLMSG_ERROR and sequence >= first:
                    answers[sequence - first] = refused(message)
                    if sequence == self._sequence:
                        return answers

    def transaction(
        self, begin: bytes, messages: Sequence[bytes], end: Sequence[bytes]
    ) -> NetlinkError | None:
        """Send requests that are carried out together or not at all; returns the first refusal.

        Without an end they are tried, and nothing is carried out.
        """
        first = self._sequence + 1
        out = self._numbered([begin, *messages[:-1]], NLM_F_REQUEST)
        out += self._numbered(messages[-1:], NLM_F_REQUEST | NLM_F_ACK)
        last = self._sequence
        out += self._numbered(end, NLM_F_REQUEST)
        try:
            self._write(out)
        except OSError as error:
            if error.errno != errno.EMSGSIZE:
                raise
            return NetlinkError(errno.EMSGSIZE)
        return self._refusal(first, last)

    def _refusal(self, first: int, last: int) -> NetlinkError | None:
        """The first refusal, where only the last request is acknowledged, and each refused one."""
        refusal: NetlinkError | None = None
        for kind, sequence, message in self._answers():
            if kind == NLMSG_ERROR and sequence >= first:
                refusal = refusal or refused(message)
                if sequence in (first, last):  # of the whole; or all has been answered
                    return refusal
        return refusal or NetlinkError(errno.ENOBUFS)

    def _answers(self) -> Iterator[tuple[int, int, bytes]]:
        """What comes, for ever; of more than there is room for, what has come, to the end."""
        flags = 0
        while True:
            try:
                received = [*self._receive(flags)]
            except OSError as error:
                if flags and isinstance(error, BlockingIOError):
                    self._failed = False  # there is no late answer any more
                    return
                if error.errno != errno.ENOBUFS:
                    raise
                flags = socket.MSG_DONTWAIT  # nothing more comes
            else:
                yield from received

    def ask(self, messages: Sequence[bytes]) -> list[bytes | NetlinkError]:
        """Send requests that have one message, or an error, for an answer each."""
        answers: list[bytes | NetlinkError] = []
        at_once = BATCH
        while left := messages[len(answers) :]:
            try:
                answers += self._ask(left[:at_once])
            except OSError as error:
                if error.errno != errno.ENOBUFS or at_once == 1:
                    raise
                at_once = (at_once + 1) // 2  # a link's answer takes up to 5 KiB of the buffer
        return answers

    def _ask(self, messages: Sequence[bytes]) -> list[bytes | NetlinkError]:
        first = self._sequence + 1
        self._send(messages, NLM_F_REQUEST)
        seen: dict[int, bytes | NetlinkError] = {}
        while len(seen) < len(messages):
            for kind, sequence, message in self._receive():
                error = refused(message) if kind == NLMSG_ERROR else None
                if sequence >= first:
                    seen[sequence] = error or message
        return [seen[first + position] for position in range(len(messages))]

    def dump(self, message: bytes) -> list[bytes]:
        """The messages of a dump, headers included; asked again where it was interrupted."""
        return self.dump_as(bytes, message)

    def dump_as(self, read: Callable[[bytes], T], message: bytes) -> list[T]:
        """The same, each read as it comes: those of 1,000 links are 2 MB, and are never kept."""
        for _ in range(DUMP_TRIES - 1):
            answers, interrupted = self._dump(read, message)
            if not interrupted:
                return answers
        return self._dump(read, message)[0]

    def _dump(self, read: Callable[[bytes], T], message: bytes) -> tuple[list[T], bool]:
        self._send([message], NLM_F_REQUEST | NLM_F_DUMP)
        self._failed = True  # until its end: what can't be read leaves the rest on its way
        answers: list[T] = []
        interrupted = False
        while True:
            for kind, sequence, answer in self._receive():
                if sequence != self._sequence:
                    continue
                interrupted |= bool(HEADER.unpack_from(answer)[2] & NLM_F_DUMP_INTR)
                if kind in (NLMSG_DONE, NLMSG_ERROR):
                    self._failed = False
                if kind == NLMSG_DONE:
                    return answers, interrupted
                if kind == NLMSG_ERROR:
                    raise refused(answer) or NetlinkError(errno.EPROTO)
                answers.append(read(answer))

    def _send(self, messages: Sequence[bytes], flags: int) -> None:
        self._write(self._numbered(messages, flags))

    def _write(self, out: bytes | bytearray) -> None:
        if self._failed:
            self._socket.close()  # first, so that there is a descriptor for another one
            self._open()
            self._failed = False
        try:
            self._socket.sendall(out)
        except OSError as error:
            self._failed = error.errno != errno.EMSGSIZE  # which sends nothing
            raise

    def _numbered(self, messages: Sequence[bytes], flags: int) -> bytearray:
        out, at = bytearray(), FLAGS_AT
        read, write = FLAGS.unpack_from, NUMBERED.pack_into
        for sequence, message in enumerate(messages, self._sequence + 1):
            out += message
            write(out, at, read(message, FLAGS_AT)[0] | flags, sequence)
            at += len(message)
            if rest := at - FLAGS_AT & 3:
                out += bytes(4 - rest)
                at += 4 - rest
        self._sequence += len(messages)
        return out

    def _receive(self, flags: int = 0) -> Iterator[tuple[int, int, bytes]]:
        try:
            yield from split(self._socket.recv(DATAGRAM, flags))
        except OSError:
            self._failed = True
            raise


def open_socket(protocol: int) -> socket.socket:
    """A socket for requests; the kernel chooses its port id."""
    opened = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, protocol)
    try:
        # By the kernel: of a socket with a time-out of its own Python asks twice each time.
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, TIMEOUT)
        widen(opened, SO_RCVBUFFORCE, socket.SO_RCVBUF, RECEIVE_BUFFER)
        widen(opened, SO_SNDBUFFORCE, socket.SO_SNDBUF, SEND_BUFFER)
        opened.setsockopt(SOL_NETLINK, NETLINK_EXT_ACK, 1)
        if protocol == NETLINK_ROUTE:
            opened.setsockopt(SOL_NETLINK, NETLINK_GET_STRICT_CHK, 1)
        opened.bind((0, 0))
    except OSError:
        opened.close()
        raise
    return opened


def widen(opened: socket.socket, forced: int, usual: int, size: int) -> None:
    """Give a buffer this many bytes, past net.core's limits; in a user's container within them."""
    try:
        opened.setsockopt(socket.SOL_SOCKET, forced, size)
    except PermissionError:  # no CAP_NET_ADMIN outside of this user namespace
        opened.setsockopt(socket.SOL_SOCKET, usual, size)
