"""A server: a namespace with an underlay address, a configuration, and perhaps a daemon."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.lab.namespaces import RUN, Namespace
from tests.lab.waiting import eventually
from vxland.control.client import NotRunning, Silent, ask

VXLAND = Path(sys.executable).with_name("vxland")
BOUND = ("setpriv", "--pdeathsig", "KILL", "--")  # a daemon ends with the thread that started it
UNBOUND = ()


class Server(Namespace):
    """One of the machines that vxland runs on."""

    def __init__(self, name: str, folder: Path) -> None:
        super().__init__(name)
        folder.mkdir(parents=True, exist_ok=True)
        self.config = folder / "vxland.toml"
        self.log = folder / "vxland.log"
        self.daemon: subprocess.Popen[bytes] | None = None

    def write(self, text: str) -> None:
        """Save the configuration as an editor does: whole, by rename."""
        new = self.config.with_suffix(".new")
        new.write_text(text, encoding="utf-8")
        new.replace(self.config)

    def vxland(self, *words: str, check: bool = False) -> subprocess.CompletedProcess[str]:
        """Run a command of vxland's with this server's configuration."""
        command = [str(VXLAND), *words, "--config", str(self.config)]
        return self.run(command, check=check)

    def start(
        self,
        *,
        wait: bool = True,
        environment: Mapping[str, str] | None = None,
        before: Sequence[str] = BOUND,
    ) -> None:
        """Start the daemon, and wait until it answers.

        ``before`` are words before the command, which must run it in their own place.
        """
        run = self.command(str(VXLAND), "run", "--config", str(self.config))
        with self.log.open("ab") as log:
            self.daemon = subprocess.Popen(
                [*before, *run],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                env={**os.environ, **(environment or {})},
                start_new_session=True,  # Ctrl-C isn't for it
            )
        if wait:
            eventually(lambda: "overlays" in self.status(), f"{self.name}: the daemon answers")

    def stop(self, *, kill: bool = False) -> int | None:
        """End the daemon, by SIGKILL where asked to; returns its exit status."""
        if self.daemon is None:
            return None
        if kill:
            self.daemon.kill()
        else:
            self.daemon.terminate()
        status = self.daemon.wait(timeout=30)
        self.daemon = None
        return status

    @property
    def runtime(self) -> Path:
        """The daemon's folder under /run."""
        return RUN / "vxland" / f"net-{self.path.stat().st_ino}"

    def ask(self, wish: str) -> dict[str, Any]:
        """The daemon's answer, as the command line gets it; empty where there is none."""
        if self.daemon is not None and self.daemon.poll() is not None:
            message = f"{self.name}: the daemon ended:\n{self.tail()}"
            raise AssertionError(message)
        try:
            return ask(wish, self.runtime / "control.sock")
        except (NotRunning, Silent):
            return {}

    def status(self) -> dict[str, Any]:
        """The daemon's own status; empty before its first check is over."""
        status = self.ask("status")
        return {} if "error" in status else status

    def in_sync(self) -> bool:
        """Whether the daemon says that all is as wanted."""
        return bool(self.status().get("in_sync"))

    def settled(self) -> float:
        """Wait until the daemon says so; returns the seconds."""
        return eventually(
            self.in_sync, lambda: f"{self.name} is in sync; it logged:\n{self.tail()}"
        )

    def configure(self, text: str) -> None:
        """Save another configuration, have it read, and wait until all is in sync."""
        self.write(text)
        answer = self.ask("reload")
        assert answer["errors"] == [], f"{self.name} refuses its configuration: {answer['errors']}"
        self.settled()

    def tail(self, lines: int = 30) -> str:
        """The end of the daemon's log."""
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return "\n".join(text.splitlines()[-lines:])

    def delete(self) -> None:
        """End what runs here, and the namespace."""
        self.stop(kill=True)
        super().delete()
