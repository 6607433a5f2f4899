"""What Prometheus sees, by prometheus_client: computed when it is asked for (docs/metrics.md)."""

from vxland.metrics.asked import Asked
from vxland.metrics.collector import VxlandCollector, registry
from vxland.metrics.mileage import Mileage
from vxland.metrics.totals import Totals

__all__ = ["Asked", "Mileage", "Totals", "VxlandCollector", "registry"]
