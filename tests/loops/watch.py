"""Every container shouts all the time, and every copy is counted."""

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Self

from tests.lab import BROADCAST, Container, Flow, Listener, Lost, Site, Tap, eventually

RATE = 300  # broadcasts a second from each container


class Watch:
    """A broadcast source and a tap at each container, and a tap on the underlay."""

    def __init__(
        self, site: Site, sources: Sequence[Container] | None = None, rate: int = RATE
    ) -> None:
        self.site = site
        containers = site.containers if sources is None else sources
        self.sources = {c.name: Flow(c, BROADCAST, rate) for c in containers}
        self.listeners = {container.name: Listener(container) for container in site.containers}
        ports = [f"p{number}" for number in range(1, len(site.servers) + 1)]
        self.underlay = Tap(site.underlay, ports)
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        for tap in (*self.listeners.values(), self.underlay):
            self._stack.enter_context(tap)
        for source in self.sources.values():
            self._stack.enter_context(source)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def sent(self) -> int:
        """How many frames there were so far."""
        return sum(source.sent for source in self.sources.values())

    def stop(self) -> None:
        """Shout no more, and wait until nothing arrives any more."""
        for source in self.sources.values():
            source.stop()
        self.silence()

    def silence(self) -> None:
        """Wait until nothing arrives any more; a storm, which doesn't end by itself, is ended."""
        before = -1

        def still() -> bool:
            nonlocal before
            count = sum(tap.seen.total() for tap in (*self.listeners.values(), self.underlay))
            same, before = count == before, count
            return same

        try:
            eventually(still, "nothing is on its way any more", pause=0.2)
        except AssertionError:
            self.site.cut()
            raise

    def check(self, copies: int = 1, carried: int | None = None) -> None:
        """No frame came more often than this to any container, none back to where it came from.

        ``carried`` is how often the underlay may carry one: once to each other server, if nothing
        else is said.
        """
        carried = carried or len(self.site.servers) - 1
        for name, source in self.sources.items():
            assert source.sent > 0
            for other, listener in self.listeners.items():
                most = listener.copies(source.number)
                allowed = 0 if other == name else copies
                assert most <= allowed, f"{other} got {most} copies of a broadcast from {name}"
            most = self.underlay.copies(source.number)
            assert most <= carried, f"the underlay carried a broadcast from {name} {most} times"

    def check_complete(self) -> None:
        """Every broadcast came to every other container, exactly once. Raises Lost for the rest."""
        self.check()
        for name, source in self.sources.items():
            for other, listener in self.listeners.items():
                if other != name and source.lost(listener):
                    raise Lost(f"{other} lacks {source.lost(listener)} broadcasts from {name}")
