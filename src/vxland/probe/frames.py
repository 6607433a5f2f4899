"""Frames that a host answers without anybody's doing, and their answers, as bytes.

ARP probes (RFC 5227), neighbour solicitations (RFC 4861), echo requests (RFC 4443), and TCP
segments out of nowhere, which are answered by a reset (RFC 9293, 3.5.2). What is sent carries a
number of ours, which comes back.
"""

import struct
from enum import Enum, auto
from ipaddress import IPv4Address, IPv6Address

from msgspec import Struct

ETHERNET = struct.Struct("!6s6sH")
ARP = struct.Struct("!HHBBH6s4s6s4s")
IPV6 = struct.Struct("!IHBB16s16s")
ECHO = struct.Struct("!BBHHHII")  # type, code, checksum, id, sequence, and in the data run, number
ERROR = struct.Struct("!4xI")  # before what it is about: the MTU
TCP = struct.Struct("!HHIIBBHHH")
PSEUDO = struct.Struct("!16s16sII")  # RFC 8200, 8.1

ETH_P_ARP, ETH_P_IPV6 = 0x0806, 0x86DD
ARP_REQUEST, ARP_REPLY = 1, 2
TCP_NUMBER, ICMPV6 = 6, 58
SOLICITATION, ECHO_REQUEST, ECHO_REPLY, TOO_BIG = 135, 128, 129, 2
SOURCE_ADDRESS = 1  # option: the link-layer address of who asks
ACK, RST = 0x10, 0x04
HOPS = 255  # which a solicitation must have arrived with
BROADCAST = b"\xff" * 6
ALL_NODES, ALL_NODES_MAC = IPv6Address("ff02::1"), bytes.fromhex("333300000001")
SMALL = 64  # bytes of an IPv6 packet, header and all
TO = 9  # the port discard: where it isn't closed, nothing is answered, and nothing is done

# virtio_net_hdr (include/uapi/linux/virtio_net.h), in the machine's own byte order.
OFFLOAD = struct.Struct("=BBHHHH")  # flags, kind, header, segment, checksum's start and offset
NEEDS_CSUM, GSO_TCPV6 = 1, 4
CHECKSUM_OFFSET = 16  # of the checksum in a TCP header


class From(Struct, frozen=True):
    """The sender of frames: a MAC address, and the number of its run of probes."""

    mac: bytes
    run: int  # 32 bits

    @property
    def address(self) -> IPv6Address:
        """The address that goes with the MAC address, whether it is there or not."""
        return link_local(self.mac)

    @property
    def tcp_port(self) -> int:
        """Above those that anything listens at."""
        return 0x8000 | self.run & 0x7FFF


class To(Struct, frozen=True):
    """Whom they are for."""

    mac: bytes
    address: IPv6Address


class Kind(Enum):
    """What an answer is."""

    ARP = auto()
    ECHO = auto()
    RESET = auto()
    TOO_BIG = auto()


class Answer(Struct, frozen=True):
    """What came back."""

    kind: Kind
    mac: bytes
    address: IPv4Address | IPv6Address
    number: int = 0  # but for ARP: which probe it answers
    fits: int = 0  # bytes, where that one was too big


def link_local(mac: bytes) -> IPv6Address:
    """The address that the kernel makes of a MAC address (addrgenmode eui64; RFC 4291, A)."""
    return IPv6Address(
        bytes.fromhex("fe80000000000000")
        + bytes((mac[0] ^ 0x02, mac[1], mac[2], 0xFF, 0xFE, mac[3], mac[4], mac[5]))
    )


def arp_probe(
    sender: From, wanted: IPv4Address, to: bytes = BROADCAST, size: int = ARP.size
) -> bytes:
    """Ask whose this address is. Nobody learns anything by it, since nobody asks (0.0.0.0).

    Up to ``size`` bytes it is filled up, which nobody minds: all short frames are.
    """
    body = ARP.pack(1, 0x0800, 6, 4, ARP_REQUEST, sender.mac, bytes(4), bytes(6), wanted.packed)
    return ETHERNET.pack(to, sender.mac, ETH_P_ARP) + body.ljust(size, b"\0")


def solicitation(sender: From, to: To) -> bytes:
    """Tell a host our addresses, by asking for its own: then it can answer."""
    body = struct.pack("!BBHI", SOLICITATION, 0, 0, 0) + to.address.packed
    return _finished(sender, to, ICMPV6, body + bytes((SOURCE_ADDRESS, 1)) + sender.mac, 2)


