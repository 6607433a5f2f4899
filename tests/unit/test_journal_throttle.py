"""What is told at once and what is summed up: few lines, and nothing lost, whatever happens."""

import weakref
from collections.abc import Hashable
from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vxland.journal.throttle import AT_ONCE, EVERY, FIRST, QUIET, Tally, Throttle

ROUNDING = 1e-6


@dataclass
class Log:
    """A throttle, the time, and what was told of it."""

    now: float = 0.0
    throttle: Throttle[str] = field(default_factory=Throttle)
    at_once: list[tuple[float, str]] = field(default_factory=list)
    tallies: list[tuple[float, Tally[str]]] = field(default_factory=list)

    def happens(self, *subjects: str) -> None:
        """Something about each of these."""
        items: dict[Hashable, str] = {subject: subject for subject in subjects}
        self.at_once += [(self.now, item) for item in self.throttle.admit(items, self.now)]

    def goes_on(self, seconds: float) -> None:
        """Time passes, and the summaries are asked for when they are due."""
        end = self.now + seconds
        while (due := self.throttle.due()) is not None and due <= end:
            self.now = max(self.now, due)
            told = self.throttle.summary(self.now)
            self.tallies += [(self.now, tally) for tally in told]
        self.now = end

    def counts(self, subject: str) -> list[int]:
        """What was counted of this subject, summary by summary."""
        return [tally.count for _, tally in self.tallies if tally.last == subject]

    def told(self, subject: str) -> int:
        """How many times of this subject were told, in whatever way, or would be at the end."""
        rest = [tally.count for tally in self.throttle.rest(self.now) if tally.last == subject]
        first = sum(item == subject for _, item in self.at_once)
        return first + sum(self.counts(subject)) + sum(rest)


def test_what_happens_now_and_then_is_told_at_once() -> None:
    """Each time, and no summary follows."""
    log = Log()
    for _ in range(20):
        log.happens("a")
        log.goes_on(QUIET + 1)
    assert len(log.at_once) == 20
    assert log.tallies == []
    assert log.throttle.due() is None


def test_what_repeats_is_summed_up_once_a_minute_and_its_end_is_told() -> None:
    """The first few at once, then how often in how long, then that it is over."""
    log = Log()
    for _ in range(150):
        log.happens("a")
        log.goes_on(1)
    log.goes_on(10 * QUIET)
    assert [at for at, _ in log.at_once] == [0, 1, 2, 3]
    assert [at for at, _ in log.tallies] == [64, 124, 184, 304]
    assert log.counts("a") == [60, 60, 26, 0]
    assert [tally.seconds for _, tally in log.tallies] == [61, 60, 60, 120]
    assert [tally.over for _, tally in log.tallies] == [False, False, False, True]
    assert (log.tallies[-1][1].total, log.tallies[-1][1].lasted) == (150, 149)
    log.happens("a")
    assert len(log.at_once) == FIRST + 1


def test_what_differs_each_time_is_summed_up_too() -> None:
    """As when 1,000 devices are deleted one after the other."""
    log = Log()
    for number in range(1000):
        log.happens(f"device {number}")
        log.goes_on(0.01)
    assert len(log.at_once) == AT_ONCE
    log.goes_on(10 * QUIET)
    assert [at for at, _ in log.tallies] == pytest.approx([EVERY + 0.1] * (1000 - AT_ONCE))
    assert log.throttle.due() is None


def test_what_was_told_is_let_go() -> None:
    """Of 1,000 tunnels that are made the lines are a megabyte, and nobody asks for them again."""

    class Line:
        """Something to tell."""

    throttle: Throttle[Line] = Throttle()
    line = Line()
    kept = weakref.ref(line)
    throttle.admit({"a": line}, 0)
    del line
    assert kept() is None


def test_what_was_held_back_is_let_go_once_it_is_told() -> None:
    """Unless it repeats, so that its end is to be told."""

    class Line:
        """Something to tell."""

    throttle: Throttle[Line] = Throttle()
    for number in range(AT_ONCE):
        throttle.admit({number: Line()}, 0)
    lines = [Line(), Line()]
    kept, repeating = map(weakref.ref, lines)
    for _ in range(FIRST + 1):
        throttle.admit({"repeating": lines[1]}, 1)
    throttle.admit({"late": lines[0]}, 1)
    lines.clear()
    assert [tally.last for tally in throttle.summary(1 + EVERY)] == [repeating(), kept()]
    assert kept() is None
    assert repeating() is not None


def test_many_at_once_are_told_at_once() -> None:
    """They need no more than one line."""
    log = Log()
    log.happens(*map(str, range(1000)))
    assert len(log.at_once) == 1000


def test_what_is_quiet_is_forgotten() -> None:
    """No memory of a subject is kept for ever, told at once or not."""
    log = Log()
    for number in range(100):
        log.happens(str(number), "always")
        log.goes_on(1)
    log.goes_on(3 * QUIET)
    log.happens("new")
    assert list(log.throttle._episodes) == ["new"]


def test_a_summary_that_comes_late_is_whole() -> None:
    """As after a night's sleep of the machine: with what was held back, and the end."""
    log = Log()
    for _ in range(FIRST + 3):
        log.happens("a")
    log.now += 10 * QUIET
    log.happens("another")
    log.goes_on(0)
    [(_, tally)] = log.tallies
    assert (tally.last, tally.count, tally.over) == ("a", 3, True)


def test_an_end_is_told_however_late() -> None:
    """Though everything was told by then."""
    log = Log()
    for _ in range(FIRST + 3):
        log.happens("a")
    log.goes_on(EVERY)
    log.now += 10 * QUIET
    log.happens("another")
    log.goes_on(0)
    assert [tally.over for _, tally in log.tallies] == [False, True]


def test_what_is_held_back_waits_for_its_summary() -> None:
    """Else a problem's end could be told before its beginning."""
    log = Log()
    for number in range(AT_ONCE):
        log.happens(str(number))
    log.now = EVERY - 1
    log.happens("late")
    log.now = EVERY + 1
    log.happens("late")
    assert "late" not in [item for _, item in log.at_once]
    log.goes_on(EVERY)
    assert log.counts("late") == [2]


pauses = st.one_of(st.floats(0, 2), st.floats(0, 300), st.just(EVERY), st.just(QUIET))
events = st.lists(
    st.tuples(st.lists(st.sampled_from("abcdefghijkl"), unique=True), pauses, st.booleans()),
    max_size=100,
)


@given(events)
def test_few_lines_and_nothing_lost_whatever_happens(
    happenings: list[tuple[list[str], float, bool]],
) -> None:
    """Every time is told once, and no subject more often than it may be.

    Also where nobody asks for the summaries when they are due.
    """
    log = Log()
    happened: dict[str, int] = dict.fromkeys("abcdefghijkl", 0)
    for subjects, pause, late in happenings:
        log.happens(*subjects)
        for subject in subjects:
            happened[subject] += 1
        assert {subject: log.told(subject) for subject in happened} == happened
        if late:
            log.now += pause
        else:
            log.goes_on(pause)
        assert {subject: log.told(subject) for subject in happened} == happened
    moments = sorted({at for at, _ in log.at_once})
    for first, last in zip(moments, moments[AT_ONCE:], strict=False):
        assert last - first >= EVERY - ROUNDING
    for subject in happened:
        told = [at for at, item in log.at_once if item == subject]
        for first, last in zip(told, told[FIRST:], strict=False):
            assert last - first >= QUIET - ROUNDING
        summed = [at for at, tally in log.tallies if tally.last == subject]
        for first, last in pairwise(summed):
            assert last - first >= EVERY - ROUNDING
