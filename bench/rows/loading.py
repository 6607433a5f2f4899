"""Reading and judging the file, against Python's own reading of TOML."""

import time
import tomllib
from collections.abc import Callable, Iterator

from bench.harness import Row, Way, in_turns
from bench.place import SHARED, text
from bench.scale import Scale
from vxland.config.load import load
from vxland.process.litter import left_lying


def rows(scale: Scale) -> Iterator[Row]:
    """A file of each size, of an overlay in shared mode, whose peers may be that many."""
    path = scale.folder / "loaded.toml"
    for peers in scale.listed:
        path.write_text(text(peers, SHARED))
        ways: dict[str, Way] = {
            "vxland": lambda: _timed(lambda: load(path)),
            "tomllib": lambda: _timed(lambda: tomllib.loads(path.read_text())),
        }
        seen = in_turns(ways, scale.rounds)
        yield Row(
            "loading the file",
            peers,
            seen["vxland"],
            reference=seen["tomllib"],
            against="tomllib",
        )


@left_lying()  # as it is in a turn, and until READY
def _timed(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started
