"""What a daemon costs that has nothing to do: processor time, and memory over many turns."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

from bench.harness import Row, Spread
from bench.place import Place, text
from bench.scale import LARGE, Scale
from tests.lab import eventually
from tests.metrics.scrape import scrape

INTERVAL, SHORT = 30, 1  # seconds: the default, and what is measured in its place
SHARE = 0.2  # per cent of a core
MEMORY = {10: 60e6, 1000: 80e6}  # bytes
FLAT = 1.05
TICKS = os.sysconf("SC_CLK_TCK")


def rows(scale: Scale) -> Iterator[Row]:
    """A mesh at each size, with the interval made short and the result divided."""
    for peers in scale.daemons:
        with Place("idle", scale.folder / "idle") as place:
            place.write(text(peers, interval=f"{SHORT}s"))
            place.start()
            place.settled()
            at = f"{peers} peers"
            busy = _busy(place, scale.seconds) * 100 * SHORT / INTERVAL
            yield Row(
                "idle cost", at, Spread((busy,)), "%", limit=SHARE if peers >= LARGE else None
            )
            before = _resident(place)
            yield Row("memory", at, Spread((before,)), "B", limit=MEMORY.get(peers))
            turns = scale.turns if peers < LARGE else scale.turns // 10
            _turn(place, turns)
            after, was = Spread((_resident(place),)), Spread((before,))
            at = f"{peers} peers, after {turns} turns more"
            yield Row("memory", at, after, "B", reference=was, against="before", limit=FLAT)
            place.stop()


def _process(place: Place) -> Path:
    """The daemon's folder in /proc."""
    return Path("/proc") / str(place.daemon.pid if place.daemon else "")


def _busy(place: Place, seconds: float) -> float:
    """The share of one core that it takes."""
    before, started = _ticks(place), time.monotonic()
    time.sleep(seconds)
    return (_ticks(place) - before) / TICKS / (time.monotonic() - started)


def _ticks(place: Place) -> int:
    fields = (_process(place) / "stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])  # utime and stime, proc(5)


def _resident(place: Place) -> int:
    """Bytes of RSS."""
    lines = (_process(place) / "status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS"))


def _turn(place: Place, turns: int) -> None:
    """So many turns more, each rung for by an address that comes or goes."""
    script = "ip address add 198.51.100.1/32 dev lo; ip address del 198.51.100.1/32 dev lo"
    until = _turns(place) + turns
    while _turns(place) < until:
        place.sh(f"for i in 1 2 3 4 5 6 7 8 9 10; do {script}; done")
    eventually(place.in_sync, "in sync again")


def _turns(place: Place) -> int:
    """How many turns the daemon has taken, by its metrics."""
    return sum(
        int(float(line.split()[-1]))
        for line in scrape(place).splitlines()
        if line.startswith("vxland_reconciliations_total")
    )
