"""Whether somebody has a configuration file open for writing: then it may be half of one.

A read lease (fcntl(2), F_SETLEASE) is granted only while nobody has. It is given back at once; who
opens the file in that moment breaks it, which sends SIGIO: the daemon ignores that.
"""

import errno
import fcntl
import os
from pathlib import Path


def is_being_written(path: Path) -> bool:
    """Whether PATH or a file of PATH.d is. False also where that can't be found out."""
    folder = Path(f"{path}.d")
    try:
        files = [path, *sorted(folder.glob("*.toml"))]
    except OSError:
        files = [path]
    return any(map(_has_writer, files))


def _has_writer(file: Path) -> bool:
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except OSError as error:  # EACCES: somebody else's file, and no CAP_LEASE; EINVAL: no leases
        return error.errno == errno.EAGAIN
    finally:
        os.close(descriptor)
    return False
