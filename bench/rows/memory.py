"""Memory: how much a daemon has, and that thousands of turns don't make it more.

At rest, and at its most: while an answer is on its way it has that, too, twice for a moment. What
grows for ever grows in the second half of the turns, too, in which nothing is new any more.
"""

import time
from collections.abc import Iterator

from bench.harness import Row, Spread
from bench.place import MESH, Place, text
from bench.scale import Scale, Size
from tests.metrics.scrape import scrape
from tests.storms.vitals import forget_peak, peak, resident, turns

LIMITS = {10: 60e6, 1000: 80e6}  # bytes
FLAT = 1.05
FLAT_AT_LAST = 1.01
FIRST = 20  # turns, after which everything was imported and asked for once
LOOKS, PAUSE = 5, 0.2  # seconds between looks, of which the least counts: answers are gone by then


def rows(scale: Scale) -> Iterator[Row]:
    """A mesh at each size over many turns, and what it is where flood lists are long."""
    for peers in scale.lasting:
        yield from _rows(Size(peers, MESH), scale)
    for size in scale.sizes():
        if size.mode != MESH:
            yield from _rows(size, scale)


def _rows(size: Size, scale: Scale) -> Iterator[Row]:
    limit = size.limit(LIMITS)
    with Place("memory", scale.folder / "memory") as place:
        place.write(text(size.peers, size.mode))
        place.start()
        place.settled()
        _turn(place, FIRST)
        before = Spread((_at_rest(place),))
        yield Row(size.of("memory"), size.peers, before, "B", limit=limit)
        if size.mode == MESH:
            yield from _lasting(place, size, before, scale)
        place.stop()


def _lasting(place: Place, size: Size, before: Spread, scale: Scale) -> Iterator[Row]:
    """Many turns, with a look after each of as many parts of them as ``scale`` has."""
    forget_peak(place)
    seen = {}
    for part in range(1, scale.parts + 1):
        _turn(place, scale.turns // scale.parts)
        seen[part] = Spread((_at_rest(place),))
    most = Spread((peak(place),))
    after, halfway = seen[scale.parts], seen[scale.parts // 2]
    later = f"memory, {scale.turns:,} turns later"
    yield Row(later, size.peers, after, "B", reference=before, against="before", limit=FLAT)
    quarters = (part for part in seen if part not in (scale.parts // 2, scale.parts))
    others = {f"after {part} of {scale.parts}": seen[part] for part in quarters}
    yield Row(
        f"memory, second half of {scale.turns:,} turns",
        size.peers,
        after,
        "B",
        reference=halfway,
        against="halfway",
        limit=FLAT_AT_LAST,
        others=others,
    )
    limit = size.limit(LIMITS)
    yield Row("memory at its most meanwhile", size.peers, most, "B", limit=limit)


def _at_rest(place: Place) -> int:
    """Bytes, without an answer that was sent a moment ago and is about to be let go."""
    seen = []
    for _ in range(LOOKS):
        seen.append(resident(place))
        time.sleep(PAUSE)
    return min(seen)


def _turn(place: Place, count: int) -> None:
    """So many turns more, each of which looks at the file too, and a scrape."""
    until = turns(place) + count
    for _ in range(count):
        place.ask("reload")
    scrape(place)
    if turns(place) < until:
        message = f"{until - turns(place)} turns of {count} weren't taken"
        raise RuntimeError(message)
