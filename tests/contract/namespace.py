"""A network namespace for the real kernel's side, entered by this very thread."""

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CLONE_NEWNET = 0x40000000
OWN = Path("/proc/thread-self/ns/net")

_libc = ctypes.CDLL(None, use_errno=True)


@contextmanager
def fresh_namespace() -> Iterator[str]:
    """Be in a new network namespace. Gives the path of another one, to move devices to.

    Neither has a name or a link to the outside, so nothing needs to be cleaned up. Raises
    PermissionError without root.
    """
    with OWN.open("rb") as home:
        _unshare()
        try:
            with OWN.open("rb") as elsewhere:
                _unshare()
                for device in ("all", "default"):
                    # The kernel's own default, whatever this machine's is.
                    Path(f"/proc/sys/net/ipv4/conf/{device}/promote_secondaries").write_text("0")
                yield f"/proc/{os.getpid()}/fd/{elsewhere.fileno()}"
        finally:
            _check(_libc.setns(home.fileno(), CLONE_NEWNET), "setns")


def _unshare() -> None:
    _check(_libc.unshare(CLONE_NEWNET), "unshare (network namespaces need root)")


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
