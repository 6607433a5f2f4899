"""Frames and ICMP of the doctor's: what it sends is right, and whatever comes is taken."""

import struct
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vxland.probe import filters, frames
from vxland.probe.frames import From, Kind, To
from vxland.probe.icmp import DAY, ECHO, FAMILIES, IPV4, IPV6, Family, read_reply, timestamp

OURS = From(bytes.fromhex("020000000001"), 0xABCD1234)
THEIRS = To(bytes.fromhex("0a0000000002"), frames.link_local(bytes.fromhex("0a0000000002")))
START = frames.ETHERNET.size + frames.IPV6.size


def sum_of(frame: bytes, protocol: int) -> int:
    """0 where the checksum of an IPv6 packet is right."""
    ends, body = frame[22:54], frame[START:]
    return frames.checksum(ends + struct.pack("!II", len(body), protocol) + body)


def test_an_address_is_made_of_a_mac_address() -> None:
    """As the kernel does."""
    assert str(frames.link_local(bytes.fromhex("a2fbce238f5d"))) == "fe80::a0fb:ceff:fe23:8f5d"


@pytest.mark.parametrize("size", [64, 65, 1450])
def test_sizes_and_checksums(size: int) -> None:
    """Of whole packets, odd ones too."""
    for frame, protocol in (
        (frames.echo(OURS, THEIRS, 7, size), frames.ICMPV6),
        (frames.segment(OURS, THEIRS, 7, size), frames.TCP_NUMBER),
    ):
        assert len(frame) == frames.ETHERNET.size + size
        assert sum_of(frame, protocol) == 0
    assert sum_of(frames.solicitation(OURS, THEIRS), frames.ICMPV6) == 0


def test_what_is_left_to_the_card() -> None:
    """A checksum that is begun, over the pseudo header; a size to cut to where it is too long."""
    whole = frames.unfinished(OURS, THEIRS, 7, 64, 64)
    flags, kind, header, part, start, offset = frames.OFFLOAD.unpack_from(whole)
    assert (flags, kind, header, part) == (frames.NEEDS_CSUM, 0, START + 20, 0)
    frame = bytearray(whole[frames.OFFLOAD.size :])
    finished = frames.checksum(bytes(frame[start:]))
    struct.pack_into("!H", frame, start + offset, finished)
    assert bytes(frame) == frames.segment(OURS, THEIRS, 7, 64)
    long = frames.unfinished(OURS, THEIRS, 7, 1450, 5000)
    assert frames.OFFLOAD.unpack_from(long)[1:4] == (frames.GSO_TCPV6, START + 20, 1390)


def test_answers_are_known() -> None:
    """Of this run, by their number."""
    reply = bytearray(frames.echo(OURS, THEIRS, 7))
    assert frames.read_answer(bytes(reply), OURS.run) is None  # a question
    reply[START] = frames.ECHO_REPLY
    answer = frames.read_answer(bytes(reply), OURS.run)
    assert answer is not None
    assert (answer.kind, answer.number, answer.mac) == (Kind.ECHO, 7, OURS.mac)
    assert frames.read_answer(bytes(reply), OURS.run + 1) is None
    big = frames._finished(
        OURS, THEIRS, frames.ICMPV6, struct.pack("!BBHI", 2, 0, 0, 1350) + bytes(reply[14:]), 2
    )
    assert frames.read_answer(big, OURS.run) is None  # about somebody else's
    reply[START] = frames.ECHO_REQUEST
    big = big[: START + 8] + bytes(reply[14:])
    answer = frames.read_answer(big, OURS.run)
    assert answer is not None
    assert (answer.kind, answer.number, answer.fits) == (Kind.TOO_BIG, 7, 1350)
    reset = frames.TCP.pack(frames.TO, OURS.tcp_port, 7, 0, 0x50, frames.RST, 0, 0, 0)
    answer = frames.read_answer(frames._packet(OURS, THEIRS, frames.TCP_NUMBER, reset), OURS.run)
    assert answer is not None
    assert (answer.kind, answer.number) == (Kind.RESET, 7)
    arp = bytearray(frames.arp_probe(OURS, IPv4Address("192.0.2.2")))
    assert frames.read_answer(bytes(arp), OURS.run) is None
    arp[frames.ETHERNET.size + 7] = frames.ARP_REPLY
    arp[frames.ETHERNET.size + 14 :][:4] = b""
    assert frames.read_answer(bytes(arp), OURS.run) is not None


