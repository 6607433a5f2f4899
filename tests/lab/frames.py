"""Ethernet frames of our own, sent and counted: IEEE 802's experimental EtherType."""

import itertools
import socket
import struct
import threading
import time
from collections import Counter
from types import TracebackType
from typing import Self

from tests.lab.namespaces import Namespace

ETHERTYPE = 0x88B5
BROADCAST = b"\xff" * 6
PAYLOAD = struct.Struct("!IQ")  # flow, sequence number
HEADER_LENGTH = 14
SO_RCVBUFFORCE = 33  # include/uapi/asm-generic/socket.h
ROOM = 32 << 20  # bytes; a frame takes less than 1 KiB, so that none is lost here for a while

_flows = itertools.count(1)


def _open(namespace: Namespace, interface: str) -> socket.socket:
    with namespace.entered():
        opened = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETHERTYPE))
        opened.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, ROOM)
        opened.bind((interface, ETHERTYPE))
    opened.settimeout(0.1)
    return opened


def _mac(opened: socket.socket) -> bytes:
    return bytes(opened.getsockname()[4])


class Listener:
    """Counts what arrives on an interface, by flow and sequence number."""

    def __init__(self, namespace: Namespace, interface: str = "eth0") -> None:
        self._socket = _open(namespace, interface)
        self.mac = _mac(self._socket)
        self.seen: Counter[tuple[int, int]] = Counter()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()
        self._socket.close()

    def arrived(self, flow: int) -> int:
        """How many frames of a flow came, copies included."""
        return sum(count for (seen, _), count in list(self.seen.items()) if seen == flow)

    def numbers(self, flow: int) -> set[int]:
        """Which sequence numbers of a flow came."""
        return {number for seen, number in list(self.seen) if seen == flow}

    def _listen(self) -> None:
        while not self._ended.is_set():
            try:
                frame, (_, _, kind, *_) = self._socket.recvfrom(2048)
            except (TimeoutError, OSError):
                continue
            if kind != socket.PACKET_OUTGOING:
                self.seen[PAYLOAD.unpack_from(frame, HEADER_LENGTH)] += 1


def broadcast(namespace: Namespace, interface: str = "eth0") -> int:
    """Send one broadcast frame; returns its flow's number."""
    flow = next(_flows)
    with _open(namespace, interface) as sender:
        sender.send(_frame(BROADCAST, _mac(sender), flow, 0))
    return flow


class Flow:
    """A steady stream of frames to one MAC address, numbered from 0."""

    def __init__(
        self, namespace: Namespace, target: bytes, rate: int = 1000, interface: str = "eth0"
    ) -> None:
        self.number = next(_flows)
        self.sent = 0
        self._socket = _open(namespace, interface)
        self._target = target
        self._pause = 1 / rate
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._send, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Send no more."""
        if not self._ended.is_set():
            self._ended.set()
            self._thread.join()
            self._socket.close()

    def _send(self) -> None:
        source = _mac(self._socket)
        while not self._ended.is_set():
            self._socket.send(_frame(self._target, source, self.number, self.sent))
            self.sent += 1
            time.sleep(self._pause)


def _frame(target: bytes, source: bytes, flow: int, number: int) -> bytes:
    body = target + source + struct.pack("!H", ETHERTYPE) + PAYLOAD.pack(flow, number)
    return body.ljust(60, b"\0")
