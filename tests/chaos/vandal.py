"""A vandal at work: one shell that does what was drawn for it, deed after deed."""

import shlex
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Self

from tests.chaos.deeds import Deed
from tests.lab import Server

BOUND = ("setpriv", "--pdeathsig", "KILL", "--")
DEED = """\
sleep {pause}
echo "$(date +%T.%N) {node} {told}"
nsenter --net={namespace} -- sh -c {script}
"""


class AtWork:
    """The process, while it is entered; what it did can be read in its log, with the moments."""

    def __init__(
        self, name: str, deeds: Iterable[Deed], servers: dict[int, Server], folder: Path
    ) -> None:
        self.log = folder / f"{name}.log"
        self._script = folder / f"{name}.sh"
        lines = (_lines(deed, servers[deed.node.number]) for deed in deeds)
        self._script.write_text("".join(lines))
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [*BOUND, "sh", str(self._script)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.DEVNULL,  # much of it meets what another vandal left
                start_new_session=True,
            )
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End it where it is."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    @property
    def deeds(self) -> int:
        """How many it has begun."""
        return len(self.log.read_text().splitlines()) if self.log.exists() else 0


def _lines(deed: Deed, server: Server) -> str:
    script = deed.script.replace("elsewhere", f"{server.name}-away")
    script = f"export F={server.config}\n{script}"
    told = " ".join(deed.script.split("\n")[-1].split())
    return DEED.format(
        pause=deed.pause,
        node=server.name,
        told=told.translate(str.maketrans("", "", "\"'`\\")).replace("$", "\\$"),
        namespace=server.path,
        script=shlex.quote(script),
    )
