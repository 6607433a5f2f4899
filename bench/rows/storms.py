"""Storms of change: how long until all is in sync again, in how many turns, and at what price.

Each is over before its time is taken; what it costs meanwhile is in the other rows. tests/storms
counts the same in short.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

from bench.harness import Row, Spread
from bench.place import OVERLAY, Place, delete_group, name, text
from bench.scale import LARGE, Scale
from tests.daemon_notify.manager import Manager
from tests.lab import eventually
from tests.storms.vitals import forget_peak, overruns, peak, processor, resident, turns
from tests.storms.weather import Storm, deaf, learning, teaching, writing
from vxland.identity import pair_device

WATCHDOG = 2.0  # seconds that the service manager allows, so that a sign of life is due each second
SILENCE = 5.0  # seconds: five times what is due, a twelfth of what the unit allows (WatchdogSec=)
SETTLED = 5.0  # seconds
FEW = 10  # turns
TOGETHER = 4  # times that a file is written for each turn, at least
FOLLOW_UP = 5.0  # seconds between turns, at least, while what happens is put right without one
GROWN = 1.5  # times the memory before
ENOUGH = 0.95  # of a storm's rate, which the machine must reach
EVENTS, WRITES = 1000, 50  # a second
LOST = 100_000  # events while nobody reads them
HALF = 77  # a group of devices, of which nobody else knows
PATIENCE = 300.0


@dataclass(frozen=True, slots=True)
class _Weather:
    """A storm, by name; ``rage`` returns since when the daemon could give signs of life."""

    name: str
    rage: Callable[[Place], float]
    turns: float = FEW  # at most
    loses: bool = False  # whether the kernel must have dropped events, or it was another storm


def rows(scale: Scale) -> Iterator[Row]:
    """Each storm at the largest mesh."""
    with (
        Manager(scale.folder / "manager") as manager,
        Place("storms", scale.folder / "storms") as place,
    ):
        place.write(text(LARGE))
        place.start(environment=manager.environment(WATCHDOG))
        place.settled()
        for weather in _weathers(scale):
            eventually(lambda: _is_whole(place), "all is well", patience=PATIENCE, pause=0.05)
            time.sleep(scale.pause)
            yield from _rows(weather, place, manager)
        place.stop()


def _weathers(scale: Scale) -> Iterator[_Weather]:
    texts = [text(peers) for peers in (LARGE - 1, LARGE)]
    yield _Weather(f"{LARGE:,} deletions at once", _all_deleted)
    yield _Weather(
        f"{EVENTS:,} learned addresses a second",
        lambda place: _last(learning(place, EVENTS), scale.storm, EVENTS),
    )
    yield _Weather(
        f"{EVENTS:,} entries by hand a second",
        lambda place: _last(teaching(place, EVENTS), scale.storm, EVENTS),
        turns=FEW + scale.storm / FOLLOW_UP,
    )
    yield _Weather(
        f"a file written {WRITES} times a second",
        lambda place: _last(writing(place, WRITES, texts), scale.seconds, WRITES),
        turns=FEW + scale.seconds * WRITES / TOGETHER,
    )
    unread = f"{LOST:,} events unread, half of the tunnels deleted"
    yield _Weather(unread, _unread, loses=True)


def _rows(weather: _Weather, place: Place, manager: Manager) -> Iterator[Row]:
    row = partial(Row, peers=LARGE)
    manager.forget()
    forget_peak(place)
    before, lost = turns(place), overruns(place)
    memory, busy = resident(place), processor(place)
    started = time.monotonic()
    able = weather.rage(place)
    over = time.monotonic()
    eventually(lambda: _is_whole(place), "all is well", patience=PATIENCE, pause=0.02)
    whole, taken, lost = time.monotonic(), turns(place) - before, overruns(place) - lost
    busy = processor(place) - busy
    heard = (sign for sign in list(manager.alive) if sign > able)
    signs = pairwise((able, *heard, time.monotonic()))
    silence = max(later - sooner for sooner, later in signs)
    what = f"storm: {weather.name}"
    settling = Spread((whole - over,))
    yield row(f"{what}, until all is well again", figure=settling, limit=SETTLED)
    yield row(f"{what}, turns", figure=Spread((taken,)), unit="", limit=weather.turns)
    least = 1.0 if weather.loses else None
    dropped = Spread((float(lost),))
    yield row(
        f"{what}, times that events were lost", figure=dropped, unit="", limit=least, least=True
    )
    share = 100 * busy / (whole - started)
    yield row(f"{what}, of one core", figure=Spread((share,)), unit="%")
    yield row(
        f"{what}, memory",
        figure=Spread((peak(place),)),
        unit="B",
        reference=Spread((memory,)),
        against="before",
        limit=GROWN,
    )
    yield row(f"{what}, the watchdog's wait", figure=Spread((silence,)), limit=SILENCE)


def _last(weather: AbstractContextManager[Storm], seconds: float, rate: int) -> float:
    """Raises RuntimeError where less happened than should: that was another storm."""
    with weather as storm:
        started = time.monotonic()
        time.sleep(seconds)
        reached = storm.count / (time.monotonic() - started)
    if reached < ENOUGH * rate:
        message = f"{reached:.0f} a second instead of {rate:,}"
        raise RuntimeError(message)
    return started


def _all_deleted(place: Place) -> float:
    started = time.monotonic()
    with place.entered():
        delete_group()
    return started


def _unread(place: Place) -> float:
    devices = (pair_device(OVERLAY, name(number)) for number in range(2, LARGE // 2 + 2))
    lines = "".join(f"link set {device} group {HALF}\n" for device in devices)
    with deaf(place, LOST):
        place.sh(f"ip -batch - <<'END'\n{lines}END")
        with place.entered():
            delete_group(HALF)
    return time.monotonic()


def _is_whole(place: Place) -> bool:
    """Whether the kernel has all tunnels up, and the daemon says that all is in sync."""
    up = place.sh("ip -br link show type vxlan up").count("\n")
    return up == LARGE and place.in_sync()
