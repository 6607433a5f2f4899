"""One peer more in the file: from the write to its tunnel being up, or its flood entry there."""

import time
from collections.abc import Iterator

from bench.harness import Row, Spread
from bench.moments import MOMENTS, kept
from bench.place import Place, peer, text
from bench.scale import Scale, Size
from tests.lab import eventually

LIMIT = 0.1  # seconds
PATIENCE = 120


def rows(scale: Scale) -> Iterator[Row]:
    """A peer more, and then one more, at each size."""
    limits = dict.fromkeys(scale.meshes, LIMIT)
    for size in scale.sizes():
        with Place("change", scale.folder / "change") as place:
            written = text(size.peers, size.mode)
            place.write(written)
            place.start()
            place.settled()
            seconds = []
            for number in range(size.peers + 2, size.peers + 2 + scale.rounds):
                written += peer(number)
                seconds.append(_until_there(place, size, written, number))
                place.settled()
            place.stop()
        spread = Spread(tuple(seconds))
        yield Row(size.of("a peer added"), size.peers, spread, limit=size.limit(limits))


def _until_there(place: Place, size: Size, written: str, number: int) -> float:
    thing = kept(size.mode, number)
    with MOMENTS[size.mode](place) as moments:
        moments.gone[thing] = started = time.monotonic()
        place.write(written)
        eventually(lambda: thing in moments.back, f"{thing} is there", PATIENCE, pause=0.001)
        return moments.back[thing] - started
