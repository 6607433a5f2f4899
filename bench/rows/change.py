"""One peer more in the file: from the write to its tunnel being up."""

import time
from collections.abc import Iterator

from bench.harness import Row, Spread
from bench.place import OVERLAY, Place, name, peer, text
from bench.scale import Scale
from tests.lab import Moments, eventually
from vxland.identity import pair_device

LIMIT = 0.1  # seconds


def rows(scale: Scale) -> Iterator[Row]:
    """A peer more, and then one more, at each size."""
    for peers in scale.meshes:
        with Place("change", scale.folder / "change") as place:
            written = text(peers)
            place.write(written)
            place.start()
            place.settled()
            seconds = []
            for number in range(peers + 2, peers + 2 + scale.rounds):
                written += peer(number)
                seconds.append(_until_up(place, written, pair_device(OVERLAY, name(number))))
                place.settled()
            place.stop()
        yield Row("a peer added", peers, Spread(tuple(seconds)), limit=LIMIT)


def _until_up(place: Place, written: str, device: str) -> float:
    with Moments(place) as moments:
        moments.gone[device] = started = time.monotonic()
        place.write(written)
        eventually(lambda: device in moments.back, f"{device} is up", patience=120, pause=0.001)
        return moments.back[device] - started
