"""The tunnels' odometers, for the thread that hears of deleted devices and those that scrape."""

from collections.abc import Iterable, Mapping
from threading import Lock

from vxland.model import Desired
from vxland.observed import Counted
from vxland.odometer import Key, Odometers
from vxland.ownership import alias_mark
from vxland.tables import tally
from vxland.tables.meter import Counters, Meter
from vxland.traffic import Seen, Traffic


class TunnelTotals:
    """Total counters of each tunnel, whatever became of its devices."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._odometers = Odometers()
        self._meters: Mapping[Key, Meter] = {}
        self._counted: Mapping[Key, Counted] = {}  # peers of shared VTEPs

    @property
    def counts_peers(self) -> bool:
        """Whether there are peers without a device of their own."""
        return bool(self._counted)

    def want(self, desired: Desired) -> None:
        """Count for these tunnels; the totals of others are forgotten."""
        keys = [tunnel.key for tunnel in desired.tunnels()]
        for overlay in desired.overlays:  # what is waited for stays as it is
            keys += [(overlay.name, problem.peer) for problem in overlay.waiting]
        with self._lock:
            self._odometers.keep(keys)
            self._meters = {key: self._meters.get(key) or Meter() for key in keys}
            self._counted = {tunnel.key: tally.counted(tunnel) for tunnel in tally.shared(desired)}

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

    def note_counters(self, counters: Counters) -> None:
        """What nftables has counted for peers, as it was seen at some time."""
        for key, counted in self._counted.items():
            with self._lock:
                if (meter := self._meters.get(key)) is not None:
                    meter.note(counted, counters)

    def totals(self, seen: Mapping[str, Seen], counters: Counters) -> dict[Key, Traffic]:
        """The totals of vxland's tunnels, these readings included."""
        self.note(seen.values())
        self.note_counters(counters)
        marks = (alias_mark(device.alias) for device in seen.values())
        keys = {(mark.overlay, mark.peer) for mark in marks if mark is not None}
        totals = {key: self.total(key) for key in (*keys, *self._counted)}
        return {key: total for key, total in totals.items() if total is not None}

    def total(self, key: Key) -> Traffic | None:
        """What passed through a tunnel since its first device was made, as far as it is known.

        None where it has no device of its own, and nothing counts for it.
        """
        with self._lock:
            total = self._odometers.total(key)
            counted = self._meters[key].total if key in self._meters else None
        if counted is not None:
            return total + counted
        return None if key in self._counted else total
