"""Whether a link's message says what it said before: counters and timers change by themselves.

RTEXT_FILTER_SKIP_STATS leaves out IPv6's statistics alone (net/ipv6/addrconf.c): the device's own
counters are in every message, and so are a bridge's timers (IFLA_BR_HELLO_TIMER to _GC_TIMER), and
IPv6's times: each device's reachable time is another one every 300 s, by chance (RFC 4861, section
6.3.2; net/core/neighbour.c, neigh_periodic_work).
"""

from collections.abc import Iterator
from functools import lru_cache

from msgspec import Struct

from vxland.kernel.wire import ATTRIBUTE

STATS, LINKINFO, STATS64, AF_SPEC = 7, 18, 23, 26  # IFLA_…, include/uapi/linux/if_link.h
INFO_KIND, INFO_DATA = 1, 2
TIMERS = frozenset({16, 17, 18, 19})  # IFLA_BR_…_TIMER
AF_INET6, INET6_CACHEINFO = 10, 5


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
    parts = _between(*_gaps(body, offset))
    return Sameness(parts, b"".join([body[part] for part in parts]))


@lru_cache
def _between(*gaps: tuple[int, int]) -> tuple[slice, ...]:
    """What there is around these, once for all messages that have them at the same places."""
    parts, begin = [], 0
    for start, end in gaps:
        parts.append(slice(begin, start))
        begin = end
    return *parts, slice(begin, None)


def _gaps(body: bytes, offset: int) -> Iterator[tuple[int, int]]:
    for kind, start, end in _places(body, offset, len(body)):
        if kind in (STATS, STATS64):
            yield start, end
        elif kind == LINKINFO:
            yield from _timers(body, start, end)
        elif kind == AF_SPEC:
            yield from _times(body, start, end)


def _timers(body: bytes, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Those in what is told of a kind of device."""
    info = {kind: (start, end) for kind, start, end in _places(body, start, end)}
    if INFO_DATA in info and body[slice(*info[INFO_KIND])].startswith(b"bridge"):
        data = _places(body, *info[INFO_DATA])
        yield from ((start, end) for kind, start, end in data if kind in TIMERS)


def _times(body: bytes, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Those of IPv6 in what each family of addresses tells."""
    families = {family: (start, end) for family, start, end in _places(body, start, end)}
    if AF_INET6 in families:
        data = _places(body, *families[AF_INET6])
        yield from ((start, end) for kind, start, end in data if kind == INET6_CACHEINFO)


def _places(body: bytes, offset: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Type, and where the payload is, of each attribute."""
    while offset + ATTRIBUTE.size <= end:
        length, kind = ATTRIBUTE.unpack_from(body, offset)
        if length < ATTRIBUTE.size:
            return
        yield kind & 0x3FFF, offset + ATTRIBUTE.size, offset + length
        offset += (length + 3) & ~3
