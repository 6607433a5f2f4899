"""How many packets were kept out, by overlay, whatever becomes of the counters."""

import errno
from collections.abc import Callable, Iterator
from threading import Event, Thread

import pytest
from msgspec.structs import replace

from tests.fake.wishes import DMZ, LAN, wish
from vxland.identity import pair_vni
from vxland.kernel import ingress_drops
from vxland.kernel.ingress_drops import read_dropped
from vxland.kernel.wire import NetlinkError
from vxland.metrics.kept_out import KeptOut
from vxland.observed import Element
from vxland.tables.ingress import Dropped, by_overlay

HOME = wish(LAN, DMZ, replace(LAN, name="open", bridge="vxbr2", ingress=False))
B = Element("vnis", 4789, pair_vni("lan", "a", "b"))
C = Element("vnis", 4789, pair_vni("lan", "a", "c"))
D = Element("vnis", 4789, pair_vni("dmz", "a", "d"))
PORT = Element("ports", 4789)


def looks(*looked: Dropped | None) -> Callable[[], Dropped | None]:
    """These, one after another."""
    return iter(looked).__next__


def test_packets_are_counted_by_overlay() -> None:
    """Those that are filtered; what has no VNI has none."""
    kept = KeptOut(looks({}, {B: 2, C: 3, D: 4, PORT: 5}, {B: 3, C: 3, D: 4, PORT: 5}))
    assert kept.totals(HOME) == {"": 0, "lan": 0, "dmz": 0}
    assert kept.totals(HOME) == {"": 5, "lan": 5, "dmz": 4}
    assert kept.totals(HOME) == {"": 5, "lan": 6, "dmz": 4}


def test_totals_never_go_back() -> None:
    """Where the table was made anew, counters begin again."""
    kept = KeptOut(looks({B: 7}, {}, {B: 2}, {B: 1}))
    assert [kept.totals(HOME)["lan"] for _ in range(4)] == [7, 7, 9, 10]


def test_an_overlay_that_is_gone_is_forgotten() -> None:
    """And begins again if it comes back; what is left of it has no overlay."""
    kept = KeptOut(looks({D: 4}, {D: 5}, {D: 5}))
    kept.totals(HOME)
    assert kept.totals(wish(LAN)) == {"": 1, "lan": 0}
    assert kept.totals(HOME)["dmz"] == 0


def test_a_look_that_failed_tells_nothing() -> None:
    """Nothing is counted twice for it."""
    kept = KeptOut(looks(None, {B: 100}, None, {B: 100}, {B: 101}))
    assert [kept.totals(HOME)["lan"] for _ in range(5)] == [0, 100, 100, 100, 101]
    assert by_overlay(HOME, None) == {}


def test_looks_dont_overtake_each_other() -> None:
    """An older one that comes later would seem to begin anew."""
    counter, overtaken = iter((100, 101)), Event()

    def read() -> Dropped:
        packets = next(counter)
        if packets == 100:
            second.start()
            overtaken.wait(0.2)  # as long as the other one can't look meanwhile
        return {B: packets}

    def look() -> None:
        totals.append(kept.totals(HOME)["lan"])
        overtaken.set()

    kept, second, totals = KeptOut(read), Thread(target=look), list[int]()
    first = kept.totals(HOME)["lan"]
    second.join()
    assert (first, totals) == (100, [101])


@pytest.mark.parametrize(
    ("code", "seen"),
    [(errno.ENOENT, {B: 3}), (errno.ENOBUFS, None), (errno.EBADMSG, None)],
    ids=["gone", "lost", "unreadable"],
)
def test_half_a_look_is_none(
    monkeypatch: pytest.MonkeyPatch, code: int, seen: Dropped | None
) -> None:
    """Unless the table has gone meanwhile, or its other half was never there."""

    def elements(*_: object) -> Iterator[list[bytes]]:
        yield [b""]
        raise NetlinkError(code)

    monkeypatch.setattr(ingress_drops, "elements", elements)
    monkeypatch.setattr(ingress_drops, "_counts", lambda *_: [(B, 3)])
    assert read_dropped() == seen
