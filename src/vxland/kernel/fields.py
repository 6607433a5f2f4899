"""Fields of a packet that rules and sets go by, as nft names them.

A key is made of fields, each filled up to a multiple of 4 bytes, as the registers are that they
are loaded into. What nft keeps with a set to show it are numbers of its own (libnftnl, udata.h).
"""

import struct
from collections.abc import Mapping, Sequence
from typing import NamedTuple

NETWORK, TRANSPORT = 1, 2  # NFT_PAYLOAD_…_HEADER
IPV4, IPV6 = b"\x02", b"\x0a"  # NFPROTO_…
AND = " . "

# nft's data types, kinds of expressions, and protocols.
ADDRESS4, ADDRESS6, INTEGER, SERVICE = 7, 8, 4, 13
PAYLOAD, CONCATENATION = 7, 13
HEADER4, HEADER6, UDP_HEADER = 12, 13, 6
BIG_ENDIAN = 2


class Field(NamedTuple):
    """Where a field stands, and what nft calls it. ``family`` is the one that it is of."""

    base: int
    offset: int
    length: int
    kind: int
    note: bytes
    family: bytes = b""
    udp: bool = False

    @property
    def width(self) -> int:
        """The bytes that it takes in a key of several."""
        return -(-self.length // 4) * 4


def fields(key: str) -> "Sequence[Field]":
    """The fields that a key is made of."""
    return [FIELDS[name] for name in key.split(AND)]


def length(key: Sequence[Field]) -> int:
    """The bytes of a key: one of a single field isn't filled up."""
    return key[0].length if len(key) == 1 else sum(field.width for field in key)


def kind(key: Sequence[Field]) -> int:
    """A key's data type: those of its fields, 6 bits each."""
    whole = 0
    for field in key:
        whole = whole << 6 | field.kind
    return whole


def user_data(key: Sequence[Field]) -> bytes:
    """How nft says ``typeof`` and the key."""
    if len(key) == 1:
        return _note(0, _word(BIG_ENDIAN)) + _note(3, key[0].note)
    parts = b"".join(_note(number, field.note) for number, field in enumerate(key))
    of = _note(0, _word(CONCATENATION)) + _note(1, parts)
    return _note(0, _word(0)) + _note(3, of)


def _of_header(protocol: int, field: int) -> bytes:
    return _payload(_note(0, _word(protocol)) + _note(1, _word(field)))


def _raw(base: int, offset: int, length: int) -> bytes:
    """Bits that nft has no name for."""
    words = (0, 0, base, offset, length)
    return _payload(b"".join(_note(number, _word(word)) for number, word in enumerate(words)))


def _payload(of: bytes) -> bytes:
    return _note(0, _word(PAYLOAD)) + _note(1, of)


def _note(kind: int, value: bytes) -> bytes:
    return bytes((kind, len(value))) + value


def _word(value: int) -> bytes:
    return struct.pack("=I", value)


FIELDS: Mapping[str, Field] = {
    "ip saddr": Field(NETWORK, 12, 4, ADDRESS4, _of_header(HEADER4, 11), IPV4),
    "ip daddr": Field(NETWORK, 16, 4, ADDRESS4, _of_header(HEADER4, 12), IPV4),
    "ip6 saddr": Field(NETWORK, 8, 16, ADDRESS6, _of_header(HEADER6, 8), IPV6),
    "ip6 daddr": Field(NETWORK, 24, 16, ADDRESS6, _of_header(HEADER6, 9), IPV6),
    # The VNI stands 12 bytes after the beginning of the UDP header (RFC 7348, section 5).
    "@th,96,24": Field(TRANSPORT, 12, 3, INTEGER, _raw(3, 96, 24)),
    "udp dport": Field(TRANSPORT, 2, 2, SERVICE, _of_header(UDP_HEADER, 2), udp=True),
}
