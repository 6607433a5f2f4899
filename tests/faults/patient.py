"""A daemon to which all sorts of things happen: its tools, its limits, its clock, its disk."""

import resource
import subprocess
import sys
from itertools import count
from pathlib import Path

from tests.faults.moved import AHEAD
from tests.faults.witness import THEIRS
from tests.lab import Server
from tests.lab.server import BOUND, VXLAND
from tests.lab.site import HEAD, config

OVERLAY = HEAD + 'guard = ["isolated", "ebtables"]\n'
CONFIG = config([1, 2, 3], OVERLAY)
DAY = 86400
TOOLS = """
mount -t tmpfs tmpfs /etc/alternatives
for word in ebtables ebtables-save ebtables-restore; do
    ln -s {tools}/ebtables-nft${{word#ebtables}} /etc/alternatives/$word
done
exec "$@"
"""
TOOL = """#!/bin/sh
case "$(cat {ways}/{name})" in
    hangs) exec sleep 60;;
    fails) echo "no way" >&2; exit 3;;
    is-killed) kill -9 $$;;
    prints-rubbish) exec head -c 100000 /dev/urandom;;
    prints-much) exec head -c 20000000 /dev/zero;;
    prints-nothing) exit 0;;
esac
exec /usr/sbin/ebtables-nft-{name} "$@"
"""


class Patient:
    """A server's daemon."""

    def __init__(self, server: Server, folder: Path) -> None:
        self.server = server
        self.ahead = folder / "ahead"
        self._ways = folder / "ways"
        tools = folder / "tools"
        for made in (self._ways, tools):
            made.mkdir()
        for name in ("save", "restore"):
            path = tools / f"ebtables-nft-{name}"
            path.write_text(TOOL.format(ways=self._ways, name=name))
            path.chmod(0o755)
            self.tool(name, "works")
        self.ahead.write_bytes(AHEAD.pack(0))
        self._script = TOOLS.format(tools=tools)
        server.sh(THEIRS)  # a rule of ebtables among it, so that ebtables-save is asked
        server.write(CONFIG)

    def start(self) -> None:
        """Start it, and wait until all is as wanted."""
        moved = ("env", f"--chdir={Path(__file__).parents[2]}", sys.executable, "-m")
        daemon = (*moved, "tests.faults.moved", str(self.ahead), str(VXLAND), "run")
        inside = (*BOUND, *daemon, "--config", str(self.server.config))
        words = ("unshare", "--mount", "sh", "-ec", self._script, "sh", *inside)
        with self.server.log.open("ab") as log:
            self.server.daemon = subprocess.Popen(
                self.server.command(*words),
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        self.server.settled()

    @property
    def pid(self) -> int:
        """The daemon's process."""
        assert self.server.daemon is not None
        return self.server.daemon.pid

    def tool(self, name: str, way: str) -> None:
        """From now on ebtables-save or -restore does so."""
        new = self._ways / f"{name}.new"
        new.write_text(way)
        new.replace(self._ways / name)

    def clock(self, ahead: float) -> None:
        """From now on the clock is so many seconds ahead."""
        with self.ahead.open("r+b") as file:
            file.write(AHEAD.pack(ahead))

    def limit(self, what: int, value: int) -> None:
        """The daemon may have this much and no more; -1: as much as before."""
        hard = resource.prlimit(self.pid, what)[1]
        resource.prlimit(self.pid, what, (hard if value < 0 else value, hard))

    def memory(self) -> int:
        """How many bytes of address space it has."""
        pages = Path(f"/proc/{self.pid}/statm").read_text().split()[0]
        return int(pages) * resource.getpagesize()

    def descriptors(self) -> int:
        """The lowest number that it has none by: with that as the limit there can be no more."""
        numbers = {int(path.name) for path in Path(f"/proc/{self.pid}/fd").iterdir()}
        return next(number for number in count() if number not in numbers)
