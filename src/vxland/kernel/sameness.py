"""Whether a link's message says what it said before: counters and timers change by themselves.

RTEXT_FILTER_SKIP_STATS leaves out IPv6's statistics alone (net/ipv6/addrconf.c): the device's own
counters are in every message, and so are a bridge's timers (IFLA_BR_HELLO_TIMER to _GC_TIMER).
"""

from collections.abc import Iterator

from msgspec import Struct

from vxland.kernel.wire import ATTRIBUTE

STATS, LINKINFO, STATS64 = 7, 18, 23  # IFLA_…, include/uapi/linux/if_link.h
INFO_KIND, INFO_DATA = 1, 2
TIMERS = frozenset({16, 17, 18, 19})  # IFLA_BR_…_TIMER


class Sameness(Struct, frozen=True):
    """What of a message counts: all but the payloads of what changes by itself."""

    parts: tuple[slice, ...]
    kept: bytes

    def of(self, body: bytes) -> bool:
        """Whether another message differs in nothing that counts.

        The attributes' headers count, so that nothing else can stand in a gap.
        """
        return b"".join([body[part] for part in self.parts]) == self.kept


def sameness(body: bytes, offset: int) -> Sameness:
    """What counts in a message whose attributes begin at this offset."""
    parts, begin = [], 0
    for start, end in _gaps(body, offset):
        parts.append(slice(begin, start))
        begin = end
    parts.append(slice(begin, None))
    return Sameness(tuple(parts), b"".join(body[part] for part in parts))


def _gaps(body: bytes, offset: int) -> Iterator[tuple[int, int]]:
    for kind, start, end in _places(body, offset, len(body)):
        if kind in (STATS, STATS64):
            yield start, end
        elif kind == LINKINFO:
            info = {kind: (start, end) for kind, start, end in _places(body, start, end)}
            if INFO_DATA in info and body[slice(*info[INFO_KIND])].startswith(b"bridge"):
                data = _places(body, *info[INFO_DATA])
                yield from ((start, end) for kind, start, end in data if kind in TIMERS)


def _places(body: bytes, offset: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Type, and where the payload is, of each attribute."""
    while offset + ATTRIBUTE.size <= end:
        length, kind = ATTRIBUTE.unpack_from(body, offset)
        if length < ATTRIBUTE.size:
            return
        yield kind & 0x3FFF, offset + ATTRIBUTE.size, offset + length
        offset += (length + 3) & ~3
