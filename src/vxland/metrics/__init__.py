"""What Prometheus sees, by prometheus_client: computed when it is asked for (docs/metrics.md)."""

from vxland.metrics.exposition import Exposition
from vxland.metrics.odometers import TunnelTotals
from vxland.metrics.sources import Sources
from vxland.metrics.totals import Totals

__all__ = ["Exposition", "Sources", "Totals", "TunnelTotals"]
