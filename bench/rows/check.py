"""A full check that finds nothing, against reading the same state raw.

Both are all work and no waiting, so that the processor's time is what counts: on a busy machine
the clock on the wall tells of others.
"""

import time
from collections.abc import Iterator
from functools import partial

from bench.harness import Row, Way, in_turns
from bench.place import MESH, SHARED, Place
from bench.scale import LARGE, Scale
from bench.turns import Turns
from vxland.kernel import addresses, fdb, links
from vxland.kernel.generation import Generation
from vxland.kernel.netlink import Netlink

LIMIT = 2.0
SETTLED = 2.0  # seconds until the kernel has told all that follows from a new device


def rows(scale: Scale) -> Iterator[Row]:
    """A mesh, and shared mode, at each size."""
    for peers in scale.meshes:
        limit = LIMIT if peers >= LARGE else None
        yield _row("a check that finds nothing", peers, MESH, scale, limit)
    for peers in scale.shared:
        yield _row("a check that finds nothing, shared", peers, SHARED, scale)


def _row(what: str, peers: int, mode: str, scale: Scale, limit: float | None = None) -> Row:
    with (
        Place("check", scale.folder) as place,
        place.entered(),
        Turns(peers, mode) as turns,
    ):
        turns.turn()
        time.sleep(SETTLED)
        turns.turn()
        ways: dict[str, Way] = {"vxland": partial(_turn, turns), "raw": raw}
        seen = in_turns(ways, scale.rounds * 3)
    return Row(
        what,
        peers,
        seen["vxland"],
        reference=seen["raw"],
        against="reading it raw",
        limit=limit,
    )


def _turn(turns: Turns) -> float:
    started = time.process_time()
    report, _ = turns.turn()
    took = time.process_time() - started
    if report.outcomes:
        message = f"something was done: {report.outcomes[:3]}"
        raise RuntimeError(message)
    return took


def raw() -> float:
    """Read links without statistics, forwarding entries, addresses, the rules' generation."""
    with Netlink() as netlink, Generation() as generation:
        started = time.process_time()
        for table in (links, fdb, addresses):
            netlink.dump(table.dump_request())
        generation.read()
        return time.process_time() - started
