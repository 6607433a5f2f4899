"""Memory: how much a daemon has, and that thousands of turns don't make it more.

At rest, and at its most: while an answer is on its way it has that, too, twice for a moment.
"""

import time
from collections.abc import Iterator

from bench.harness import Row, Spread
from bench.place import Place, text
from bench.scale import Scale
from tests.metrics.scrape import scrape
from tests.storms.vitals import forget_peak, peak, resident, turns

LIMITS = {10: 60e6, 1000: 80e6}  # bytes
FLAT = 1.05
FIRST = 20  # turns, after which everything was imported and asked for once
LOOKS, PAUSE = (
    10,
    0.2,
)  # seconds between looks, of which the least counts: an answer is gone by then


def rows(scale: Scale) -> Iterator[Row]:
    """A mesh at each size."""
    for peers in scale.lasting:
        with Place("memory", scale.folder / "memory") as place:
            place.write(text(peers))
            place.start()
            place.settled()
            _turn(place, FIRST)
            before = Spread((_at_rest(place),))
            yield Row("memory", peers, before, "B", limit=LIMITS.get(peers))
            forget_peak(place)
            _turn(place, scale.turns)
            after = Spread((_at_rest(place),))
            most = Spread((peak(place),))
            place.stop()
        later = f"memory, {scale.turns:,} turns later"
        yield Row(later, peers, after, "B", reference=before, against="before", limit=FLAT)
        yield Row("memory at its most meanwhile", peers, most, "B", limit=LIMITS.get(peers))


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
