"""The doorbell: whatever may have changed rings, and one thread waits for it.

A ring carries no fact, only a reason to look. Rings that come together are one.
"""

import contextlib
import os
import selectors
import time
from collections.abc import Iterator
from enum import Enum
from typing import Protocol

from vxland.process.closing import Closing

LONGEST = 3600.0  # seconds in one select; epoll refuses more than some 24 days


class Trigger(Enum):
    """Why the doorbell rang."""

    START = "start"
    NETLINK = "netlink"  # links, addresses, routes, forwarding entries
    RULES = "rules"  # nftables, ebtables-nft among them
    CONFIG = "config"  # the configuration's files
    NAMES = "names"  # what host names stand for
    HANGUP = "hangup"  # SIGHUP
    INTERVAL = "interval"  # the full check even when no event came
    RETRY = "retry"  # something failed before and is due again
    REQUEST = "request"  # somebody asked by the control socket
    STOP = "stop"


class Source(Protocol):
    """Something with a descriptor that becomes readable when it has news."""

    @property
    def trigger(self) -> Trigger:
        """What it rings as."""

    def fileno(self) -> int:
        """The descriptor to wait for."""

    def drain(self) -> bool:
        """Read what waits, without blocking; True if it is worth a ring."""


class Doorbell(Closing):
    """Rung by any thread, by signal handlers and by sources; waited for by one thread.

    Each trigger has an eventfd of its own, so that ringing needs no lock and loses nothing.
    """

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._bells: dict[Trigger, int] = {}
        for trigger in Trigger:
            bell = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
            self._bells[trigger] = bell
            self._selector.register(bell, selectors.EVENT_READ, trigger)

    def ring(self, trigger: Trigger) -> None:
        """Ring, from any thread or signal handler. Never blocks; does nothing once closed."""
        bell = self._bells.get(trigger)
        if bell is not None:
            with contextlib.suppress(BlockingIOError):  # rung 2^64 times already
                os.eventfd_write(bell, 1)

    def add(self, source: Source) -> None:
        """Wait for this source too. To be called by the thread that waits, or before it does."""
        self._selector.register(source.fileno(), selectors.EVENT_READ, source)

    def wait(self, timeout: float | None) -> frozenset[Trigger]:
        """All that rang together, or the empty set after ``timeout`` seconds (None: never).

        A source that had nothing of interest doesn't end the waiting.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            left = LONGEST if deadline is None else max(0.0, deadline - time.monotonic())
            triggers = frozenset(self._rung(min(left, LONGEST)))
            if triggers or left == 0.0:
                return triggers

    def close(self) -> None:
        """Close the descriptors; the sources' own stay open. End what rings before."""
        bells, self._bells = self._bells, {}
        self._selector.close()
        for bell in bells.values():
            os.close(bell)

    def _rung(self, timeout: float) -> Iterator[Trigger]:
        for key, _ in self._selector.select(timeout):
            if isinstance(key.data, Trigger):
                os.eventfd_read(key.fd)
                yield key.data
            elif key.data.drain():
                yield key.data.trigger
