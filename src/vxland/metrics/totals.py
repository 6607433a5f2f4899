"""What adds up over the turns of the loop: how often, how long, and what was done."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import product

from vxland import operations
from vxland.fights import causes
from vxland.operations import Operation
from vxland.report import Report

RESULTS = ("in_sync", "changed", "failed")
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
KINDS: Sequence[type[Operation]] = tuple(
    kind
    for kind in map(operations.__dict__.get, operations.__all__)
    if isinstance(kind, type) and issubclass(kind, Operation) and kind is not Operation
)

Labels = tuple[str, ...]  # their values


class Durations:
    """How long turns took, by the least of ``BUCKETS`` that they fit into; the rest come last."""

    def __init__(self) -> None:
        self.counts = [0] * (len(BUCKETS) + 1)
        self.sum = 0.0  # seconds

    def add(self, duration: float) -> None:
        """Count one."""
        self.counts[bisect_left(BUCKETS, duration)] += 1
        self.sum += duration


class Totals:
    """Counted by the loop, read by scrapes in threads of their own.

    Every series that there can be is there from the start, at zero, so that its first increase is
    seen as one. ``triggers`` are the names of what can ring.
    """

    def __init__(self, triggers: Iterable[str] = ()) -> None:
        self.last: Report | None = None
        self.turns = _none_yet(product(triggers, RESULTS))
        self.durations = {result: Durations() for result in RESULTS}
        names = [kind.__name__ for kind in KINDS]
        self.operations = _none_yet(product(names, ("done", "failed")))
        self.drift = _none_yet((kind.attribute,) for kind in KINDS)

    def add(self, report: Report) -> None:
        """Count one turn, and what was mended before it."""
        for part in report.parts:
            self._count(part)
        self.last = report

    def _count(self, report: Report) -> None:
        result = "failed" if report.failures else "changed" if report.outcomes else "in_sync"
        for trigger in report.triggers:
            self.turns[trigger, result] += 1
        self.durations[result].add(report.duration)
        for outcome in report.outcomes:
            kind = type(outcome.operation).__name__
            self.operations[kind, "failed" if outcome.failure else "done"] += 1
        done = (outcome.operation for outcome in report.outcomes if not outcome.failure)
        for operation in causes([op for op in done if op.device in report.repaired]):
            self.drift[operation.attribute,] += 1


def _none_yet(series: Iterable[Labels]) -> Counter[Labels]:
    return Counter(dict.fromkeys(series, 0))
