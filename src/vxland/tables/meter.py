"""Counters of nftables' that go on where the table is made anew and they begin again at zero.

Nothing tells one beginning of theirs from the next but that they are lower than before. For what
is told only, as with ``odometer``: what was counted since the last look is lost with the table.
"""

from collections.abc import Mapping

from msgspec import Struct, field

from vxland.model import Desired
from vxland.observed import Counted
from vxland.odometer import Key
from vxland.tables import tally
from vxland.traffic import Count, Traffic

REMEMBERED = 8  # addresses of a peer whose counters are told from one another


class Counters(Struct, frozen=True):
    """One look at the counters, and when it began and ended, in monotonic seconds."""

    began: float = 0.0
    ended: float = 0.0
    received: Mapping[Counted, Count] = field(default_factory=dict)
    sent: Mapping[Counted, Count] = field(default_factory=dict)

    def of(self, counted: Counted) -> tuple[Count | None, Count | None]:
        """What came from there and went there; None of what has no counter."""
        return self.received.get(counted), self.sent.get(counted)


class _Counter:
    """One counter's total, its bytes as a device counts them: those of the packets inside."""

    def __init__(self, overhead: int) -> None:
        self.packets = self.bytes = 0
        self._overhead = overhead
        self._before, self._last = Count(), Count()

    def note(self, count: Count | None) -> None:
        """The counter as it is now, if there is one."""
        if count is None:
            return
        if count.packets < self._last.packets:
            self._before += self._last
        self._last = count
        self.packets = self._before.packets + count.packets
        passed = self._before.bytes + count.bytes - self._overhead * self.packets
        # What isn't as long as its headers would be makes it go backwards.
        self.bytes = max(self.bytes, passed)


class Meter:
    """What one peer sent and got, by whatever address it had."""

    def __init__(self) -> None:
        self.total: Traffic | None = None  # None: nothing was ever seen to count it
        self._counters: dict[Counted, tuple[_Counter, _Counter]] = {}
        self._before = Traffic()  # by addresses that aren't remembered one by one any more
        self._ended = 0.0
        self._last: object = None

    def note(self, counted: Counted, seen: Counters) -> None:
        """A look. One that began before the last one ended may be older, and tells nothing."""
        counts = seen.of(counted)
        if seen.began < self._ended or counts == (None, None):
            return
        self._ended = seen.ended
        if (counted, counts) == self._last:
            return
        self._last = (counted, counts)
        overhead = tally.OVERHEAD[counted.address.version]
        ways = self._counters.setdefault(counted, (_Counter(overhead), _Counter(overhead)))
        for counter, count in zip(ways, counts, strict=True):
            counter.note(count)
        if len(self._counters) > REMEMBERED:
            self._before += _traffic(*self._counters.pop(next(iter(self._counters))))
        first, *others = (_traffic(*each) for each in self._counters.values())
        self.total = sum(others, first) + self._before if others else first


def _traffic(received: _Counter, sent: _Counter) -> Traffic:
    return Traffic(received.packets, sent.packets, received.bytes, sent.bytes)


def traffic(desired: Desired, seen: Counters) -> dict[Key, Traffic]:
    """What one look tells of the tunnels that have no device of their own."""
    looks = {tunnel.key: tally.counted(tunnel) for tunnel in tally.shared(desired)}
    return {
        key: tally.inner(counted, *(count or Count() for count in counts))
        for key, counted in looks.items()
        if (counts := seen.of(counted)) != (None, None)
    }
