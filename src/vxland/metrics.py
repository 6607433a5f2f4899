"""What Prometheus sees: the kernel's counters and the reconciler's last report, at each scrape."""

from collections import Counter as Tally
from collections.abc import Callable, Iterable
from dataclasses import fields
from threading import Lock

from prometheus_client import PLATFORM_COLLECTOR, PROCESS_COLLECTOR, CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from vxland.hazards import looping_pairs
from vxland.problems import Kind
from vxland.report import Report
from vxland.traffic import Traffic

TUNNEL = ("overlay", "peer")


class Totals:
    """What adds up over all turns."""

    def __init__(self) -> None:
        self.lock = Lock()  # scrapes come in threads of their own
        self.turns: Tally[tuple[str, str]] = Tally()  # by trigger and result
        self.operations: Tally[tuple[str, str]] = Tally()  # by kind and result
        self.seconds = 0.0
        self.last: Report | None = None

    def add(self, report: Report) -> None:
        """Count one turn."""
        result = "failed" if report.failures else "changed" if report.outcomes else "in_sync"
        with self.lock:
            self._add(report, result)

    def _add(self, report: Report, result: str) -> None:
        for trigger in report.triggers or {"timer"}:
            self.turns[trigger, result] += 1
        for outcome in report.outcomes:
            kind = type(outcome.operation).__name__
            self.operations[kind, "failed" if outcome.failure else "done"] += 1
        self.seconds += report.duration
        self.last = report


class VxlandCollector(Collector):
    """Computes every metric when it is asked for."""

    def __init__(
        self,
        totals: Totals,
        counters: Callable[[], dict[str, Traffic]],
        overruns: Callable[[], int],
        fights: Callable[[], int],
    ) -> None:
        self._totals = totals
        self._counters = counters
        self._overruns = overruns
        self._fights = fights

    def describe(self) -> Iterable[Metric]:
        """Nothing: what there is depends on the configuration."""
        return []

    def collect(self) -> Iterable[Metric]:
        """Every metric."""
        with self._totals.lock:
            families = list(self._reconciler())
            report = self._totals.last
        yield from families
        if report is not None:
            yield from self._config(report)
            yield from self._overlays(report)
            yield from self._tunnels(report)

    def _reconciler(self) -> Iterable[Metric]:
        turns = CounterMetricFamily(
            "vxland_reconciliations", "Turns of the reconciler.", labels=("trigger", "result")
        )
        for labels, count in sorted(self._totals.turns.items()):
            turns.add_metric(labels, count)
        yield turns
        operations = CounterMetricFamily(
            "vxland_operations", "Operations on the kernel.", labels=("kind", "result")
        )
        for labels, count in sorted(self._totals.operations.items()):
            operations.add_metric(labels, count)
        yield operations
        yield CounterMetricFamily(
            "vxland_reconciliation_seconds", "Time spent in turns.", value=self._totals.seconds
        )
        yield CounterMetricFamily(
            "vxland_event_overruns", "Times that the kernel dropped events.", value=self._overruns()
        )
        yield CounterMetricFamily(
            "vxland_fights", "Times that something kept undoing a repair.", value=self._fights()
        )

    def _config(self, report: Report) -> Iterable[Metric]:
        yield GaugeMetricFamily(
            "vxland_config_last_reload_success",
            "Whether the configuration file as it is now is in force.",
            value=int(report.config.ok),
        )
        yield GaugeMetricFamily(
            "vxland_in_sync", "Whether the node is as configured.", value=int(report.in_sync)
        )
        yield GaugeMetricFamily(
            "vxland_last_check_timestamp_seconds", "When the last turn began.", value=report.at
        )

    def _overlays(self, report: Report) -> Iterable[Metric]:
        problems = GaugeMetricFamily(
            "vxland_problems", "Open problems by kind.", labels=("overlay", "kind")
        )
        tally = Tally((problem.overlay, problem.kind.value) for problem in report.problems)
        wanted = ("", *(overlay.name for overlay in report.desired.overlays))
        left = sorted({problem.overlay for problem in report.problems} - set(wanted))
        for overlay in (*wanted, *left):  # a device that is left of an overlay may be fought over
            for kind in Kind:
                problems.add_metric((overlay, kind.value), tally[overlay, kind.value])
        yield problems
        allowed = frozenset().union(*(o.allow_tunnel_ports for o in report.desired.overlays))
        yield GaugeMetricFamily(
            "vxland_looping_port_pairs",
            "Pairs of tunnel ports that could loop frames; must be 0.",
            value=len(looping_pairs(report.observed, allowed)),
        )

    def _tunnels(self, report: Report) -> Iterable[Metric]:
        counters = self._counters()
        up = GaugeMetricFamily(
            "vxland_tunnel_up", "Whether the tunnel's device is up.", labels=TUNNEL
        )
        info = GaugeMetricFamily(
            "vxland_tunnel_info",
            "A tunnel's device, VNI and remote.",
            labels=(*TUNNEL, "device", "vni", "remote"),
        )
        families = {
            field.name: CounterMetricFamily(
                f"vxland_tunnel_{field.name}", f"{field.name.replace('_', ' ')}.", labels=TUNNEL
            )
            for field in fields(Traffic)
        }
        for vtep in report.desired.vteps():
            labels = (vtep.overlay, vtep.peer)
            link = report.observed.links.get(vtep.device)
            up.add_metric(labels, int(link is not None and link.up))
            info.add_metric((*labels, vtep.device, str(vtep.vni), str(vtep.remote)), 1)
            seen = counters.get(vtep.device)
            for name, family in families.items():
                if seen is not None:
                    family.add_metric(labels, getattr(seen, name))
        yield from (up, info, *families.values())


def registry(collector: VxlandCollector) -> CollectorRegistry:
    """A registry of vxland's metrics and the process's own."""
    made = CollectorRegistry()
    made.register(collector)
    made.register(PROCESS_COLLECTOR)
    made.register(PLATFORM_COLLECTOR)
    return made
