"""What a daemon costs that has nothing to do."""

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack

from bench.harness import Row, Spread
from bench.place import Place, text
from bench.scale import LARGE, Scale
from tests.storms.vitals import ran

INTERVAL = 30  # seconds: the default
LIMIT = 0.2  # per cent of a core


def rows(scale: Scale) -> Iterator[Row]:
    """A mesh at each size, all at the same time: they take little, and each its own."""
    with ExitStack() as stack:
        places = {}
        for peers in scale.meshes:
            folder = scale.folder / f"idle{peers}"
            places[peers] = place = stack.enter_context(Place(f"idle{peers}", folder))
            place.write(text(peers, interval=f"{scale.interval}s"))
            place.start()
            place.settled()
        time.sleep(scale.interval + scale.streams)  # what follows from new devices comes late
        seen = [_shares(places, scale.interval) for _ in range(scale.intervals)]
        for place in places.values():
            place.stop()
    for peers in places:
        shares = Spread(tuple(share[peers] for share in seen))
        limit = LIMIT if peers >= LARGE else None
        yield Row("idle, of one core", peers, shares, "%", limit=limit)


def _shares(places: Mapping[int, Place], interval: int) -> dict[int, float]:
    """Per cent of one core that each takes at the default interval, by one of this length."""
    before = {peers: ran(place) for peers, place in places.items()}
    time.sleep(interval)
    return {peers: (ran(place) - before[peers]) * 100 / INTERVAL for peers, place in places.items()}
