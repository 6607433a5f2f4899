"""Rounds in which everything compared takes its turn, and what is made of them.

Machines are noisy and other things run on them: what counts is the ratio of one round's figures,
then the median of the rounds, with the least and the largest beside it.
"""

import math
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Way = Callable[[], float]  # does something once; returns what it cost

PAIR = 2  # what a ratio is of
SLOW = 5.0  # seconds: what takes as long is tried once, and not in every round
UNCERTAIN = 0.05  # the chance that a median isn't where it is said to be
DIGITS = 4  # that are written down: the others are noise


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

    @property
    def certain(self) -> tuple[float, float] | None:
        """Between which figures the median of all rounds there could be is, in 95 of 100 cases.

        By their order alone, however they are distributed: how many of them are below it is
        binomial. None where there are too few.
        """
        count, below, outside = len(self.values), 0, 0
        while (outside := outside + math.comb(count, below)) <= UNCERTAIN / 2 * 2**count:
            below += 1
        ordered = sorted(self.values)
        return (ordered[below - 1], ordered[count - below]) if below else None

    def over(self, other: "Spread") -> "Spread":
        """The ratios, round by round."""
        return Spread(tuple(a / b for a, b in zip(self.values, other.values, strict=True)))


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table: a figure, what it is held against, and what it must reach.

    Rows of one ``what`` differ in how many ``peers`` there are, and are compared for growth.
    With a reference, ``limit`` is of the ratio; without, of the figure itself. ``least`` says that
    it is a lower one. ``others`` were measured in the same rounds, for comparison.
    """

    what: str
    peers: int
    figure: Spread
    unit: str = "s"
    reference: Spread | None = None
    against: str = ""
    limit: float | None = None
    least: bool = False
    others: Mapping[str, Spread] | None = None

    @property
    def key(self) -> tuple[str, int]:
        """What there is one row of."""
        return self.what, self.peers

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

    def series(self) -> dict[str, Spread]:
        """All that was measured in these rounds, by who did it."""
        seen = {"vxland": self.figure}
        if self.reference is not None:
            seen[self.against] = self.reference
        return seen | dict(self.others or {})

    def json(self) -> dict[str, Any]:
        """For the file of results."""
        return {
            "what": self.what,
            "peers": self.peers,
            "unit": self.unit,
            "figure": _written(self.figure),
            "reference": self.reference and _written(self.reference),
            "against": self.against,
            "limit": self.limit,
            "least": self.least,
            "others": {name: _written(spread) for name, spread in (self.others or {}).items()},
        }

    @classmethod
    def read(cls, row: Mapping[str, Any]) -> "Row":
        """The row that was written so."""
        return cls(
            what=row["what"],
            peers=row["peers"],
            figure=Spread(tuple(row["figure"])),
            unit=row["unit"],
            reference=Spread(tuple(row["reference"])) if row["reference"] else None,
            against=row["against"],
            limit=row["limit"],
            least=row["least"],
            others={name: Spread(tuple(values)) for name, values in row["others"].items()},
        )


def in_turns(
    ways: Mapping[str, Way], rounds: int, slow: float = SLOW, pairs: int = 0
) -> dict[str, Spread]:
    """Every way once a round, and then the first two until they had ``pairs`` of rounds.

    The first round, which finds caches cold, doesn't count.

    It does for what takes ``slow`` seconds, which isn't tried again; but for the first two ways,
    whose ratios are wanted round by round.
    """
    figures: dict[str, list[float]] = {}
    again: dict[str, Way] = {}
    for name, way in ways.items():
        started, figure = time.monotonic(), way()
        if len(again) < PAIR or time.monotonic() - started < slow:
            again[name], figures[name] = way, []
        else:
            figures[name] = [figure]
    for number in range(max(rounds, pairs)):
        for name in [*again] if number < rounds else [*again][:PAIR]:
            figures[name].append(again[name]())
    return {name: Spread(tuple(seen)) for name, seen in figures.items()}


def _written(spread: Spread) -> list[float]:
    return [float(f"{value:.{DIGITS}g}") for value in spread.values]
