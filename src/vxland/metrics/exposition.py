"""What /metrics answers; prometheus_client is imported when somebody asks for the first time."""

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

from vxland.metrics.odometers import TunnelTotals
from vxland.metrics.sources import Sources
from vxland.metrics.totals import Totals

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry


class Exposition:
    """Asked by one thread at a time. The loop neither waits for it nor needs what it imports."""

    def __init__(self, totals: Totals, tunnel_totals: TunnelTotals, sources: Sources) -> None:
        self._ingredients = totals, tunnel_totals, sources

    @cached_property
    def registry(self) -> "CollectorRegistry":
        """Every metric of vxland's, and the process's own."""
        from vxland.metrics.collector import VxlandCollector, registry  # noqa: PLC0415

        return registry(VxlandCollector(*self._ingredients))

    def __call__(self, accept: str) -> tuple[Callable[[], bytes], str]:
        """What makes the text that an Accept header asks for, and its media type."""
        from vxland.metrics.text import answer  # noqa: PLC0415

        return answer(self.registry, accept)
