"""What a holder of the lock has started, and what so has the lock after the holder's death.

An open file description is inherited with what is locked by it (fork(2), flock(2)).
"""

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

PROCESSES = Path("/proc")
LOCKED = re.compile(r"^lock:\s+\d+: FLOCK .* (\d+) \S+:(\d+) \S+ \S+$", re.MULTILINE)


class Heir(Struct, frozen=True):
    """A process that has inherited the lock, and which program it runs."""

    process: int
    program: str


def heirs(descriptor: int) -> Iterator[Heir]:
    """Those that have this file's lock and haven't taken it, as far as they may be looked at.

    The kernel tells who took it: 0, for nobody, once that has died (proc_pid_fdinfo(5)).
    """
    inode = str(os.fstat(descriptor).st_ino)
    for process in PROCESSES.glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has ended, or is somebody else's
            takers = {taker for taker, locked in _locked(process) if locked == inode}
            if takers - {process.name}:
                yield Heir(int(process.name), _program(process))


def _locked(process: Path) -> Iterator[tuple[str, str]]:
    """Who took each lock that it has, and the inode of what is locked."""
    for file in (process / "fdinfo").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            yield from LOCKED.findall(file.read_text(encoding="ascii", errors="replace"))


def _program(process: Path) -> str:
    name = (process / "cmdline").read_bytes().partition(b"\0")[0]
    return Path(os.fsdecode(name)).name
