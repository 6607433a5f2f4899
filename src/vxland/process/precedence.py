"""Repairs go first: who reads for others makes way while the loop turns."""

import contextlib
import sys
import threading
import time
from collections.abc import Iterator

LONGEST = 1.0  # seconds from the beginning: a turn that doesn't end keeps nobody waiting
SWITCH = 0.0005  # seconds until a thread that computes lets one that waits go on


class Precedence:
    """One thread takes it; others ask, between two small pieces of work, whether it is taken."""

    def __init__(self) -> None:
        self._free = threading.Event()
        self._free.set()
        self._taken_at = 0.0
        sys.setswitchinterval(SWITCH)

    @contextlib.contextmanager
    def taken(self) -> Iterator[None]:
        """Go first, for as long as this lasts."""
        self._taken_at = time.monotonic()
        self._free.clear()
        try:
            yield
        finally:
            self._free.set()

    def give_way(self) -> None:
        """Wait while somebody goes first, but not for ever: however often it is asked."""
        if not self._free.is_set():
            self._free.wait(max(0.0, self._taken_at + LONGEST - time.monotonic()))
