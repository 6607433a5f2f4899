"""How a cost grows with the number of peers: as which power of it."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from bench.harness import Row

LINEAR = 1.1  # an exponent up to this is noise around 1


@dataclass(frozen=True, slots=True)
class Growth:
    """What who did cost at each number of peers, in ascending order of these."""

    what: str
    who: str
    points: tuple[tuple[int, float], ...]

    @property
    def exponents(self) -> tuple[float, ...]:
        """From each size to the next: 1 where ten times the peers cost ten times as much."""
        steps = zip(self.points, self.points[1:], strict=False)
        return tuple(math.log(b / a) / math.log(more / few) for (few, a), (more, b) in steps)

    @property
    def is_worse_than_linear(self) -> bool:
        """Whether the last step is; what doesn't grow at first has something constant in it."""
        return self.exponents[-1] > LINEAR


def growths(rows: Iterable[Row]) -> Iterator[Growth]:
    """Of all that was measured at more than one size, and costs anything."""
    found: dict[tuple[str, str], dict[int, float]] = {}
    for row in rows:
        if not row.least:
            for who, spread in row.series().items():
                found.setdefault((row.what, who), {})[row.peers] = spread.median
    for (what, who), points in found.items():
        if len(points) > 1 and min(points.values()) > 0:
            yield Growth(what, who, tuple(sorted(points.items())))
