"""A reconciliation in this process, without the daemon around it: what a turn itself costs."""

import time
from types import TracebackType
from typing import Self

from bench.place import settings
from tests.fake.surroundings import File, NoNames, Notified
from vxland.kernel.events import LinkEvents
from vxland.kernel.linux import LinuxKernel
from vxland.loop.reconciler import Reconciler
from vxland.probe.managers import Patrol
from vxland.process.doorbell import Trigger
from vxland.report import Report
from vxland.settings import Settings


class _Others(Patrol, Notified):
    """Files are looked at as the daemon does."""

    def __init__(self, events: LinkEvents[Trigger] | None) -> None:
        Patrol.__init__(self)
        Notified.__init__(self, events)


class Turns:
    """A reconciler of so many peers, or as a file was read, for the namespace of this thread."""

    def __init__(
        self,
        peers: int,
        mode: str,
        events: LinkEvents[Trigger] | None = None,
        wanted: Settings | None = None,
    ) -> None:
        self.kernel = LinuxKernel(keeps=True)
        wanted = wanted or settings(peers, mode)
        self.file = File(wanted)
        self.reconciler = Reconciler(self.kernel, self.file, wanted, NoNames(), _Others(events))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kernel.close()

    def turn(self, trigger: Trigger = Trigger.INTERVAL) -> tuple[Report, float]:
        """What a turn brought, and its seconds."""
        started = time.perf_counter()
        report = self.reconciler.turn({trigger})
        return report, time.perf_counter() - started
