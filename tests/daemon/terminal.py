"""A terminal in which a command of vxland's runs, as a person has it before them."""

import fcntl
import os
import pty
import signal
import struct
import subprocess
import termios
from collections.abc import Mapping
from typing import Self

from tests.lab import Server, eventually
from tests.lab.server import VXLAND

COLOURS = {"TERM": "xterm-256color"}
HEEDFUL = ("env", "--default-signal=INT")  # a shell's background job would not hear of Ctrl-C


class Terminal:
    """So many columns and lines; what is shown so far is ``shown``."""

    def __init__(
        self, server: Server, *words: str, size: tuple[int, int] = (100, 30), **changes: str
    ) -> None:
        self.shown = ""
        kept = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "COLUMNS", "LINES")}
        environment: Mapping[str, str] = {**kept, **COLOURS, **changes}
        self._master, slave = pty.openpty()
        columns, lines = size
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self.process = subprocess.Popen(
            server.command(*HEEDFUL, str(VXLAND), *words, "--config", str(server.config)),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=environment,
            start_new_session=True,
        )
        os.close(slave)
        os.set_blocking(self._master, False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self._master)

    def read(self) -> str:
        """What was shown since the last time; all of it is kept, too."""
        new = b""
        while True:
            try:
                part = os.read(self._master, 1 << 16)
            except (BlockingIOError, OSError):  # nothing yet; or it has ended (EIO)
                break
            if not part:
                break
            new += part
        text = new.decode(errors="replace")
        self.shown += text
        return text

    def awaits(self, *words: str) -> str:
        """Wait for these to be shown from now on; returns what was."""
        seen: list[str] = []

        def there() -> bool:
            seen.append(self.read())
            return all(word in "".join(seen) for word in words)

        eventually(there, lambda: f"{words} shown; there was:\n{''.join(seen)}")
        return "".join(seen)

    def ended(self) -> int:
        """Wait for its end; returns the exit status."""
        eventually(lambda: (self.read(), self.process.poll())[1] is not None, "it ends")
        self.read()
        return int(self.process.returncode)

    def interrupt(self) -> int:
        """Ctrl-C; returns the exit status."""
        os.killpg(self.process.pid, signal.SIGINT)
        return self.ended()
