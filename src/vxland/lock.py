"""One writer at a time in a network namespace, and where the daemon of a namespace is found.

Both are keyed by the namespace's inode (namespaces(7)), so several namespaces of a machine each
have their own. The lock is flock(2)'s: the kernel takes it back when its holder dies.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

RUNTIME = Path("/run/vxland")


class Busy(Exception):  # noqa: N818 - a state, not a fault
    """Another writer is at work in this namespace."""

    def __init__(self, holder: str) -> None:
        super().__init__(f"vxland is already at work in this network namespace ({holder})")


def folder() -> Path:
    """This namespace's folder under /run."""
    return RUNTIME / f"net-{Path('/proc/self/ns/net').stat().st_ino}"


def make_folder() -> Path:
    """Make this namespace's folder, its owner that of /run/vxland. Raises OSError."""
    path = folder()
    RUNTIME.mkdir(mode=0o755, exist_ok=True)
    path.mkdir(mode=0o755, exist_ok=True)
    _hand_over(path)
    return path


@contextlib.contextmanager
def writer() -> Iterator[None]:
    """Be the one writer. Raises Busy where there is one, OSError where the lock can't be had."""
    path = make_folder() / "lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        _hand_over(path)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 100, 0).decode(errors="replace").strip()
            raise Busy(holder or "process unknown") from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"process {os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _hand_over(path: Path) -> None:
    """Let a daemon that isn't root use what root made."""
    owner = RUNTIME.stat()
    if os.geteuid() == 0 and path.stat().st_uid != owner.st_uid:
        os.chown(path, owner.st_uid, owner.st_gid)
