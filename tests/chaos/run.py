"""Chaos from beginning to end: vandals at work under traffic, then a look at what is left."""

import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos.caretaker import Caretaker
from tests.chaos.deeds import VANDALS, blows
from tests.chaos.field import Field, prepared
from tests.chaos.lasting import Lasting, all_of
from tests.chaos.node import NODES, Node
from tests.chaos.stranger import Knocking, kept_out
from tests.chaos.vandal import AtWork
from tests.daemon.daemon_view import quiet
from tests.daemon.kernel_view import differences
from tests.lab import Server, eventually
from tests.loops.watch import Watch

RATE = 20  # broadcasts a second from each container: there are others on this machine
STORM = 100  # times that the underlay carries one frame; four are right, and wrong entries add some
PAUSE = 0.05
SECONDS = 30.0  # until all is as before, on a busy machine; 0.5 to 3 were seen


@dataclass(slots=True)
class Outcome:
    """What came of it; ``wrong`` is empty where all went well."""

    seed: int
    deeds: dict[str, int] = field(default_factory=dict)
    kills: int = 0
    frames: int = 0
    converged: float = 0.0  # seconds until all was as before
    forged: int = 0  # packets that a stranger sent
    came_in: int = 0  # of them, where the filter stood all the time
    slipped_in: int = 0  # where it was taken away now and then
    wrong: list[str] = field(default_factory=list)

    def line(self) -> str:
        """All of it in one."""
        told = ", ".join(f"{name} {count}" for name, count in self.deeds.items())
        return (
            f"seed {self.seed}: {sum(self.deeds.values())} deeds ({told}), {self.kills} daemons"
            f" killed, {self.frames} broadcasts, {self.forged} forged packets, of which"
            f" {self.came_in} came in and {self.slipped_in} where the filter was taken away;"
            f" converged in {self.converged:.1f} s; {len(self.wrong)} wrong"
        )


def chaos(folder: Path, seed: int, seconds: float) -> Outcome:
    """Let them go for so long. Raises AssertionError where it doesn't end as it began."""
    outcome = Outcome(seed)
    with prepared(folder) as stage:
        before = {node: all_of(node, stage.servers[node.number]) for node in NODES}
        with Watch(stage.site, rate=RATE) as watch, stage.stranger.knocking() as knocking:
            _vandalise(stage, outcome, folder, seconds)
            stage.restore()
            began = time.monotonic()
            stage.put_guests_back()
            for node in NODES:
                server = stage.servers[node.number]
                eventually(server.status, lambda: f"{server.name} answers:\n{server.tail()}")  # noqa: B023
                server.settled()
                stage.put_guests_back()
                eventually(
                    lambda: all_of(node, server) == before[node],  # noqa: B023
                    lambda: _differing(stage, node, before[node]),  # noqa: B023
                    pause=0.1,
                )
            outcome.converged = time.monotonic() - began
            if outcome.converged > SECONDS:
                outcome.wrong.append(f"it took {outcome.converged:.1f} s until all was as before")
            knocking.stop()
            _judge(stage, outcome, watch, knocking)
            watch.stop()
            outcome.frames = watch.sent()
            outcome.wrong += storms(watch)
        for server in stage.site.servers:
            quiet(server)
        stage.site.all_reach()
        if left := stage.left_elsewhere():
            outcome.wrong.append(f"left in other namespaces: {left}")
    return outcome


def _vandalise(stage: Field, outcome: Outcome, folder: Path, seconds: float) -> None:
    with ExitStack() as stack:
        vandals = {
            vandal.name: stack.enter_context(
                AtWork(vandal.name, vandal.deeds(outcome.seed, seconds), stage.servers, folder)
            )
            for vandal in VANDALS
        }
        began = time.monotonic()
        caretaker = Caretaker(stage.servers, blows(outcome.seed, seconds), began)
        while (now := time.monotonic()) < began + seconds:
            caretaker.care(now)
            time.sleep(PAUSE)
    outcome.kills = caretaker.kills
    outcome.deeds = {name: vandal.deeds for name, vandal in vandals.items()}


def _keeps_out(server: Server) -> None:
    before = kept_out(server)
    eventually(lambda: kept_out(server) > before, f"{server.name} keeps out")


def _judge(stage: Field, outcome: Outcome, watch: Watch, knocking: Knocking) -> None:
    """Who got in. Once all is as before nobody does, wherever the filter was taken away."""
    for node, count in knocking.came_in(watch).items():
        if node.loses_rules:
            outcome.slipped_in += count
        else:
            outcome.came_in += count
    with stage.stranger.knocking() as again:
        for server in stage.site.servers:
            _keeps_out(server)
    late = sum(again.came_in(watch).values())
    outcome.forged = knocking.sent + again.sent
    if outcome.came_in + late:
        outcome.wrong.append(f"of a stranger's {outcome.came_in} came in, and {late} at the end")


def _differing(stage: Field, node: Node, before: Lasting) -> str:
    server = stage.servers[node.number]
    lines = differences("", before, all_of(node, server))
    return "\n".join([f"{server.name} is as before", *lines, server.tail()])


def storms(watch: Watch) -> list[str]:
    """Broadcasts that came twice, or back, or that circled."""
    found = []
    for name, source in watch.sources.items():
        for other, listener in watch.listeners.items():
            most = listener.copies(source.number)
            if most > (other != name):
                found.append(f"{other} got {most} copies of a broadcast from {name}")
        if (most := watch.underlay.copies(source.number)) > STORM:
            found.append(f"the underlay carried a broadcast from {name} {most} times")
    return found
