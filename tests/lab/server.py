"""A server: a namespace with an underlay address, a configuration, and perhaps a daemon."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.lab.namespaces import Namespace
from tests.lab.waiting import eventually

VXLAND = Path(sys.executable).with_name("vxland")


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

    def start(self, *, wait: bool = True) -> None:
        """Start the daemon, and wait until it answers."""
        with self.log.open("ab") as log:
            self.daemon = subprocess.Popen(
                self.command(str(VXLAND), "run", "--config", str(self.config)),
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
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

    def status(self) -> dict[str, Any]:
        """The daemon's own status."""
        if self.daemon is not None and self.daemon.poll() is not None:
            message = f"{self.name}: the daemon ended:\n{self.log.read_text()}"
            raise AssertionError(message)
        done = self.vxland("status", "--json")
        status: dict[str, Any] = json.loads(done.stdout) if done.stdout else {}
        return status if status.get("daemon") == "running" else {}

    def in_sync(self) -> bool:
        """Whether the daemon says that all is as wanted."""
        return bool(self.status().get("in_sync"))

    def settled(self) -> float:
        """Wait until the daemon says so; returns the seconds."""
        return eventually(
            self.in_sync, lambda: f"{self.name} is in sync; it logged:\n{self.tail()}"
        )

    def tail(self, lines: int = 30) -> str:
        """The end of the daemon's log."""
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return "\n".join(text.splitlines()[-lines:])

    def delete(self) -> None:
        """End what runs here, and the namespace."""
        self.stop(kill=True)
        super().delete()
