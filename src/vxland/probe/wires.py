"""Packet sockets of a run of probes: one hears what comes out of tunnels, one what comes to them.

Both hear on all devices of the network namespace (packet(7)). Needs CAP_NET_RAW.
"""

import selectors
import socket
import struct
import time
from collections.abc import Callable, Iterable
from ipaddress import ip_address

from vxland.diagnosis.facts import Stray
from vxland.kernel.netlink import SO_RCVBUFFORCE, widen
from vxland.probe import filters, frames
from vxland.process.closing import Closing

ETH_P_ALL = 3
SOL_PACKET, PACKET_VNET_HDR, PACKET_IGNORE_OUTGOING = 263, 15, 23  # linux/if_packet.h
ROOM = 16 << 20  # bytes, for the answers of a thousand peers at once
OUTGOING = 4  # PACKET_OUTGOING
LONGEST = 2048  # bytes of a frame that are read
OLD = 4  # the Internet Protocol's version, where it isn't 6
UDP_AND_VXLAN = struct.Struct("!8xII")  # flags and VNI, each with what is reserved
STRAYS = 1000  # of them that are remembered

Heard = Callable[[str, frames.Answer], None]  # out of which device, and what
Seen = Callable[[int, frames.Answer], None]  # with which VNI, and what


class Wires(Closing):
    """Sends frames into devices, and listens for a while."""

    def __init__(self, ports: Iterable[int], vnis: Iterable[int], run: int) -> None:
        self.strays: set[Stray] = set()
        self._known = frozenset(vnis)
        self._run = run
        self._sockets: list[socket.socket] = []
        try:
            self._inside = self._listening(filters.answers())
            self._outside = self._listening(filters.wire(ports, self._known))
            self._card = self._opened()
            self._card.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the sockets."""
        for opened in self._sockets:
            opened.close()

    def send(self, device: str, frame: bytes) -> bool:
        """Send a frame into a device; False where it doesn't take it."""
        return _send(self._inside, device, frame)

    def send_unfinished(self, device: str, frame: bytes) -> bool:
        """Send one that begins with what is left to the network card (frames.OFFLOAD)."""
        return _send(self._card, device, frame)

    def listen(
        self, patience: float, inside: Heard, outside: Seen, enough: Callable[[], bool]
    ) -> None:
        """Tell what answers, for so many seconds, or until that is enough."""
        end = time.monotonic() + patience
        with selectors.DefaultSelector() as selector:
            selector.register(self._inside, selectors.EVENT_READ)
            selector.register(self._outside, selectors.EVENT_READ)
            while not enough() and (left := end - time.monotonic()) > 0:
                for key, _ in selector.select(left):
                    if key.fileobj is self._inside:
                        self._read(self._inside, inside)
                    else:
                        self._read_outside(outside)

    def _opened(self, kind: int = 0) -> socket.socket:
        opened = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, kind)
        self._sockets.append(opened)
        return opened

    def _listening(self, steps: list[filters.Step]) -> socket.socket:
        opened = self._opened(socket.htons(ETH_P_ALL))
        filters.attach(opened, steps)
        widen(opened, SO_RCVBUFFORCE, socket.SO_RCVBUF, ROOM)
        opened.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
        opened.settimeout(0)
        _frames(opened)  # those that came before the filter was there
        return opened

    def _read(self, opened: socket.socket, heard: Heard) -> None:
        for frame, device in _frames(opened):
            answer = frames.read_answer(frame, self._run)
            if answer is not None:
                heard(device, answer)

    def _read_outside(self, seen: Seen) -> None:
        for frame, _ in _frames(self._outside):
            start = frames.ETHERNET.size
            old = frame[start] >> 4 == OLD
            length = (frame[start] & 0x0F) * 4 if old else frames.IPV6.size
            source = frame[start + 12 : start + 16] if old else frame[start + 8 : start + 24]
            _, last = UDP_AND_VXLAN.unpack_from(frame, start + length)
            vni = last >> 8
            answer = frames.read_answer(frame[start + length + UDP_AND_VXLAN.size :], self._run)
            if answer is not None:
                seen(vni, answer)
            if vni not in self._known and len(self.strays) < STRAYS:
                self.strays.add(Stray(ip_address(source), vni))


def _frames(opened: socket.socket) -> list[tuple[bytes, str]]:
    """What has come, each with the device that it came by."""
    found: list[tuple[bytes, str]] = []
    while True:
        try:
            frame, (device, _, kind, *_) = opened.recvfrom(LONGEST)
        except BlockingIOError:
            return found
        except OSError:  # a device went down
            return found
        if kind != OUTGOING:
            found.append((frame, device))


def _send(opened: socket.socket, device: str, frame: bytes) -> bool:
    try:
        opened.sendto(frame, (device, 0))
    except OSError:  # it is down, or gone, or its queue is full
        return False
    return True
