"""ICMP of both families, as bytes: echo, timestamps, and what is said of packets of ours.

RFC 792 and RFC 1191 for IPv4, RFC 4443 for IPv6. Numbers of options are those of
include/uapi/linux/in.h and in6.h.
"""

import socket
import struct
import time
from ipaddress import ip_address

from msgspec import Struct

from vxland.addresses import IPAddress
from vxland.diagnosis.facts import Told
from vxland.probe.frames import checksum

ECHO = struct.Struct("!BBHHH")  # type, code, checksum, id, sequence
TIMESTAMP = struct.Struct("!8x3I")  # when it was sent, received, answered
NEXT_MTU = {4: struct.Struct("!6xH"), 6: struct.Struct("!4xI")}
TIMESTAMP_REQUEST, TIMESTAMP_REPLY = 13, 14
DAY = 86_400_000  # milliseconds
NOT_STANDARD = 1 << 31  # the bit of a time that isn't one since midnight UTC

PROHIBITED = "administratively prohibited"
UNREACHABLE = {4: 3, 6: 1}  # the type whose codes these are
CLOSED = {(4, 3), (6, 4)}  # family and code
FILTERED = {(4, 9), (4, 10), (4, 13), (6, 1), (6, 5), (6, 6)}
WORDS = {
    (4, 0): "network unreachable",
    (4, 1): "host unreachable",
    (4, 2): "protocol unreachable",
    (6, 0): "no route",
    (6, 3): "address unreachable",
    **dict.fromkeys(CLOSED, "port unreachable"),
    **dict.fromkeys(FILTERED, PROHIBITED),
}


class Family(Struct, frozen=True):
    """What differs between the two."""

    version: int
    family: int
    protocol: int
    level: int
    discover: int  # IP_MTU_DISCOVER, IPV6_MTU_DISCOVER
    errors: int  # IP_RECVERR, IPV6_RECVERR
    info: int  # IP_PKTINFO, IPV6_PKTINFO
    request: int
    reply: int
    header: int  # bytes of an IP header
    too_big: tuple[int, int]  # type and code

    def source(self, local: IPAddress) -> bytes:
        """What has a packet sent from this address (struct in_pktinfo, in6_pktinfo)."""
        if self.version == IPV4.version:
            return struct.pack("=i4s4s", 0, local.packed, bytes(4))
        return struct.pack("=16si", local.packed, 0)

    def finished(self, body: bytes) -> bytes:
        """With its checksum, which the kernel puts into ICMPv6 alone."""
        if self.version == IPV6.version:
            return body
        return body[:2] + struct.pack("!H", checksum(body)) + body[4:]


IPV4 = Family(4, socket.AF_INET, 1, socket.SOL_IP, 10, 11, 8, 8, 0, 20, (3, 4))
IPV6 = Family(6, socket.AF_INET6, 58, socket.IPPROTO_IPV6, 23, 25, 50, 128, 129, 40, (2, 0))
FAMILIES = {4: IPV4, 6: IPV6}


class Reply(Struct, frozen=True):
    """What came back to an echo or timestamp request."""

    id: int
    sequence: int
    sender: IPAddress
    narrow: int = 0  # bytes: larger packets don't fit
    told: Told | None = None
    ahead: float | None = None  # seconds that the sender's clock is ahead


def timestamp(id_: int, sequence: int) -> bytes:
    """A timestamp request (RFC 792), without its checksum."""
    return ECHO.pack(TIMESTAMP_REQUEST, 0, 0, id_, sequence) + struct.pack("!3I", _now(), 0, 0)


def word(family: Family, kind: int, code: int, by: IPAddress) -> Told | None:
    """What an error says; None where that is nothing to us."""
    key = family.version, code
    if kind != UNREACHABLE[family.version] or key not in WORDS:
        return None
    return Told(by, WORDS[key], closed=key in CLOSED, filtered=key in FILTERED)


def read_reply(packet: bytes, sender: str, family: Family) -> Reply | None:
    """What a packet of a raw socket's says; None where it isn't about requests of anybody's."""
    by = ip_address(sender.partition("%")[0])
    start = (packet[0] & 0x0F) * 4 if family.version == IPV4.version else 0
    try:
        kind, code, _, id_, sequence = ECHO.unpack_from(packet, start)
        if kind == family.reply:
            return Reply(id_, sequence, by)
        if (family.version, kind) == (IPV4.version, TIMESTAMP_REPLY):
            return Reply(id_, sequence, by, ahead=_ahead(*TIMESTAMP.unpack_from(packet, start)))
        return _read_error(packet, start, (kind, code), by, family)
    except struct.error:  # it is shorter than it says
        return None


def _read_error(
    packet: bytes, start: int, what: tuple[int, int], by: IPAddress, family: Family
) -> Reply | None:
    told = word(family, *what, by)
    if told is None and what != family.too_big:
        return None
    quoted = start + ECHO.size
    old = family.version == IPV4.version
    length = (packet[quoted] & 0x0F) * 4 if old else family.header
    if packet[quoted + (9 if old else 6)] != family.protocol:
        return None
    kind, _, _, id_, sequence = ECHO.unpack_from(packet, quoted + length)
    if kind != family.request:
        return None
    (narrow,) = NEXT_MTU[family.version].unpack_from(packet, start)
    return Reply(id_, sequence, by, narrow if told is None else 0, told)


def _now() -> int:
    return int(time.time() * 1000) % DAY


def _ahead(sent: int, received: int, answered: int) -> float | None:
    """From three times and now, as NTP has it (RFC 5905, 8)."""
    if (received | answered) & NOT_STANDARD:
        return None
    double = _nearest(received - sent) + _nearest(answered - _now())
    return double / 2000


def _nearest(milliseconds: int) -> int:
    """A difference of times of the day, around midnight, too."""
    return (milliseconds + DAY // 2) % DAY - DAY // 2
