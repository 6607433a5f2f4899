"""A flag that says that a writer is at work in this network namespace, and that nobody can delete.

It is a name among abstract sockets (unix(7)): these are a network namespace's, whatever there is
under /run, and the kernel takes the name back when its holder has died, and what that has started.
Anybody may take it, or ask so often that nobody else can, so only users are believed that could
have the lock: beside others' the lock alone has to do. What a holder's process may do isn't asked.
The service sees no other's (ProtectProc=), and who has begun to listen may go on as a setuid
program; the user is of before.
"""

import contextlib
import errno
import os
import pwd
import socket
import struct
import time
from collections.abc import Callable

from vxland.process.closing import Closing
from vxland.process.privilege import SERVICE

NAME = "\0vxland/writer"
WAITING = 128  # who have asked whose it is, and aren't forgotten yet
LOOKS, PAUSE = 20, 0.01  # seconds between them: for a holder that has just come, or is about to go
UCRED = struct.Struct("=iII")  # struct ucred: pid, uid, gid


class Flag(Closing):
    """One process's. Until it is hoisted, and after it was closed, nobody sees it."""

    def __init__(self) -> None:
        self._socket: socket.socket | None = None

    def close(self) -> None:
        """Take it down."""
        if self._socket:
            self._socket.close()

    def hoist(self, is_believed: Callable[[int], bool]) -> int | None:
        """Show it. Returns whose is shown already, if that is such a user (by number)'s.

        That is a process, 0 if it is of a PID namespace that isn't seen from here. Where nothing
        can be shown or asked, there is none.
        """
        with contextlib.suppress(OSError):
            self._socket = self._socket or _socket()
            self._socket.set_inheritable(True)
            for _ in range(LOOKS):
                try:
                    self._socket.bind(NAME)
                    self._socket.listen(WAITING)
                except OSError as error:
                    if error.errno != errno.EADDRINUSE:
                        raise
                else:
                    return None
                try:
                    process, user = _holder()
                except ConnectionRefusedError:
                    time.sleep(PAUSE)
                else:
                    return process if is_believed(user) else None
        return None

    def make_room(self) -> None:
        """Forget who has asked whose it is; more than WAITING couldn't ask."""
        with contextlib.suppress(OSError):  # there are no more; or no descriptors
            for _ in range(WAITING):
                if self._socket:
                    self._socket.accept()[0].close()


def _socket() -> socket.socket:
    return socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)


def _holder() -> tuple[int, int]:
    """The process that listens, and its user, as the kernel has noted them. Raises OSError."""
    with _socket() as asking:
        asking.connect(NAME)
        said = asking.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, UCRED.size)
    process, user, _ = UCRED.unpack(said)
    return process, user


def believed(user: int, folder: int) -> bool:
    """Whether a user may have the lock of a folder: root, this one, the folder's, the service's.

    The service's also if it isn't the folder's: root may have made that anew.
    """
    return user in {0, os.geteuid(), os.fstat(folder).st_uid} or user == _service()


def _service() -> int | None:
    try:
        return pwd.getpwnam(SERVICE).pw_uid
    except KeyError:  # it isn't installed here
        return None
