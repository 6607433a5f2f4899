"""Counters of nftables' that go on where they begin again."""

from ipaddress import ip_address

from vxland.observed import Counted
from vxland.tables.meter import REMEMBERED, Counters, Meter
from vxland.traffic import Count, Traffic

PEER = Counted(ip_address("192.0.2.2"), 5, 4789)
LONG = 50  # bytes of headers


def look(
    at: float, received: int, sent: int = 0, counted: Counted = PEER, *, took: float = 0.0
) -> Counters:
    """So many packets of 100 bytes, seen at this time."""
    return Counters(
        at,
        at + took,
        {counted: Count(received, received * (LONG + 100))},
        {counted: Count(sent, sent * (LONG + 100))},
    )


def passed(received: int, sent: int = 0) -> Traffic:
    """The same as traffic."""
    return Traffic(received, sent, received * 100, sent * 100)


def test_what_was_never_seen_is_not_known() -> None:
    """Nor where the look tells of others only."""
    meter = Meter()
    meter.note(PEER, Counters())
    assert meter.total is None
    meter.note(PEER, look(1, 0))
    assert meter.total == Traffic()


def test_it_goes_on_where_the_counters_begin_again() -> None:
    """Each direction for itself: their counters may be lost apart."""
    meter = Meter()
    meter.note(PEER, look(1, 10, 20))
    meter.note(PEER, look(2, 3, 25))
    assert meter.total == passed(13, 25)
    meter.note(PEER, look(3, 4, 1))
    assert meter.total == passed(14, 26)
    meter.note(PEER, look(4, 4, 1))
    assert meter.total == passed(14, 26)


def test_a_counter_that_is_missing_says_nothing() -> None:
    """It comes back with what it had, or begins again."""
    meter = Meter()
    meter.note(PEER, look(1, 10, 20))
    meter.note(PEER, Counters(2, 2, {PEER: Count(11, 11 * (LONG + 100))}))
    meter.note(PEER, look(3, 12, 22))
    assert meter.total == passed(12, 22)


def test_an_older_look_that_is_noted_late_is_no_beginning() -> None:
    """Two threads look at the same time, and the slower one saw less, or more."""
    meter = Meter()
    meter.note(PEER, look(5, 100))
    meter.note(PEER, look(4, 90, took=3))
    assert meter.total == passed(100)
    meter.note(PEER, look(6, 2))
    meter.note(PEER, look(5.5, 110, took=3))
    assert meter.total == passed(102)
    meter.note(PEER, look(7, 3))
    assert meter.total == passed(103)


def test_bytes_do_not_go_backwards() -> None:
    """Somebody sends what is shorter than the headers of a frame."""
    meter = Meter()
    meter.note(PEER, look(1, 10))
    meter.note(PEER, Counters(2, 2, {PEER: Count(20, 10 * (LONG + 100) + 360)}))
    assert meter.total is not None
    assert (meter.total.receive_packets, meter.total.receive_bytes) == (20, 1000)


def test_a_peer_that_moves_has_the_sum() -> None:
    """One that returns while its counter was kept counts once; old ones are added up."""
    meter = Meter()
    others = [
        Counted(ip_address(0xC0000200 + number), 5, 4789) for number in range(10, 12 + REMEMBERED)
    ]
    meter.note(PEER, look(1, 10))
    meter.note(others[0], look(2, 5, counted=others[0]))
    assert meter.total == passed(15)
    meter.note(PEER, look(3, 12))
    assert meter.total == passed(17)
    for at, other in enumerate(others[1:], 4):
        meter.note(other, look(at, 1, counted=other))
    assert meter.total == passed(17 + len(others) - 1)
