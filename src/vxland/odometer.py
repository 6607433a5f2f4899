"""Counters that go on where a tunnel's device is made anew and the kernel begins again at zero.

For what is told only: no decision may rest on them, since a last word can be lost.
"""

from collections.abc import Collection

from vxland.traffic import Traffic

Key = tuple[str, str]  # overlay and peer

REMEMBERED = 8  # incarnations of a tunnel whose readings are told from one another


class Odometer:
    """One tunnel's total: the highest reading of each incarnation of its device, summed up.

    So it doesn't matter in which order readings come, nor how often: a look that took its time may
    be noted after the last word of the same device.
    """

    def __init__(self) -> None:
        self.total = Traffic()
        self._readings: dict[int, Traffic] = {}
        self._before = Traffic()  # of incarnations that aren't remembered one by one any more

    def note(self, incarnation: int, reading: Traffic) -> None:
        """The device's own counters, at whatever time they were read."""
        highest = self._readings.pop(incarnation, None)
        # Put last: a peer's other device lives on, however often this one is made anew.
        self._readings[incarnation] = reading.at_least(highest or reading)
        if reading == highest:
            return
        if len(self._readings) > REMEMBERED:
            self._before += self._readings.pop(next(iter(self._readings)))
        self.total = sum(self._readings.values(), self._before)


class Odometers:
    """One for each tunnel that is wanted; those of others are forgotten."""

    def __init__(self) -> None:
        self._by_key: dict[Key, Odometer] = {}

    def keep(self, keys: Collection[Key]) -> None:
        """These tunnels are wanted, and no others."""
        kept = self._by_key
        self._by_key = {key: kept.get(key) or Odometer() for key in keys}

    def note(self, key: Key, incarnation: int, reading: Traffic) -> None:
        """A reading of a tunnel's device. Nothing where the tunnel isn't wanted."""
        if (odometer := self._by_key.get(key)) is not None:
            odometer.note(incarnation, reading)

    def total(self, key: Key) -> Traffic:
        """What passed through all incarnations of a tunnel."""
        odometer = self._by_key.get(key)
        return odometer.total if odometer else Traffic()
