"""Other processes, as far as /proc shows them (proc(5))."""

import os
from pathlib import Path

FIRST_NAMESPACE = 0xEFFFFFFC  # PROC_PID_INIT_INO, include/linux/proc_ns.h


def name_of(pid: int) -> str | None:
    """The name of a process, fit for a line of text; None where it has ended or isn't shown."""
    try:
        name = Path(f"/proc/{pid}/comm").read_text(errors="replace")
    except OSError:
        return None
    return legible(name.rstrip("\n"))


def legible(name: str) -> str:
    """A name that anybody may have chosen, without what would spoil a line."""
    return "".join(letter if letter.isprintable() else "?" for letter in name)


def is_running(pid: int) -> bool:
    """Whether there is such a process, shown or not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def has_the_kernels_numbers() -> bool:
    """Whether processes have the same numbers here as for the kernel: not so in a container."""
    return Path("/proc/self/ns/pid").stat().st_ino == FIRST_NAMESPACE
