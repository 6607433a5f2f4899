"""VXLAN packets made by hand, with any source and in any pieces."""

import contextlib
import itertools
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, ip_address

from tests.lab import BROADCAST, Namespace
from tests.lab.frames import _flows, _frame
from tests.lab.worker import Worker

PORT = 4789
SOURCE = b"\xfe\0\0\0\0\x66"
MORE = 1  # in IPv6's fragment header; IPv4 has it elsewhere
IPV4_MORE = 0x2000
PAUSE = 0.0001  # seconds: the daemon works beside
IDS = itertools.cycle(range(1, 0x10000))  # of 16 bits, where IPv4 has them
EVERYBODY = "255.255.255.255"
VXLAN = b"\x08\0\0\0"  # the I flag: there is a VNI
NO_OPERATIONS = b"\1" * 8  # options of IPv4's header that say nothing
UDP_SEGMENT = 103  # include/uapi/linux/udp.h
# Headers that may stand before UDP's over IPv6, by the number of the first (RFC 8200, section 4).
# Those of options are ones that who doesn't know them passes over; the first of the two has 16
# bytes, so that a fragment of 8 ends within it.
UDP_AFTER = bytes((socket.IPPROTO_UDP, 0))
CHAINS = {
    "options": (
        socket.IPPROTO_DSTOPTS,
        bytes((socket.IPPROTO_DSTOPTS, 1, 0x1E, 12, *bytes(12))) + UDP_AFTER + b"\x1e\4" + bytes(4),
    ),
    "hop by hop": (socket.IPPROTO_HOPOPTS, UDP_AFTER + b"\x1e\4" + bytes(4)),
    "routing": (socket.IPPROTO_ROUTING, UDP_AFTER + bytes(6)),  # and nowhere left to go
    "atomic fragment": (socket.IPPROTO_FRAGMENT, UDP_AFTER + bytes(6)),  # the only piece
}


@dataclass(frozen=True)
class Packet:
    """One with a frame of a flow of its own inside. ``pieces`` are bytes of its IP payload."""

    source: str
    target: str
    vni: int
    pieces: int = 0  # 0: whole
    size: int = 60
    port: int = PORT
    behind: str = ""  # stands before the UDP header: one of CHAINS by IPv6, by IPv4 just options
    flags: bytes = VXLAN  # of the VXLAN header: all that stands before the VNI
    checksum: int | None = None  # of UDP; None: the right one
    protocol: int = socket.IPPROTO_UDP

    def sent(self) -> int:
        """Send it from this thread's namespace; returns the flow's number."""
        flow: int = next(_flows)
        with self.opened() as raw:
            for packet in self.made(flow):
                raw.sendto(packet, (self.target, 0))
        return flow

    def opened(self) -> socket.socket:
        """What such packets can be sent by, of this thread's namespace."""
        family = socket.AF_INET if ip_address(self.source).version == 4 else socket.AF_INET6
        raw = socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_RAW)
        if self.target == EVERYBODY or ip_address(self.target).is_multicast:  # without a route
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"eth0")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        return raw

    def made(self, flow: int) -> list[bytes]:
        """The packet, or its fragments."""
        return [*self._parted(self._before[1] + self._udp(self.datagram(flow)))]

    def datagram(self, flow: int) -> bytes:
        """What UDP carries."""
        frame = _frame(BROADCAST, SOURCE, flow, 0).ljust(self.size, b"\0")
        return self.flags + self.vni.to_bytes(3, "big") + b"\0" + frame

    @property
    def _before(self) -> tuple[int, bytes]:
        """The number of what an IPv6 header has next, and what that is."""
        none = (self.protocol, b"")
        return CHAINS.get(self.behind, none) if ":" in self.source else none

    def _parted(self, payload: bytes) -> Iterator[bytes]:
        size = self.pieces or len(payload)
        number = next(IDS)
        for start in range(0, len(payload), size):
            last = start + size >= len(payload)
            piece = payload[start : start + size]
            whole = size >= len(payload)
            yield self._ip(piece, 0 if whole else start, last=last, number=number)

    def _udp(self, payload: bytes) -> bytes:
        length = 8 + len(payload)
        header = struct.pack("!HHHH", 50000, self.port, length, 0)
        ends = ip_address(self.source).packed + ip_address(self.target).packed
        kind = struct.pack("!II", length, socket.IPPROTO_UDP)
        right = _checksum(ends + kind + header + payload) or 0xFFFF
        checksum = right if self.checksum is None else self.checksum
        return header[:6] + struct.pack("!H", checksum) + payload

    def _ip(self, piece: bytes, offset: int, *, last: bool, number: int) -> bytes:
        source, target = ip_address(self.source), ip_address(self.target)
        if isinstance(source, IPv4Address):
            place = offset // 8 | (0 if last else IPV4_MORE)
            options = NO_OPERATIONS if self.behind else b""
            start, length = 0x45 + len(options) // 4, 20 + len(options) + len(piece)
            head = struct.pack("!BBHHHBB", start, 0, length, number, place, 64, self.protocol)
            return head + b"\0\0" + source.packed + target.packed + options + piece
        inside = self._before[0]
        if not (last and offset == 0):
            place = offset | (0 if last else MORE)
            piece = struct.pack("!BBHI", inside, 0, place, number) + piece
        kind = inside if last and offset == 0 else socket.IPPROTO_FRAGMENT
        head = struct.pack("!IHBB", 6 << 28, len(piece), kind, 64)
        return head + source.packed + target.packed + piece


def joined(*packets: Packet) -> int:
    """Send them as one, to be cut by the receiver; from this thread's address. Returns the flow."""
    flow: int = next(_flows)
    family = socket.AF_INET6 if ":" in packets[0].target else socket.AF_INET
    pieces = [packet.datagram(flow) for packet in packets]
    with socket.socket(family, socket.SOCK_DGRAM) as sender:
        sender.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, len(pieces[0]))
        sender.sendto(b"".join(pieces), (packets[0].target, packets[0].port))
    return flow


class Fire(Worker):
    """Packets one after another, all of one flow."""

    def __init__(self, sender: Namespace, *packets: Packet) -> None:
        self.flow: int = next(_flows)
        self.sent = 0
        self._target = packets[0].target
        self._volley = [piece for packet in packets for piece in packet.made(self.flow)]
        with sender.entered():
            self._socket = packets[0].opened()
        super().__init__()

    def _work(self) -> None:
        while not self.ended.wait(PAUSE):
            with contextlib.suppress(OSError):  # the machine is behind: it wasn't sent
                for packet in self._volley:
                    self._socket.sendto(packet, (self._target, 0))
                self.sent += len(self._volley)

    def _close(self) -> None:
        self._socket.close()


def _checksum(data: bytes) -> int:
    words: tuple[int, ...] = struct.unpack(
        f"!{(len(data) + 1) // 2}H", data.ljust(len(data) + 1 & ~1, b"\0")
    )
    total = sum(words)
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return 0xFFFF - total
