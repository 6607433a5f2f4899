"""Counters and timers may change, and nothing else may."""

import pytest

from vxland.kernel.attributes import attribute, nested, text
from vxland.kernel.sameness import sameness
from vxland.kernel.wire import by_kind

HEAD = bytes(16)
IFNAME, MTU, STATS, LINKINFO, STATS64, GC_TIMER = 3, 4, 7, 18, 23, 19
AF_SPEC, AF_INET, AF_INET6, CACHEINFO, ADDR_GEN_MODE = 26, 2, 10, 5, 8


def message(kind: str) -> bytes:
    """A link of this kind, whose gaps are all 0xaa."""
    data = nested(2, attribute(GC_TIMER, b"\xaa" * 8), attribute(1, b"\x05" * 4))
    inet6 = nested(AF_INET6, attribute(CACHEINFO, b"\xaa" * 16), attribute(ADDR_GEN_MODE, b"\x01"))
    return HEAD + b"".join(
        (
            text(IFNAME, "abc"),
            attribute(STATS64, b"\xaa" * 16),
            attribute(STATS, b"\xaa" * 12),
            nested(LINKINFO, text(1, kind), data),
            attribute(MTU, b"\x05" * 4),
            nested(AF_SPEC, nested(AF_INET, attribute(CACHEINFO, b"\x05" * 4)), inet6),
        )
    )


@pytest.mark.parametrize(("kind", "gaps"), [("bridge", 52), ("vxlan", 44)])
def test_each_byte(kind: str, gaps: int) -> None:
    """A VXLAN device's attribute of a timer's number is none, nor is IPv4's of its times'."""
    before = message(kind)
    same = sameness(before, len(HEAD))
    assert same.of(before)
    unnoticed = 0
    for position, value in enumerate(before):
        after = before[:position] + bytes((value ^ 1,)) + before[position + 1 :]
        unnoticed += same.of(after)
    assert unnoticed == gaps
    assert not same.of(before + attribute(MTU, bytes(4)))
    assert not same.of(before[:-8])


def test_without_attributes() -> None:
    assert sameness(HEAD, len(HEAD)).of(HEAD)
    assert not sameness(HEAD, len(HEAD)).of(HEAD + attribute(MTU, bytes(4)))
    assert by_kind(attribute(MTU, b"\1") + b"\0\0\0\0") == {MTU: b"\1"}
