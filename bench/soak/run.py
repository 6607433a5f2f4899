"""One soak, from the start to what came of it."""

import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench.place import Place, text
from bench.soak.drift import Drift
from bench.soak.samples import Sample, sample
from tests.daemon import strangers
from tests.lab import Namespace

EDIT = 60  # deeds between two changes of the file


@contextmanager
def _place(folder: Path) -> Iterator[Place]:
    """A server with other people's devices, and a namespace for tunnels to be moved to."""
    with ExitStack() as stack:
        stack.callback(Namespace("elsewhere").delete)
        place = stack.enter_context(Place("soak", folder))
        place.sh(strangers.ELSEWHERE)
        yield place


def soak(  # noqa: PLR0913 - each is one of the command's options
    folder: Path, *, peers: int, seconds: float, seed: int, every: float, pause: float = 1.0
) -> list[Sample]:
    """Do a deed each ``pause``, look each ``every`` seconds. AssertionError: not mended."""
    written = text(peers)
    with _place(folder) as place:
        place.write(written)
        place.start()
        place.settled()
        drift = Drift(place, written, peers, seed)
        samples = [sample(place, 0, 0)]
        started = time.monotonic()
        deeds = 0
        while (now := time.monotonic() - started) < seconds:
            if now >= samples[-1].seconds + every:
                place.settled()  # else it is a repair that is looked at
                samples.append(sample(place, now, deeds))
                print(samples[-1], file=sys.stderr, flush=True)
            deeds += 1
            if deeds % EDIT == 0:
                drift.edit(deeds // EDIT)
            else:
                drift.deed()
            time.sleep(max(0.0, started + deeds * pause - time.monotonic()))
        place.configure(written)
        samples.append(sample(place, time.monotonic() - started, deeds))
        place.stop()
    return samples
