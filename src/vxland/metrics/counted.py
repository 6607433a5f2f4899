"""The totals of the loop as metrics."""

from collections.abc import Iterable, Mapping
from itertools import accumulate

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.utils import floatToGoString

from vxland.metrics.totals import BUCKETS, Durations, Labels, Totals

BOUNDS = [floatToGoString(bound) for bound in (*BUCKETS, float("inf"))]  # type: ignore[no-untyped-call]


def counted(totals: Totals) -> Iterable[Metric]:
    """The metrics."""
    yield _counter(
        "vxland_reconciliations",
        "Turns of the loop, by what rang for it and what it brought.",
        ("trigger", "result"),
        totals.turns,
    )
    yield _durations(totals.durations)
    yield _counter(
        "vxland_operations",
        "Operations on the kernel, by kind and result.",
        ("kind", "result"),
        totals.operations,
    )
    yield _counter(
        "vxland_drift",
        "Things put right that something else had changed, by what of them it was.",
        ("kind",),
        totals.drift,
    )


def _counter(name: str, text: str, labels: Labels, counts: Mapping[Labels, int]) -> Metric:
    family = CounterMetricFamily(name, text, labels=labels)
    for values, count in tuple(counts.items()):  # the loop goes on counting
        family.add_metric(values, count)
    return family


def _durations(durations: Mapping[str, Durations]) -> Metric:
    family = HistogramMetricFamily(
        "vxland_reconciliation_duration_seconds",
        "How long a turn of the loop took, from the look at the kernel to the last operation.",
        labels=("result",),
    )
    for result, seen in durations.items():
        buckets = list(zip(BOUNDS, accumulate(seen.counts), strict=True))
        family.add_metric((result,), buckets, seen.sum)
    return family
