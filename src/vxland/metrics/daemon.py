"""The daemon itself: its configuration, its last check, its fights."""

import platform
from collections.abc import Iterable

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    InfoMetricFamily,
    Metric,
)

import vxland
from vxland.metrics.sources import Sources
from vxland.report import Report


def daemon(sources: Sources, report: Report | None) -> Iterable[Metric]:
    """The metrics."""
    build = {"version": vxland.__version__, "python_version": platform.python_version()}
    yield InfoMetricFamily("vxland_build", "The program and the Python that runs it.", build)
    yield CounterMetricFamily(
        "vxland_event_overruns",
        "Times that the kernel dropped events for lack of room; each is followed by a full check.",
        sources.overruns(),
    )
    yield CounterMetricFamily(
        "vxland_fights", "Times that something kept undoing a repair.", sources.fights()
    )
    yield GaugeMetricFamily(
        "vxland_full_check_interval_seconds",
        "How long at most until the next full check ([reconcile] interval).",
        sources.interval(),
    )
    if report is not None:
        yield from _reported(report)


def _reported(report: Report) -> Iterable[Metric]:
    config = report.config
    yield InfoMetricFamily(
        "vxland_node",
        "Which peer this machine is; empty while it doesn't find itself.",
        {"node": report.desired.node},
    )
    yield GaugeMetricFamily("vxland_in_sync", "Whether the node is as configured.", report.in_sync)
    yield GaugeMetricFamily(
        "vxland_last_full_check_timestamp_seconds",
        "When the last check of everything began.",
        report.at,
    )
    yield InfoMetricFamily(
        "vxland_config", "The configuration in force, by its hash.", {"digest": config.digest}
    )
    yield GaugeMetricFamily(
        "vxland_config_last_reload_success",
        "Whether the configuration file as it is now is in force.",
        config.ok,
    )
    yield GaugeMetricFamily(
        "vxland_config_last_reload_timestamp_seconds",
        "When another configuration was last tried, or somebody last asked for a reload.",
        config.tried_at,
    )
