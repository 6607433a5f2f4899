"""How many packets were kept out of each overlay since the daemon knows."""

from collections.abc import Callable, Mapping
from threading import Lock

from vxland.model import Desired
from vxland.observed import Element
from vxland.tables.ingress import Dropped, by_overlay


class KeptOut:
    """Adds up counters that begin anew where the table is made anew.

    For any thread. What was counted between the last look and that is lost.
    ``read`` looks, and gives None where it can't.
    """

    def __init__(self, read: Callable[[], Dropped | None]) -> None:
        self._read = read
        self._lock = Lock()  # looks must not overtake each other: an older one seems to begin anew
        self._last: Dropped = {}
        self._totals: dict[str, int] = {}

    def totals(self, desired: Desired) -> Mapping[str, int]:
        """Packets by overlay, with what a look tells now, if it tells anything."""
        with self._lock:
            seen = self._read()
            dropped = self._last if seen is None else seen
            fresh = by_overlay(desired, {one: self._since(one, n) for one, n in dropped.items()})
            self._last = dropped
            self._totals = {name: self._totals.get(name, 0) + fresh[name] for name in fresh}
            return self._totals

    def _since(self, element: Element, packets: int) -> int:
        """What an element has dropped since the last look."""
        before = self._last.get(element, 0)
        return packets - before if packets >= before else packets
