"""What a daemon costs that has nothing to do."""

import time
from collections.abc import Iterator

from bench.harness import Row, Spread
from bench.place import Place, text
from bench.scale import LARGE, Scale
from tests.storms.vitals import ran

INTERVAL = 30  # seconds: the default
LIMIT = 0.2  # per cent of a core


def rows(scale: Scale) -> Iterator[Row]:
    """A mesh at each size, for an interval, and the largest for some more of them."""
    for peers in scale.meshes:
        with Place("idle", scale.folder / "idle") as place:
            place.write(text(peers, interval=f"{scale.interval}s"))
            place.start()
            place.settled()
            time.sleep(scale.interval + scale.streams)  # what follows from new devices comes late
            count = scale.intervals if peers >= LARGE else 1
            shares = tuple(_share(place, scale.interval) for _ in range(count))
            place.stop()
        limit = LIMIT if peers >= LARGE else None
        yield Row("idle, of one core", peers, Spread(shares), "%", limit=limit)


def _share(place: Place, interval: int) -> float:
    """Per cent of one core that it takes at the default interval, by one of this length."""
    before = ran(place)
    time.sleep(interval)
    return (ran(place) - before) * 100 / INTERVAL
