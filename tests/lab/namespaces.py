"""Network namespaces under a /run/netns that nobody else sees."""

import contextlib
import ctypes
import json
import os
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.lab.waiting import eventually

CLONE_NEWNS, CLONE_NEWNET = 0x20000, 0x40000000
MS_REC, MS_PRIVATE = 0x4000, 0x40000  # include/uapi/linux/mount.h
RUN = Path("/run")
NETNS = RUN / "netns"

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mount.argtypes = [
    ctypes.c_char_p,
    ctypes.c_char_p,
    ctypes.c_char_p,
    ctypes.c_ulong,
    ctypes.c_char_p,
]


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def own_mounts() -> None:
    """Give this process a /run of its own, so that runs side by side don't disturb each other.

    It goes with the process and its children, and nothing is left. Raises PermissionError without
    root.
    """
    if os.geteuid() != 0:
        message = "these tests make network namespaces, which needs root"
        raise PermissionError(message)
    _check(_libc.unshare(CLONE_NEWNS), "unshare")
    _check(_libc.mount(None, b"/", None, MS_REC | MS_PRIVATE, None), "mount /")
    _check(_libc.mount(b"tmpfs", bytes(RUN), b"tmpfs", 0, b"mode=755"), f"mount {RUN}")


class Namespace:
    """A network namespace with its loopback up."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._make()
        self.sh("ip link set lo up")

    def _make(self) -> None:
        subprocess.run(["ip", "netns", "add", self.name], check=True)

    @property
    def path(self) -> Path:
        """Where it is bound."""
        return NETNS / self.name

    def command(self, *words: str) -> list[str]:
        """A command line that runs these words inside."""
        return ["nsenter", f"--net={self.path}", "--", *words]

    def run(self, words: Sequence[str], *, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a program inside."""
        done = subprocess.run(
            self.command(*words), capture_output=True, text=True, check=False, timeout=60
        )
        if check and done.returncode != 0:
            message = f"{self.name}: {' '.join(words)}: {done.stderr or done.stdout}"
            raise AssertionError(message)
        return done

    def sh(self, script: str, *, check: bool = True) -> str:
        """Run a shell script inside; returns what it printed."""
        return self.run(["sh", "-ec", script], check=check).stdout

    def json(self, words: str) -> list[dict[str, Any]]:
        """What an iproute2 command prints as JSON, without its empty objects."""
        return [entry for entry in json.loads(self.sh(words) or "[]") if entry]

    def link(self, name: str) -> dict[str, Any] | None:
        """A link as ``ip`` shows it; None where there is none."""
        done = self.run(["ip", "-d", "-j", "link", "show", "dev", name], check=False)
        return dict(json.loads(done.stdout)[0]) if done.returncode == 0 else None

    def await_carrier(self, name: str) -> None:
        """Wait until the kernel has noticed a link's carrier, which it does a moment late."""
        eventually(
            lambda: "NO-CARRIER" not in self.sh(f"ip -o link show dev {name}"),
            f"{self.name}: {name} has a carrier",
        )

    @contextlib.contextmanager
    def entered(self) -> Iterator[None]:
        """Be inside with this thread: sockets opened meanwhile belong to the namespace."""
        with Path("/proc/thread-self/ns/net").open("rb") as home, self.path.open("rb") as there:
            _check(_libc.setns(there.fileno(), CLONE_NEWNET), "setns")
            try:
                yield
            finally:
                _check(_libc.setns(home.fileno(), CLONE_NEWNET), "setns")

    def delete(self) -> None:
        """Take the name away; the namespace goes with its last process."""
        subprocess.run(["ip", "netns", "del", self.name], check=False, capture_output=True)
