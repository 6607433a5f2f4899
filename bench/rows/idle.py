"""What a daemon costs that has nothing to do."""

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack

from bench.harness import Row, Spread
from bench.place import Place, text
from bench.scale import LARGE, Scale, Size
from tests.storms.vitals import ran

INTERVAL = 30  # seconds: the default
LIMIT = 0.2  # per cent of a core


def rows(scale: Scale) -> Iterator[Row]:
    """All sizes at the same time: they take little, and each its own."""
    with ExitStack() as stack:
        places = {}
        for size in scale.sizes():
            label = f"idle-{size.mode}-{size.peers}"
            places[size] = place = stack.enter_context(Place(label, scale.folder / label))
            place.write(text(size.peers, size.mode, interval=f"{scale.interval}s"))
            place.start()
            place.settled()
        time.sleep(scale.interval + scale.pause)
        seen = [_shares(places, scale.interval) for _ in range(scale.intervals)]
        for place in places.values():
            place.stop()
    for size in places:
        shares = Spread(tuple(share[size] for share in seen))
        limit = size.limit({LARGE: LIMIT})
        yield Row(size.of("idle, of one core"), size.peers, shares, "%", limit=limit)


def _shares(places: Mapping[Size, Place], interval: int) -> dict[Size, float]:
    """Per cent of one core that each takes at the default interval, by one of this length."""
    before = {size: ran(place) for size, place in places.items()}
    time.sleep(interval)
    return {size: (ran(place) - before[size]) * 100 / INTERVAL for size, place in places.items()}
