"""How many packets were kept out of each overlay since the daemon knows."""

from collections.abc import Mapping
from threading import Lock

from vxland.model import Desired
from vxland.observed import Element
from vxland.tables.ingress import Dropped, by_overlay


class KeptOut:
    """Adds up counters that begin anew where the table is made anew.

    For any thread. What was counted between the last look and that is lost.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._last: Dropped = {}
        self._totals: dict[str, int] = {}

    def totals(self, desired: Desired, dropped: Dropped) -> Mapping[str, int]:
        """Packets by overlay, this look included."""
        with self._lock:
            fresh = by_overlay(desired, {one: self._since(one, n) for one, n in dropped.items()})
            self._last = dropped
            self._totals = {name: self._totals.get(name, 0) + fresh[name] for name in fresh}
            return self._totals

    def _since(self, element: Element, packets: int) -> int:
        """What an element has dropped since the last look."""
        before = self._last.get(element, 0)
        return packets - before if packets >= before else packets
