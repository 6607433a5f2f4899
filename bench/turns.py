"""A reconciliation in this process, without the daemon around it: what a turn itself costs."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from bench.place import settings
from vxland.doorbell import Trigger
from vxland.kernel.events import LinkEvents
from vxland.kernel.linux import LinuxKernel
from vxland.names import Answer
from vxland.probe.managers import Patrol
from vxland.reconciler import Reconciler
from vxland.report import Report
from vxland.settings import Settings


@dataclass
class _File:
    """A file that has been read."""

    settings: Settings
    path: str = "/etc/vxland.toml"
    problem: str | None = None

    def is_being_written(self) -> bool:
        return False

    def read(self) -> Settings:
        return self.settings


@dataclass
class _NoNames:
    asked: list[frozenset[str]] = field(default_factory=list)

    def answers(self, names: frozenset[str]) -> Mapping[str, Answer]:
        self.asked.append(names)
        return {}

    def hurry(self) -> None:
        """Nobody is asked."""


class _Others(Patrol):
    """Files are looked at as the daemon does; nobody is seen changing anything.

    The kernel is listened to if there are ``events``.
    """

    def __init__(self, events: LinkEvents[Trigger] | None) -> None:
        super().__init__()
        self._events = events

    def culprit(self, *, rules: bool, within: float) -> str | None:
        del rules, within
        return None

    def touched(self) -> frozenset[int] | None:
        """The devices that notifications were about."""
        if self._events is None:
            return None
        self._events.drain()
        return self._events.touched

    def forget(self) -> None:
        """They are about to be looked at."""
        if self._events is not None:
            self._events.forget()


class Turns:
    """A reconciler of so many peers for the namespace of this thread."""

    def __init__(self, peers: int, mode: str, events: LinkEvents[Trigger] | None = None) -> None:
        self.kernel = LinuxKernel(keeps=True)
        wanted = settings(peers, mode)
        self.file = _File(wanted)
        self.reconciler = Reconciler(self.kernel, self.file, wanted, _NoNames(), _Others(events))

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
