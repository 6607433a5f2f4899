"""What Prometheus sees, by prometheus_client: computed when it is asked for (docs/metrics.md)."""

from vxland.metrics.collector import VxlandCollector, registry
from vxland.metrics.mileage import Mileage
from vxland.metrics.sources import Sources
from vxland.metrics.totals import Totals

Asked = Sources  # its name until now, by which app imports it

__all__ = ["Asked", "Mileage", "Sources", "Totals", "VxlandCollector", "registry"]
