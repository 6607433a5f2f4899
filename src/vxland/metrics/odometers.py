"""The tunnels' odometers, for the thread that hears of deleted devices and those that scrape."""

from collections.abc import Iterable, Mapping
from threading import Lock

from vxland.model import Desired
from vxland.odometer import Key, Odometers
from vxland.ownership import alias_mark
from vxland.traffic import Seen, Traffic


class TunnelTotals:
    """Total counters of each tunnel, whatever became of its devices."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._odometers = Odometers()

    def want(self, desired: Desired) -> None:
        """Count for these tunnels; the totals of others are forgotten."""
        keys = [tunnel.key for tunnel in desired.tunnels()]
        for overlay in desired.overlays:  # what is waited for stays as it is
            keys += [(overlay.name, problem.peer) for problem in overlay.waiting]
        with self._lock:
            self._odometers.keep(keys)

    def farewell(self, seen: Seen) -> None:
        """A device was deleted, or moved away, and these are its last counters."""
        self.note([seen])

    def note(self, devices: Iterable[Seen]) -> None:
        """Devices, as they were seen at some time. Those that aren't vxland's don't count."""
        for seen in devices:
            mark = alias_mark(seen.alias)
            if mark is not None:
                with self._lock:
                    key = (mark.overlay, mark.peer)
                    self._odometers.note(key, seen.incarnation, seen.traffic)

    def totals(self, seen: Mapping[str, Seen]) -> dict[Key, Traffic]:
        """The totals of vxland's among these devices, by tunnel, these readings included."""
        self.note(seen.values())
        marks = (alias_mark(device.alias) for device in seen.values())
        keys = [(mark.overlay, mark.peer) for mark in marks if mark is not None]
        return {key: self.total(key) for key in keys}

    def total(self, key: Key) -> Traffic:
        """What passed through a tunnel since its first device was made, as far as it is known."""
        with self._lock:
            return self._odometers.total(key)
