"""What a daemon costs that has nothing to do."""

import time
from collections.abc import Iterator

from bench.harness import Row, Spread
from bench.place import Place, text
from bench.scale import LARGE, Scale
from tests.storms.vitals import processor

INTERVAL, SHORT = 30, 1  # seconds: the default, and what is measured in its place
LIMIT = 0.2  # per cent of a core


def rows(scale: Scale) -> Iterator[Row]:
    """A mesh at each size, with the interval made short and the result divided."""
    for peers in scale.meshes:
        with Place("idle", scale.folder / "idle") as place:
            place.write(text(peers, interval=f"{SHORT}s"))
            place.start()
            place.settled()
            time.sleep(scale.streams)  # what follows from new devices comes late
            spans = range(scale.rounds)
            shares = tuple(_share(place, scale.seconds / len(spans)) for _ in spans)
            place.stop()
        limit = LIMIT if peers >= LARGE else None
        yield Row("idle, of one core", peers, Spread(shares), "%", limit=limit)


def _share(place: Place, seconds: float) -> float:
    """Per cent of one core that it would take at the default interval."""
    before, started = processor(place), time.monotonic()
    time.sleep(seconds)
    busy = (processor(place) - before) / (time.monotonic() - started)
    return busy * 100 * SHORT / INTERVAL