@given(st.binary(max_size=200), st.sampled_from([b"\x08\x06", b"\x86\xdd", b"\x08\x00"]))
def test_any_frame_is_taken(body: bytes, kind: bytes) -> None:
    """Others can send what they like."""
    frames.read_answer(bytes(12) + kind + body, OURS.run)
    frames.read_answer(body, OURS.run)


@given(st.binary(min_size=1, max_size=200), st.sampled_from(list(FAMILIES.values())))
def test_any_packet_is_taken(packet: bytes, family: Family) -> None:
    """The same of ICMP, where the kernel gives at least a byte."""
    read_reply(packet, "fe80::1%eth0" if family is IPV6 else "192.0.2.1", family)


def ip(protocol: int, body: bytes) -> bytes:
    """An IPv4 packet."""
    return bytes((0x45, *bytes(8), protocol, *bytes(10))) + body


def test_icmp_errors_name_what_they_are_about() -> None:
    """By id and sequence number; those about other packets are others' business."""
    ours = ECHO.pack(8, 0, 0, 5, 6)
    narrow = struct.pack("!BBHHH", 3, 4, 0, 0, 1400)
    reply = read_reply(ip(1, narrow + ip(1, ours)), "198.51.100.1", IPV4)
    assert reply is not None
    assert (reply.id, reply.sequence, reply.narrow, reply.told) == (5, 6, 1400, None)
    for code, word, closed, filtered in (
        (1, "host unreachable", False, False),
        (3, "port unreachable", True, False),
        (13, "administratively prohibited", False, True),
    ):
        reply = read_reply(
            ip(1, struct.pack("!BBHI", 3, code, 0, 0) + ip(1, ours)), "198.51.100.1", IPV4
        )
        assert reply is not None
        assert reply.told is not None
        told = reply.told
        assert (told.what, told.closed, told.filtered) == (word, closed, filtered)
    assert read_reply(ip(1, narrow + ip(17, ours)), "198.51.100.1", IPV4) is None
    six = struct.pack("!6xB33x", 58) + ECHO.pack(128, 0, 0, 5, 6)
    reply = read_reply(struct.pack("!BBHI", 2, 0, 0, 1400) + six, "2001:db8::1", IPV6)
    assert reply is not None
    assert (reply.narrow, reply.sender) == (1400, IPv6Address("2001:db8::1"))


def test_clocks_are_compared_around_midnight() -> None:
    """A time that isn't since midnight says nothing."""
    sent = struct.unpack("!8xI8x", timestamp(5, 6))[0]
    for ahead in (0, 5000, -5000, DAY // 3):
        there = (sent + ahead) % DAY
        answer = ECHO.pack(14, 0, 0, 5, 6) + struct.pack("!3I", sent, there, there)
        reply = read_reply(ip(1, answer), "192.0.2.2", IPV4)
        assert reply is not None
        assert reply.ahead == pytest.approx(ahead / 1000, abs=0.6)
    odd = ECHO.pack(14, 0, 0, 5, 6) + struct.pack("!3I", sent, 1 << 31, 1 << 31)
    reply = read_reply(ip(1, odd), "192.0.2.2", IPV4)
    assert reply is not None
    assert reply.ahead is None


@pytest.mark.parametrize("count", [0, 1, 1000, 5000])
def test_filters_fit_the_kernel(count: int) -> None:
    """However many VNIs there are; jumps are forward, and short enough."""
    steps = filters.wire({4789, 4790}, range(count))
    assert len(steps) <= filters.MOST
    program = filters.assembled(steps)
    assert len(program) == len(steps) * filters.INSTRUCTION.size
