"""When to try again what failed: soon at first, then ever more rarely, never all at once."""

from collections.abc import Callable, Hashable, Iterable
from typing import Generic, TypeVar

from msgspec import Struct, field

Key = TypeVar("Key", bound=Hashable)

FIRST = 0.5  # seconds
LONGEST = 60.0  # seconds


class Pause(Struct, frozen=True):
    """How often something failed in a row, and when it may be tried again (monotonic seconds)."""

    failures: int
    until: float


class Backoff(Struct, Generic[Key]):
    """Exponential delays with jitter, one for each key that failed.

    ``jitter`` gives a number from 0 to 1; a delay is between half and all of its nominal length.
    """

    jitter: Callable[[], float]
    _pauses: dict[Key, Pause] = field(default_factory=dict)

    def failed(self, keys: Iterable[Key], now: float) -> None:
        """These were tried and failed."""
        for key in keys:
            failures = self._pauses[key].failures + 1 if key in self._pauses else 1
            nominal = min(LONGEST, FIRST * 2 ** min(failures - 1, 16))
            self._pauses[key] = Pause(failures, now + nominal * (0.5 + self.jitter() / 2))

    def succeeded(self, keys: Iterable[Key]) -> None:
        """These were tried and went well."""
        if self._pauses:
            for key in keys:
                self._pauses.pop(key, None)

    def drop_stale(self, now: float) -> None:
        """Forget what was due and wasn't tried again: nobody wants it any more."""
        self._pauses = {key: pause for key, pause in self._pauses.items() if pause.until > now}

    def forget(self) -> None:
        """Try everything again at once: something new is known."""
        self._pauses.clear()

    def held(self, now: float) -> frozenset[Key]:
        """What isn't to be tried yet."""
        return frozenset(key for key, pause in self._pauses.items() if pause.until > now)

    def next(self, now: float) -> float | None:
        """When something may be tried again; None where nothing waits."""
        return min((p.until for p in self._pauses.values() if p.until > now), default=None)
