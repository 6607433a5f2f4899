"""sd_notify(3): what the service manager is told. Without one, every call does nothing."""

import os
import time

from systemd import daemon

SELDOM = 1.0  # seconds between two words about one turn
EXTENSION = 60_000_000  # microseconds until the next word, at most: as WatchdogSec= has it


class Notifier:
    """Speaks to systemd, if the process was started by it."""

    def __init__(self) -> None:
        self._status = ""
        self._worked = -SELDOM  # when that was said, in monotonic seconds

    def watchdog_interval(self) -> float | None:
        """How often ``alive`` must be called, in seconds: half of what the unit allows."""
        microseconds = os.environ.get("WATCHDOG_USEC", "")
        ours = os.environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        return int(microseconds) / 2e6 if ours and microseconds.isdigit() else None

    def ready(self) -> None:
        """The start, or a reload, is over."""
        daemon.notify("READY=1")

    def reloading(self) -> None:
        """A reload begins."""
        daemon.notify(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self) -> None:
        """The end begins."""
        daemon.notify("STOPPING=1")

    def alive(self) -> None:
        """The reconciler's loop turns."""
        daemon.notify("WATCHDOG=1")

    def working(self) -> None:
        """A turn goes on: neither the start nor a sign of life is overdue. Often said in vain.

        A hundred thousand flood entries take the kernel minutes, before READY, too.
        """
        if (now := time.monotonic()) - self._worked >= SELDOM:
            self._worked = now
            daemon.notify(f"WATCHDOG=1\nEXTEND_TIMEOUT_USEC={EXTENSION}")

    def status(self, text: str) -> None:
        """A line for a person; said only when it changes."""
        if text != self._status:
            self._status = text
            daemon.notify(f"STATUS={text}")
