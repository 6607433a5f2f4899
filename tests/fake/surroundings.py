"""What a reconciler works with besides its kernel, where there is little else."""

from collections.abc import Mapping
from dataclasses import dataclass

from vxland.kernel.events import LinkEvents
from vxland.process.doorbell import Trigger
from vxland.settings import Settings
from vxland.underlay.names import Answer


@dataclass
class File:
    """A configuration that has been read."""

    settings: Settings
    path: str = "/etc/vxland.toml"
    problem: str | None = None

    def is_being_written(self) -> bool:
        return False

    def read(self) -> Settings:
        return self.settings


class NoNames:
    """Peers have addresses, so nobody is asked for names."""

    def answers(self, names: frozenset[str]) -> Mapping[str, Answer]:
        del names
        return {}

    def hurry(self) -> None:
        """There is nobody to hurry."""


class Notified:
    """The kernel is listened to if there are ``events``; nobody is seen changing anything."""

    def __init__(self, events: LinkEvents[Trigger] | None) -> None:
        self._events = events

    def culprit(self, *, rules: bool, within: float) -> str | None:
        del rules, within
        return None

    def touched(self) -> frozenset[int] | None:
        """The devices that notifications were about; None where nobody listens."""
        if self._events is None:
            return None
        self._events.drain()
        return self._events.touched

    def leaving(self) -> frozenset[int]:
        """Those of which something went."""
        return frozenset() if self._events is None else self._events.leaving

    def forget(self) -> None:
        """They are about to be looked at."""
        if self._events is not None:
            self._events.forget()
