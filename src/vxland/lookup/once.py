"""Asking once, for a command that waits: as far as that goes in a few seconds."""

import asyncio
from collections.abc import Mapping

from vxland.lookup.hosts import Hosts
from vxland.lookup.query import look_up
from vxland.underlay.names import Answer, Lookup, renewed

AT_ONCE = 32  # names: it is done once, and a thousand of them have to come in time
DEADLINE = 5.0  # seconds for all of them


def answers(names: frozenset[str], deadline: float = DEADLINE) -> dict[str, Answer]:
    """What is known of each name in the end."""
    return {
        name: renewed(Answer(), lookup)
        for name, lookup in asyncio.run(_look_up(names, deadline)).items()
    }


async def _look_up(names: frozenset[str], deadline: float) -> Mapping[str, Lookup]:
    hosts = Hosts()
    turn = asyncio.Semaphore(AT_ONCE)
    late = Lookup(reason=f"no answer within {deadline:.0f} s")
    found = dict.fromkeys(names, late)

    async def one(name: str) -> None:
        async with turn:
            found[name] = await look_up(name, hosts)

    tasks = [asyncio.create_task(one(name)) for name in sorted(names)]
    _, late_ones = await asyncio.wait(tasks, timeout=deadline)
    for task in late_ones:
        task.cancel()
    await asyncio.gather(*late_ones, return_exceptions=True)
    return found
