"""A service manager as far as sd_notify(3) goes: a datagram socket that remembers what came."""

import contextlib
import socket
import time
from collections.abc import Callable
from pathlib import Path

from tests.lab import eventually
from tests.lab.worker import Worker

ALIVE = "WATCHDOG=1"


class Manager(Worker):
    """Hears what a daemon says of itself, as it is said: a sender waits until it is heard."""

    def __init__(self, path: Path) -> None:
        self.said: list[str] = []  # line by line
        self.alive: list[float] = []  # when it gave a sign of life; monotonic, in seconds
        self._path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._socket.settimeout(0.05)
        super().__init__()

    def _close(self) -> None:
        self._socket.close()

    def environment(self, watchdog: float | None = None) -> dict[str, str]:
        """What systemd sets for the daemon; ``watchdog`` is in seconds."""
        microseconds = {} if watchdog is None else {"WATCHDOG_USEC": str(int(watchdog * 1e6))}
        return {"NOTIFY_SOCKET": str(self._path), **microseconds}

    def forget(self) -> None:
        """Remember only what comes from now on."""
        self.said = []
        self.alive = []

    def wait(self, enough: Callable[[list[str]], object], what: str) -> list[str]:
        """Wait until enough was said; returns all of it. Raises AssertionError."""
        eventually(lambda: enough(list(self.said)), lambda: f"{what}; it said {self.said}")
        return list(self.said)

    def wait_for_silence(self, line: str, seconds: float) -> None:
        """Wait until a line isn't said for so long. Raises AssertionError."""
        last, count = time.monotonic(), self.said.count(line)

        def silent() -> bool:
            nonlocal last, count
            now = self.said.count(line)
            if now != count:
                last, count = time.monotonic(), now
            return time.monotonic() - last > seconds

        eventually(silent, f"{line} isn't said for {seconds} s")

    def _work(self) -> None:
        while not self.ended.is_set():
            with contextlib.suppress(TimeoutError):
                heard = self._socket.recv(4096).decode().splitlines()
                self.said += heard
                self.alive += [time.monotonic()] * heard.count(ALIVE)
