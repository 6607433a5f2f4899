"""Who sees to the daemons, and does to them what was drawn."""

import signal
from collections.abc import Iterator, Mapping

from tests.chaos.deeds import Blow
from tests.lab import Server

RESTART = 0.5  # seconds until a daemon that ended is started again, as systemd does after two
FROZEN = 0.7


class Caretaker:
    """Called again and again; moments are seconds since anything."""

    def __init__(self, servers: Mapping[int, Server], blows: Iterator[Blow], now: float) -> None:
        self.kills = 0
        self._servers = servers
        self._blows = blows
        self._restarts: dict[int, float] = {}
        self._thaws: dict[int, float] = {}
        self._due = now
        self._await_next()

    def care(self, now: float) -> None:
        """Start what ended, let go what is frozen, do the next deed to a daemon if it is due."""
        for number, server in self._servers.items():
            if server.daemon is not None and server.daemon.poll() is not None:
                server.stop()
                self._restarts[number] = now + RESTART
            if server.daemon is None and now >= self._restarts.get(number, 0):
                server.start(wait=False)
            if now >= self._thaws.get(number, now + 1):
                del self._thaws[number]
                send(server, signal.SIGCONT)
        if self._next is not None and now >= self._due:
            self._do(self._next, now)
            self._await_next()

    def _await_next(self) -> None:
        self._next = next(self._blows, None)
        self._due += self._next.pause if self._next is not None else 0

    def _do(self, blow: Blow, now: float) -> None:
        self.kills += blow.signal is signal.SIGKILL
        if blow.signal is signal.SIGSTOP:
            self._thaws[blow.number] = now + FROZEN
        send(self._servers[blow.number], blow.signal)


def send(server: Server, number: signal.Signals) -> None:
    """A signal to its daemon."""
    if server.daemon is not None:
        server.daemon.send_signal(number)  # nothing happens to one that ended and wasn't seen yet
