"""The text of metrics is byte for byte what prometheus_client writes."""

from collections.abc import Callable, Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
    UnknownMetricFamily,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from vxland.metrics.text import answer

OPEN_METRICS = "application/openmetrics-text"
ACCEPTED = [
    "",
    "text/plain",
    "text/plain; version=0.0.4",
    *(f"text/plain; version=1.0.0; escaping={how}" for how in ("underscores", "dots", "values")),
    "text/plain; version=1.0.0; escaping=allow-utf-8",
    OPEN_METRICS,
    f"{OPEN_METRICS}; version=0.0.1",
    *(f"{OPEN_METRICS}; version=1.0.0; escaping={how}" for how in ("underscores", "allow-utf-8")),
    f"{OPEN_METRICS}; version=1.0.0; escaping=dots",
    f"{OPEN_METRICS}; version=2.0.0; escaping=values",
]
TEXTS = st.text(st.characters(codec="utf-8")) | st.sampled_from(["\\", '"', "\n", 'a\\n"'])
# Nothing counted is a negative nought, which is remembered as the other one.
VALUES = st.integers(0, 1 << 64) | st.floats().map(lambda value: value + 0.0) | st.booleans()


class Given(Collector):
    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def describe(self) -> Iterable[Metric]:
        return []

    def collect(self) -> Iterable[Metric]:
        return self._families


@st.composite
def families(draw: st.DrawFn) -> list[Metric]:
    """One of each kind that vxland has, some of their samples with the same labels."""
    about, peers = draw(TEXTS), draw(st.lists(TEXTS, max_size=3))
    labels = [{"peer": peer, "overlay": draw(TEXTS)} for peer in peers]
    gauge = GaugeMetricFamily("vxland_gauge", about)
    counter = CounterMetricFamily("vxland_count", about)
    for each in labels:
        gauge.add_sample(gauge.name, each, draw(VALUES))
        counter.add_sample("vxland_count_total", each, draw(VALUES))
    histogram = HistogramMetricFamily("vxland_seconds", about, labels=("result",))
    histogram.add_metric((draw(TEXTS),), [("0.1", 3), ("+Inf", 5)], draw(VALUES))
    return [
        gauge,
        counter,
        histogram,
        InfoMetricFamily("vxland_about", about, {"version": draw(TEXTS)}),
        UnknownMetricFamily("vxland_alone", about, draw(VALUES)),
    ]


@pytest.mark.parametrize("accept", ACCEPTED)
@given(given_families=families())
def test_as_the_library_writes_it(accept: str, given_families: list[Metric]) -> None:
    registry = CollectorRegistry()
    registry.register(Given(given_families))
    write, kind = answer(registry, accept)
    encode: Callable[[CollectorRegistry], bytes]
    encode, expected = choose_encoder(accept)
    assert (write(), kind) == (encode(registry), expected)
