"""Every metric, family by family, by a thread that makes way for repairs in between."""

from collections.abc import Iterable, Mapping

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from vxland.last import Last
from vxland.metrics.counted import counted
from vxland.metrics.daemon import daemon
from vxland.metrics.odometers import TunnelTotals
from vxland.metrics.overlays import bridged, kept_out, overlays
from vxland.metrics.paced import Paced
from vxland.metrics.sources import Sources
from vxland.metrics.standing import Standing
from vxland.metrics.totals import Totals
from vxland.metrics.tunnels import tunnels
from vxland.traffic import Seen


class VxlandCollector(Collector):
    """Computes every metric when it is asked for."""

    def __init__(self, totals: Totals, tunnel_totals: TunnelTotals, sources: Sources) -> None:
        self._totals = totals
        self._tunnel_totals = tunnel_totals
        self._sources = sources
        self._bridged = Last(bridged)  # ports are those of the last turn

    def describe(self) -> Iterable[Metric]:
        """Nothing: what there is depends on the configuration."""
        return []

    def collect(self) -> Iterable[Metric]:
        """Every metric."""
        for family in self._families():
            self._sources.give_way()
            family.samples = Paced(family.samples, self._sources.give_way)
            yield family

    def _families(self) -> Iterable[Metric]:
        report = self._totals.last
        yield from counted(self._totals)
        yield from daemon(self._sources, report)
        if report is None:
            return
        standing = Standing(report, self._devices())
        yield from overlays(standing, self._bridged(report.desired, report.observed))
        yield kept_out(self._sources.kept_out(report.desired))
        yield from tunnels(
            standing, self._tunnel_totals, self._sources.since(), self._sources.give_way
        )

    def _devices(self) -> Mapping[str, Seen] | None:
        try:
            devices = self._sources.devices()
        except OSError:  # the loop can't look either, and says so
            return None
        self._tunnel_totals.note(devices.values())
        if self._tunnel_totals.counts_peers:
            self._tunnel_totals.note_counters(self._sources.counters())
        return devices


def registry(collector: VxlandCollector) -> CollectorRegistry:
    """A registry of vxland's metrics and the process's own."""
    made = CollectorRegistry()
    made.register(collector)
    ProcessCollector(registry=made)
    return made
