"""A flag that says that a writer is at work in this network namespace, and that nobody can delete.

It is a name among abstract sockets (unix(7)): these are a network namespace's, whatever there is
under /run, and the kernel takes the name back when its holder dies. Anybody may take it, so only
users are believed that could have the lock: beside others' the lock alone has to do.
"""

import contextlib
import errno
import os
import socket
import struct
import time
from collections.abc import Container

from vxland.process.closing import Closing

NAME = "\0vxland/writer"
WAITING = 128  # who have asked whose it is, and aren't forgotten yet
LOOKS, PAUSE = 20, 0.01  # seconds between them: for a holder that has just come, or is about to go
UCRED = struct.Struct("=iII")  # struct ucred: pid, uid, gid
UNKNOWN = "process unknown"  # of another PID namespace, say


class Flag(Closing):
    """One process's. Until it is hoisted, and after it was closed, nobody sees it."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)

    def close(self) -> None:
        """Take it down."""
        self._socket.close()

    def hoist(self, trusted: Container[int]) -> str | None:
        """Show it. Returns whose is shown already, if that is one of these users (by number)'s.

        Where it can't be shown, there is none.
        """
        for _ in range(LOOKS):
            try:
                self._socket.bind(NAME)
                self._socket.listen(WAITING)
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    return None
            else:
                return None
            try:
                process, user = _holder()
            except ConnectionRefusedError:
                time.sleep(PAUSE)
            except OSError:  # it lets nobody ask: no writer does that
                return None
            else:
                known = f"process {process}" if process else UNKNOWN
                return known if user in trusted else None
        return None

    def make_room(self) -> None:
        """Forget who has asked whose it is; more than WAITING couldn't ask."""
        with contextlib.suppress(OSError):  # there are no more; or no descriptors
            for _ in range(WAITING):
                self._socket.accept()[0].close()


def _holder() -> tuple[int, int]:
    """The process that listens, and its user, as the kernel has noted them. Raises OSError."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as asking:
        asking.connect(NAME)
        said = asking.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, UCRED.size)
    process, user, _ = UCRED.unpack(said)
    return process, user


def believed(folder: int) -> frozenset[int]:
    """Who may have the lock that is in a folder: root, this user, and whose the folder is."""
    return frozenset({0, os.geteuid(), os.fstat(folder).st_uid})
