"""Rounds in which everything compared takes its turn, and what is made of them.

Machines are noisy and other things run on them: what counts is the ratio of one round's figures,
then the median of the rounds, with the least and the largest beside it.
"""

import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Way = Callable[[], float]  # does something once; returns what it cost


@dataclass(frozen=True, slots=True)
class Spread:
    """Figures of some rounds, of which there is at least one."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """The figure in the middle."""
        return statistics.median(self.values)

    def share(self, part: float) -> float:
        """The figure that this part of them doesn't exceed: 0.99 for the 99th percentile."""
        ordered = sorted(self.values)
        return ordered[min(len(ordered) - 1, int(part * len(ordered)))]

    def over(self, other: "Spread") -> "Spread":
        """The ratios, round by round."""
        return Spread(tuple(a / b for a, b in zip(self.values, other.values, strict=True)))

    def json(self) -> dict[str, Any]:
        """For the file of results."""
        return {"median": self.median, "values": list(self.values)}


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table: a figure, what it is held against, and what it must reach.

    With a reference, ``limit`` is of the ratio; without, of the figure itself. ``least`` says that
    it is a lower one. ``others`` were measured in the same rounds, for comparison.
    """

    what: str
    at: str
    figure: Spread
    unit: str = "s"
    reference: Spread | None = None
    against: str = ""
    limit: float | None = None
    least: bool = False
    others: Mapping[str, Spread] | None = None

    @property
    def held(self) -> Spread:
        """What the limit is of."""
        return self.figure if self.reference is None else self.figure.over(self.reference)

    @property
    def reached(self) -> bool | None:
        """Whether the median is within the limit; None where there is none."""
        if self.limit is None:
            return None
        median = self.held.median
        return median >= self.limit if self.least else median <= self.limit

    def json(self) -> dict[str, Any]:
        """For the file of results."""
        return {
            "what": self.what,
            "at": self.at,
            "unit": self.unit,
            "vxland": self.figure.json(),
            "against": self.against or None,
            "reference": self.reference.json() if self.reference else None,
            "ratio": self.held.json() if self.reference else None,
            "limit": self.limit,
            "reached": self.reached,
            "others": {name: spread.json() for name, spread in (self.others or {}).items()},
        }


def in_turns(ways: Mapping[str, Way], rounds: int) -> dict[str, Spread]:
    """Every way once a round. The first round, which finds caches cold, doesn't count."""
    figures: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds + 1):
        for name, way in ways.items():
            figure = way()
            if number:
                figures[name].append(figure)
    return {name: Spread(tuple(seen)) for name, seen in figures.items()}
