"""Ethernet frames of our own, sent and counted: IEEE 802's experimental EtherType."""

import contextlib
import itertools
import selectors
import socket
import struct
import time
from collections import Counter
from collections.abc import ItemsView, Iterable

from tests.lab.namespaces import Namespace
from tests.lab.waiting import eventually
from tests.lab.worker import Worker

ETHERTYPE = 0x88B5
BROADCAST = b"\xff" * 6
PAYLOAD = struct.Struct("!IQ")  # flow, sequence number
HEADER_LENGTH = 14
UDP_AND_VXLAN = 16  # bytes of the two headers
IPV4 = b"\x08\x00"
ETH_P_ALL = 3
SOL_PACKET, PACKET_IGNORE_OUTGOING = 263, 23  # include/uapi/linux/if_packet.h
SO_RCVBUFFORCE = 33  # include/uapi/asm-generic/socket.h
ROOM = 32 << 20  # bytes; a frame takes less than 1 KiB, so that none is lost here for a while

_flows = itertools.count(1)


class Lost(AssertionError):
    """Frames didn't arrive: which happens, too, where the kernel throws some away."""


_Key = tuple[int, int]  # flow and sequence number


def _open(namespace: Namespace, interface: str, kind: int = ETHERTYPE) -> socket.socket:
    with namespace.entered():
        opened = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    opened.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, ROOM)
    opened.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
    opened.bind((interface, kind))  # from here on it receives
    return opened


def _sender(namespace: Namespace, interface: str) -> socket.socket:
    return _open(namespace, interface, 0)  # of no kind, so that nothing piles up in it


def _mac(opened: socket.socket) -> bytes:
    return bytes(opened.getsockname()[4])


class _Counting(Worker):
    """Counts what arrives, by flow and sequence number."""

    def __init__(self, *sockets: socket.socket) -> None:
        self.seen: Counter[_Key] = Counter()
        self._sockets = sockets
        super().__init__()

    def _close(self) -> None:
        for opened in self._sockets:
            opened.close()

    def _so_far(self) -> ItemsView[_Key, int]:
        """As of one moment: to list pairs makes tuples, in between which others may count."""
        return dict(self.seen).items()

    def arrived(self, flow: int) -> int:
        """How many frames of a flow came, copies included."""
        return sum(count for (seen, _), count in self._so_far() if seen == flow)

    def numbers(self, flow: int) -> set[int]:
        """Which sequence numbers of a flow came."""
        return {number for seen, number in list(self.seen) if seen == flow}

    def copies(self, flow: int) -> int:
        """How often the frame of a flow came that came most often."""
        counts = (count for (seen, _), count in self._so_far() if seen == flow)
        return max(counts, default=0)

    def _work(self) -> None:
        with selectors.DefaultSelector() as selector:
            for opened in self._sockets:
                selector.register(opened, selectors.EVENT_READ, opened)
            while not self.ended.is_set():
                for ready, _ in selector.select(0.05):
                    self._count(ready.data)

    def _count(self, opened: socket.socket) -> None:
        with contextlib.suppress(BlockingIOError, OSError):  # nothing left, or its link went down
            for _ in range(100):
                key = self._key(opened.recv(2048, socket.MSG_DONTWAIT))
                if key is not None:
                    self.seen[key] += 1

    def _key(self, frame: bytes) -> _Key | None:
        """What the frame counts as; None for none of ours."""
        return PAYLOAD.unpack_from(frame, HEADER_LENGTH)


class Listener(_Counting):
    """Counts what arrives on an interface."""

    def __init__(self, namespace: Namespace, interface: str = "eth0") -> None:
        opened = _open(namespace, interface)
        self.mac = _mac(opened)
        super().__init__(opened)


class Tap(_Counting):
    """Counts the frames inside of the VXLAN packets that arrive on these interfaces (RFC 7348)."""

    def __init__(self, namespace: Namespace, interfaces: Iterable[str]) -> None:
        super().__init__(*(_open(namespace, interface, ETH_P_ALL) for interface in interfaces))

    def _key(self, frame: bytes) -> _Key | None:
        udp = HEADER_LENGTH + (frame[HEADER_LENGTH] & 0x0F) * 4
        inner = udp + UDP_AND_VXLAN
        if len(frame) < inner + HEADER_LENGTH + PAYLOAD.size or frame[12:14] != IPV4:
            return None
        kind = int.from_bytes(frame[inner + 12 : inner + 14], "big")
        if (frame[HEADER_LENGTH + 9], kind) != (socket.IPPROTO_UDP, ETHERTYPE):
            return None
        return PAYLOAD.unpack_from(frame, inner + HEADER_LENGTH)


def broadcast(namespace: Namespace, interface: str = "eth0") -> int:
    """Send one broadcast frame; returns its flow's number."""
    flow = next(_flows)
    with _sender(namespace, interface) as sender:
        sender.send(_frame(BROADCAST, _mac(sender), flow, 0))
    return flow


class Flow(Worker):
    """A steady stream of frames to one MAC address, numbered from 0."""

    def __init__(
        self, namespace: Namespace, target: bytes, rate: int = 1000, interface: str = "eth0"
    ) -> None:
        self.number = next(_flows)
        self.sent = 0
        self._socket = _sender(namespace, interface)
        self._target = target
        self._pause = 1 / rate
        super().__init__()

    def _close(self) -> None:
        self._socket.close()

    def lost(self, listener: Listener) -> int:
        """How many of the frames sent never came to the listener."""
        return self.sent - len(listener.numbers(self.number))

    def all_arrive(self, listener: Listener) -> None:
        """Wait until every frame sent has come. Raises Lost."""
        try:
            eventually(
                lambda: not self.lost(listener),
                lambda: f"lost {self.lost(listener)} of {self.sent}",
            )
        except AssertionError as error:
            raise Lost(error) from None

    def _work(self) -> None:
        source = _mac(self._socket)
        while not self.ended.is_set():
            with contextlib.suppress(OSError):  # its link is down; what wasn't sent isn't counted
                self._socket.send(_frame(self._target, source, self.number, self.sent))
                self.sent += 1
            time.sleep(self._pause)


class Steady(Flow):
    """Sends by the clock: a sleep that lasted too long is made up for."""

    def _work(self) -> None:
        source = _mac(self._socket)
        started = time.monotonic()
        while not self.ended.is_set():
            with contextlib.suppress(OSError):  # the machine is behind: it wasn't sent
                self._socket.send(_frame(self._target, source, self.number, self.sent))
                self.sent += 1
            time.sleep(max(0.0, started + self.sent * self._pause - time.monotonic()))


def _frame(target: bytes, source: bytes, flow: int, number: int) -> bytes:
    body = target + source + struct.pack("!H", ETHERTYPE) + PAYLOAD.pack(flow, number)
    return body.ljust(60, b"\0")
