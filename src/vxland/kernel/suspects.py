"""Who changed something lately, as far as the kernel's notifications name them."""

from collections import Counter, deque

from msgspec import Struct

from vxland.kernel.processes import legible

MEMORY = 64  # suspects remembered


class _Change(Struct, frozen=True):
    at: float
    name: str
    pid: int


class Suspects:
    """The processes that changed something lately, as far as the kernel names them."""

    def __init__(self) -> None:
        self._changes: deque[_Change] = deque(maxlen=MEMORY)

    def note(self, name: str, pid: int, now: float) -> None:
        """Remember a change; ``now`` is monotonic, in seconds."""
        self._changes.append(_Change(now, legible(name), pid))

    def likely(self, now: float, within: float = 10.0) -> str | None:
        """Who changed most in the last ``within`` seconds, like ``ebtables (pid 123)``.

        A program that is run again and again counts as one; the pid is that of its last run.
        """
        recent = [change for change in reversed(self._changes) if now - change.at <= within]
        for name, _ in Counter(change.name for change in recent).most_common(1):
            pid = next(change.pid for change in recent if change.name == name)
            return f"{name} (pid {pid})"
        return None