def echo(sender: From, to: To, number: int, size: int = SMALL) -> bytes:
    """An echo request in an IPv6 packet of this size, in bytes."""
    head = ECHO.pack(ECHO_REQUEST, 0, 0, sender.run & 0xFFFF, number & 0xFFFF, sender.run, number)
    return _finished(sender, to, ICMPV6, head.ljust(size - IPV6.size, b"v"), 2)


def segment(sender: From, to: To, number: int, size: int) -> bytes:
    """A TCP segment in an IPv6 packet of this size, with its checksum."""
    return _finished(sender, to, TCP_NUMBER, _tcp(sender, number, size), CHECKSUM_OFFSET)


def unfinished(sender: From, to: To, number: int, size: int, whole: int) -> bytes:
    """The same with its checksum, and the cut into packets of ``size``, left to the network card.

    Behind the header that a packet socket takes with PACKET_VNET_HDR.
    """
    body = bytearray(_tcp(sender, number, whole))
    begun = checksum(_pseudo(sender, to, TCP_NUMBER, len(body))) ^ 0xFFFF
    struct.pack_into("!H", body, CHECKSUM_OFFSET, begun)
    start, cut = ETHERNET.size + IPV6.size, whole > size
    kind, part = (GSO_TCPV6, size - IPV6.size - TCP.size) if cut else (0, 0)
    header = OFFLOAD.pack(NEEDS_CSUM, kind, start + TCP.size, part, start, CHECKSUM_OFFSET)
    return header + _packet(sender, to, TCP_NUMBER, bytes(body))


def _tcp(sender: From, number: int, size: int) -> bytes:
    """The reset that answers has the number for its sequence number."""
    head = TCP.pack(sender.tcp_port, TO, 1, number, TCP.size << 2, ACK, 0, 0, 0)
    return head.ljust(size - IPV6.size, b"v")


def _finished(sender: From, to: To, protocol: int, body: bytes, offset: int) -> bytes:
    """A frame, with the checksum put where it belongs."""
    whole = bytearray(body)
    told = checksum(_pseudo(sender, to, protocol, len(body)) + body)
    struct.pack_into("!H", whole, offset, told)
    return _packet(sender, to, protocol, bytes(whole))


def _packet(sender: From, to: To, protocol: int, body: bytes) -> bytes:
    ends = sender.address.packed, to.address.packed
    head = IPV6.pack(6 << 28, len(body), protocol, HOPS, *ends)
    return ETHERNET.pack(to.mac, sender.mac, ETH_P_IPV6) + head + body


def _pseudo(sender: From, to: To, protocol: int, length: int) -> bytes:
    return PSEUDO.pack(sender.address.packed, to.address.packed, length, protocol)


def checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071)."""
    data += bytes(len(data) % 2)
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


def read_answer(frame: bytes, run: int) -> Answer | None:
    """What a frame answers; None where it answers nothing of this run."""
    try:
        _, source, kind = ETHERNET.unpack_from(frame)
        if kind == ETH_P_ARP:
            *_, operation, mac, address, _, _ = ARP.unpack_from(frame, ETHERNET.size)
            reply = operation == ARP_REPLY
            return Answer(Kind.ARP, mac, IPv4Address(address)) if reply else None
        if kind == ETH_P_IPV6:
            return _read_packet(frame, source, run)
    except struct.error:  # it is shorter than it says
        pass
    return None


def _read_packet(frame: bytes, source: bytes, run: int) -> Answer | None:
    _, _, protocol, _, sender, _ = IPV6.unpack_from(frame, ETHERNET.size)
    body, address = ETHERNET.size + IPV6.size, IPv6Address(sender)
    if protocol == ICMPV6:
        what, *_, its_run, number = ECHO.unpack_from(frame, body)
        if (what, its_run) == (ECHO_REPLY, run):
            return Answer(Kind.ECHO, source, address, number)
        quoted = body + ERROR.size + IPV6.size
        if what == TOO_BIG:
            (fits,) = ERROR.unpack_from(frame, body)
            what, *_, its_run, number = ECHO.unpack_from(frame, quoted)
            if (what, its_run) == (ECHO_REQUEST, run):
                return Answer(Kind.TOO_BIG, source, address, number, fits)
    elif protocol == TCP_NUMBER:
        port, back, number, _, _, flags, *_ = TCP.unpack_from(frame, body)
        if flags & RST and (port, back) == (TO, From(source, run).tcp_port):
            return Answer(Kind.RESET, source, address, number)
    return None
