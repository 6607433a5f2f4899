"""Cold convergence: from a look at nothing to all tunnels up and guarded.

What has a limit is a running daemon's turn, since it is what the floor can be held against. From
the exec of a program that begins with nothing it is told without one.
"""

import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from itertools import count
from pathlib import Path

from bench.floor import Floor
from bench.harness import Row, Way, in_turns
from bench.networkd import booted
from bench.place import MESH, SHARED, Place, clean, text
from bench.references import by_ip_batch, by_pyroute2, by_script, flood_by_batch
from bench.scale import LARGE, Scale
from bench.turns import Turns
from tests.lab.server import VXLAND
from vxland.config.load import load
from vxland.process.doorbell import Trigger
from vxland.process.litter import left_lying

MESH_LIMIT, SHARED_LIMIT = 1.3, 1.5
SMALL = 100  # peers: of fewer there is no limit


def rows(scale: Scale) -> Iterator[Row]:
    """A mesh, and shared mode, at each size."""
    yield from _meshes(scale)
    yield from _shared(scale)
    yield from _whole(scale)


def _meshes(scale: Scale) -> Iterator[Row]:
    with ExitStack() as stack:
        networkd = stack.enter_context(booted()) if scale.networkd else None
        place = stack.enter_context(Place("cold", scale.folder))
        stack.enter_context(place.entered())
        for peers in scale.meshes:
            others: dict[str, Way] = {
                "ip -batch": partial(by_ip_batch, place, peers),
                "plain pyroute2": partial(by_pyroute2, place, peers),
            }
            if peers <= scale.scripted:
                others["the script"] = partial(by_script, place, peers)
            if networkd is not None:
                others["systemd-networkd"] = partial(networkd, peers)
            limit = None if peers < SMALL else MESH_LIMIT
            yield _row(peers, MESH, scale, others, limit)


def _shared(scale: Scale) -> Iterator[Row]:
    with Place("cold-shared", scale.folder) as place, place.entered():
        for peers in scale.shared:
            batch: dict[str, Way] = {"bridge -batch": partial(flood_by_batch, place, peers)}
            limit = None if peers < LARGE else SHARED_LIMIT
            yield _row(peers, SHARED, scale, batch, limit)


def _whole(scale: Scale) -> Iterator[Row]:
    with Place("cold-exec", scale.folder) as place, place.entered():
        for peers in scale.meshes:
            place.write(text(peers))
            way = _from_nothing(partial(_from_exec, place))
            seen = in_turns({"vxland apply": way}, scale.rounds)
            yield Row("from exec to all up, mesh", peers, seen["vxland apply"])


def _row(peers: int, mode: str, scale: Scale, others: dict[str, Way], limit: float | None) -> Row:
    converging = partial(converge, peers, mode, scale.folder / "cold.toml", count(2, peers))
    ways: dict[str, Way] = {"vxland": converging, "floor": Floor(peers, mode)}
    ways |= others
    rounds, pairs = scale.rounds, scale.pairs // 2
    if peers < LARGE:
        rounds, pairs = scale.rounds * scale.more, scale.pairs
    ways = {name: _from_nothing(way) for name, way in ways.items()}
    seen = in_turns(ways, rounds, scale.slow, pairs)
    return Row(
        f"cold convergence, {mode}",
        peers,
        seen.pop("vxland"),
        reference=seen.pop("floor"),
        against="floor",
        limit=limit,
        others=seen,
    )


def converge(peers: int, mode: str, path: Path, firsts: Iterator[int]) -> float:
    """A reconciler's first turn; returns its seconds.

    The file has other peers each time, so that what is remembered of names and addresses is what
    reading it leaves. Nor is garbage looked for: a daemon begins that once it has had this turn.
    """
    path.write_text(text(peers, mode, first=next(firsts)))
    with Turns(peers, mode, wanted=load(path)) as turns, left_lying():
        report, took = turns.turn(Trigger.START)
    if report.failures or not report.in_sync:
        message = f"not in sync: {report.problems[:3]}"
        raise RuntimeError(message)
    return took


def _from_exec(place: Place) -> float:
    """A process that reads the file, makes everything and ends; returns its seconds."""
    command = place.command(str(VXLAND), "apply", "--config", str(place.config))
    started = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - started


def _from_nothing(way: Way) -> Way:
    def timed() -> float:
        try:
            return way()
        finally:
            clean()

    return timed
