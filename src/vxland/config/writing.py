"""Whether somebody is in the middle of writing a configuration file: then it may be half of one.

A read lease (fcntl(2), F_SETLEASE) is granted only while nobody has the file open for writing. It
is given back at once; who opens the file in that moment breaks it, which sends SIGIO: the daemon
ignores that. Leases are for a file's owner and for CAP_LEASE; without, and where a file system
has none, it goes by what was seen to change and not to be closed.

Either way a program that keeps a file open for ever isn't waited for: see PATIENCE.
"""

import errno
import fcntl
import os
import time
from collections.abc import Container
from pathlib import Path

from vxland.config.source import folder_of

PATIENCE = 60.0  # seconds since the last change, after which a file is whole though it isn't closed


def is_being_written(path: Path, unclosed: Container[Path] = ()) -> bool:
    """Whether PATH or a file of PATH.d is. False also where that can't be found out.

    ``unclosed`` are real paths of files that were changed and not closed since.
    """
    try:
        files = [path, *sorted(folder_of(path).glob("*.toml"))]
    except OSError:
        files = [path]
    return any(_has_writer(file, unclosed) for file in files)


def _has_writer(file: Path, unclosed: Container[Path]) -> bool:
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        if abs(time.time() - os.fstat(descriptor).st_ctime) > PATIENCE:
            return False
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except OSError as error:  # EACCES: somebody else's file; EINVAL: no leases here
        return error.errno == errno.EAGAIN or Path(os.path.realpath(file)) in unclosed
    finally:
        os.close(descriptor)
    return False
