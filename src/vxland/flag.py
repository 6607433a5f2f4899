"""A flag that says that a writer is at work in this network namespace, and that nobody can delete.

It is a name among abstract sockets (unix(7)): these are a network namespace's, whatever there is
under /run, and the kernel takes the name back when its holder dies. Anybody may take it, so only
users are believed that could have the lock: without them the lock alone has to do.
"""

import errno
import os
import socket
import struct
import time
from collections.abc import Container

NAME = "\0vxland/writer"
WAITING = 128  # who asks for the holder's name, and is never let in
LOOKS, PAUSE = 20, 0.01  # seconds between them: for a holder that has just come, or is about to go
UCRED = struct.Struct("=iII")  # struct ucred: pid, uid, gid
UNKNOWN = "process unknown"  # of another PID namespace, say


def hoist(flag: socket.socket, trusted: Container[int]) -> str | None:
    """Show the flag until the socket is closed. Returns whose is shown already, if it is one's.

    ``trusted`` are the numbers of users. Where it can't be shown there is none.
    """
    for _ in range(LOOKS):
        try:
            flag.bind(NAME)
            flag.listen(WAITING)
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
