"""Netlink attributes as nftables has them: numbers are in network byte order."""

import struct

from vxland.kernel.wire import ATTRIBUTE

NESTED = 0x8000  # NLA_F_NESTED


def attribute(kind: int, payload: bytes) -> bytes:
    """A netlink attribute."""
    return ATTRIBUTE.pack(ATTRIBUTE.size + len(payload), kind) + payload + bytes(-len(payload) % 4)


def nested(kind: int, *parts: bytes) -> bytes:
    """An attribute made of attributes."""
    return attribute(kind | NESTED, b"".join(parts))


def number(kind: int, value: int) -> bytes:
    """An attribute that is a number, in the order of bytes that nftables has."""
    return attribute(kind, struct.pack(">I", value & 0xFFFFFFFF))


def text(kind: int, value: str) -> bytes:
    """An attribute that is a name."""
    return attribute(kind, value.encode() + b"\0")


def read_number(payload: bytes) -> int:
    """The number in an attribute."""
    return int.from_bytes(payload, "big")


def read_text(payload: bytes) -> str:
    """The name in an attribute."""
    return payload.rstrip(b"\0").decode(errors="replace")
