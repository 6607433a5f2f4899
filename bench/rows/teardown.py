"""Teardown: ``vxland down``'s own work, against the kernel deleting the same as one group."""

import time
from collections.abc import Iterator
from functools import partial

from bench.harness import Row, in_turns
from bench.place import Place, clean, delete_group
from bench.scale import LARGE, Scale, Size
from bench.turns import Turns
from vxland.execution import execute
from vxland.kernel.link_table import LinkTable
from vxland.kernel.linux import LinuxKernel
from vxland.kernel.netlink import Netlink
from vxland.ownership import KINDS
from vxland.plan import plan_teardown

LIMIT = 1.3


def rows(scale: Scale) -> Iterator[Row]:
    """Each size."""
    with Place("down", scale.folder) as place, place.entered():
        for size in scale.sizes():
            ways = {
                "vxland": partial(_down, size),
                "group": partial(_as_group, size),
            }
            seen = in_turns(ways, scale.rounds)
            yield Row(
                size.of("teardown"),
                size.peers,
                seen["vxland"],
                reference=seen["group"],
                against="one group",
                limit=size.limit({LARGE: LIMIT}),
            )


def _down(size: Size) -> float:
    with Turns(size.peers, size.mode) as turns:
        turns.turn()
    started = time.perf_counter()
    with LinuxKernel() as kernel:
        outcomes = execute(plan_teardown(kernel.holdings()), kernel)
    took = time.perf_counter() - started
    if failed := [outcome for outcome in outcomes if outcome.failure]:
        message = f"{len(failed)} operations failed: {failed[0]}"
        raise RuntimeError(message)
    _all_gone()
    return took


def _as_group(size: Size) -> float:
    with Turns(size.peers, size.mode) as turns:
        turns.turn()
    started = time.perf_counter()
    delete_group()
    took = time.perf_counter() - started
    _all_gone()
    clean()
    return took


def _all_gone() -> None:
    """Raises RuntimeError where anything is left."""
    with Netlink() as netlink:
        links = LinkTable().refresh(netlink)
    if left := [link.name for link in links.values() if link.kind in KINDS]:
        message = f"{len(left)} devices are left, {left[0]} among them"
        raise RuntimeError(message)
