"""What adds up over the turns of the loop: how often, how long, and what was done."""

from collections.abc import Iterable, Sequence

from prometheus_client import Counter, Histogram, disable_created_metrics
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from vxland import operations
from vxland.fights import causes
from vxland.operations import Operation
from vxland.report import Report

RESULTS = ("in_sync", "changed", "failed")
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
KINDS: Sequence[type[Operation]] = tuple(
    kind
    for kind in map(operations.__dict__.get, operations.__all__)
    if isinstance(kind, type) and issubclass(kind, Operation) and kind is not Operation
)

disable_created_metrics()  # type: ignore[no-untyped-call] # they double the counters


class Totals:
    """Counted by the loop, read by scrapes in threads of their own.

    Every series that there can be is there from the start, at zero, so that its first increase is
    seen as one. ``triggers`` are the names of what can ring.
    """

    def __init__(self, triggers: Iterable[str] = ()) -> None:
        self.last: Report | None = None
        self._turns = Counter(
            "vxland_reconciliations",
            "Turns of the loop, by what rang for it and what it brought.",
            ("trigger", "result"),
            registry=None,
        )
        self._durations = Histogram(
            "vxland_reconciliation_duration_seconds",
            "How long a turn of the loop took, from the look at the kernel to the last operation.",
            ("result",),
            registry=None,
            buckets=BUCKETS,
        )
        self._operations = Counter(
            "vxland_operations",
            "Operations on the kernel, by kind and result.",
            ("kind", "result"),
            registry=None,
        )
        self._drift = Counter(
            "vxland_drift",
            "Things put right that something else had changed, by what of them it was.",
            ("kind",),
            registry=None,
        )
        for result in RESULTS:
            self._durations.labels(result)
            for trigger in triggers:
                self._turns.labels(trigger, result)
        for kind in KINDS:
            self._operations.labels(kind.__name__, "done")
            self._operations.labels(kind.__name__, "failed")
            self._drift.labels(kind.attribute)

    def add(self, report: Report) -> None:
        """Count one turn."""
        result = "failed" if report.failures else "changed" if report.outcomes else "in_sync"
        for trigger in report.triggers:
            self._turns.labels(trigger, result).inc()
        self._durations.labels(result).observe(report.duration)
        for outcome in report.outcomes:
            kind = type(outcome.operation).__name__
            self._operations.labels(kind, "failed" if outcome.failure else "done").inc()
        done = (outcome.operation for outcome in report.outcomes if not outcome.failure)
        for operation in causes([op for op in done if op.device in report.repaired]):
            self._drift.labels(operation.attribute).inc()
        self.last = report

    def families(self) -> Iterable[Metric]:
        """The metrics."""
        counted: tuple[Collector, ...] = (
            self._turns,
            self._durations,
            self._operations,
            self._drift,
        )
        for metric in counted:
            yield from metric.collect()
