"""One writer at a time in a network namespace, and where the daemon of a namespace is found.

Both are keyed by the namespace's inode (namespaces(7)), so several namespaces of a machine each
have their own. The lock is flock(2)'s: the kernel takes it back when its holder has died, and what
that has started (kernel/child.py), which inherits it. Who can open the file can have it, so it is
for its owner alone. Should somebody delete it, or have another /run, the holder's flag is seen all
the same (flag.py), and that is inherited, too.

The folders belong to the user that the daemon runs as, and root comes here too. So that this user
can't lead root astray, nothing here is reached by a link, and all is done by descriptor.
"""

import contextlib
import errno
import fcntl
import os
import pwd
import stat
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from vxland.process.flag import Flag, believed
from vxland.process.heirs import Heir, heirs

RUNTIME = Path("/run/vxland")
FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
FILE = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
OWNERS = 0o600
LOOKS, PAUSE = 20, 0.01  # seconds between them: for a holder that hasn't said yet who it is
LONG = 1000  # looks: for what a dead one has started, and would have given half of that time
UNKNOWN = "process unknown"  # of another PID namespace, say
STOP = "systemctl stop vxland"
MISPLACED = frozenset({errno.ELOOP, errno.ENOTDIR, errno.EISDIR, errno.ENXIO, errno.EMLINK})
CURES = {
    **dict.fromkeys(MISPLACED, "It isn't vxland's: rm -r {path}"),
    errno.ENOSPC: "Delete what fills it, or make it larger: df -h {runtime}; df -i {runtime}",
    errno.EROFS: "Make it writable: mount -o remount,rw /run",
}
CURE = (  # of the rest
    "Give the folder to the user that vxland runs as:"
    " mkdir -p {runtime} && chown -R {user}: {runtime}"
)


class Busy(Exception):
    """Another writer is at work in this namespace: who it is, and what to do."""

    def __init__(self, holder: str, cure: str = f"Stop it first: {STOP}") -> None:
        super().__init__(f"vxland is already at work in this network namespace ({holder}). {cure}")


class Unusable(Exception):
    """The folder under /run, or something in it, isn't as vxland needs it."""

    def __init__(self, path: Path, error: OSError) -> None:
        cure = CURES.get(error.errno or 0, CURE).format(path=path, runtime=RUNTIME, user=_user())
        super().__init__(f"{path} can't be used: {error.strerror}. {cure}")


def folder() -> Path:
    """This namespace's folder under /run."""
    return RUNTIME / f"net-{Path('/proc/self/ns/net').stat().st_ino}"


def open_folder() -> int:
    """A descriptor of this namespace's folder, made where it isn't there. Raises Unusable."""
    path = folder()
    runtime = _open_folder(RUNTIME)
    try:
        descriptor = _open_folder(path, runtime)
        _hand_over(descriptor, runtime)
        return descriptor
    finally:
        os.close(runtime)


@contextlib.contextmanager
def writer() -> Iterator[Flag]:
    """Be the one writer, with a flag.

    Raises Busy where there is one, Unusable where the lock can't be had.
    """
    with contextlib.ExitStack() as stack:
        parent = open_folder()
        stack.callback(os.close, parent)
        descriptor = _open_lock(parent)
        stack.callback(os.close, descriptor)
        _hand_over(descriptor, parent)
        _take(descriptor)
        flag = stack.enter_context(Flag())
        _hoist(flag, parent)
        with contextlib.suppress(OSError):  # no room: it is the writer, if one without a name
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"process {os.getpid()}\n".encode(), 0)
        yield flag


def _take(descriptor: int) -> None:
    """Have the lock; what a dead holder has started is waited for. Raises Busy."""
    os.set_inheritable(descriptor, True)  # noqa: FBT003 - has no name
    if _is_had(descriptor, LOOKS):
        return
    left = [*heirs(descriptor)]
    if not left:
        raise Busy(UNKNOWN)
    if not _is_had(descriptor, LONG):
        raise _left(left)


def _is_had(descriptor: int, looks: int) -> bool:
    """Whether the lock can be had, in so many looks. Raises Busy where its holder says who it is.

    It writes itself down a moment later, over whoever had the lock before.
    """
    for _ in range(looks):
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        said, end, _ = os.pread(descriptor, 100, 0).decode(errors="replace").partition("\n")
        if end and _is_there(said.rpartition(" ")[2]):  # whole: there may have been no more room
            raise Busy(said)
        time.sleep(PAUSE)
    return False


def _hoist(flag: Flag, parent: int) -> None:
    """Show it. A dead one's stays until what that has started has ended. Raises Busy."""
    other = None
    for _ in range(LONG):
        other = flag.hoist(lambda user: believed(user, parent))
        if other is None:
            return
        if not other or _is_there(str(other)):
            break
        time.sleep(PAUSE)
    raise _shown(other)


def _left(left: Sequence[Heir]) -> Busy:
    """Somebody has killed it, and not what it had started."""
    named = ", ".join(f"process {heir.process}: {heir.program}" for heir in left)
    ended = " ".join(str(heir.process) for heir in left)
    return Busy(named, f"A vxland that was killed has started it. Wait, or end it: kill {ended}")


def _shown(process: int | None) -> Busy:
    """It has the flag and not the lock: the daemon, if somebody deleted that; or else who knows."""
    if process and _is_there(str(process)):
        holder, where = f"process {process}", f"ps -fp {process}"
    else:
        holder, where = UNKNOWN, "ss -xlp src @vxland/writer, on the machine itself"
    return Busy(holder, f"See what it is: {where}. If it is the service, stop it first: {STOP}")


def _is_there(process: str) -> bool:
    try:
        os.kill(int(process), 0)
    except PermissionError:
        return True  # another user's
    except (ValueError, OverflowError, ProcessLookupError):
        return False
    return True


def _open_folder(path: Path, parent: int | None = None) -> int:
    """Open it, made where it isn't there; readable for everybody, whatever the umask."""
    name = path if parent is None else path.name
    try:
        with contextlib.suppress(FileExistsError):
            os.mkdir(name, dir_fd=parent)
        descriptor = os.open(name, FOLDER, dir_fd=parent)
    except OSError as error:
        raise Unusable(path, error) from None
    try:
        if os.fstat(descriptor).st_uid == os.geteuid():
            os.fchmod(descriptor, 0o755)
    except OSError as error:
        os.close(descriptor)
        raise Unusable(path, error) from None
    return descriptor


def _open_lock(parent: int) -> int:
    path = folder() / "lock"
    try:
        descriptor = os.open(path.name, FILE, OWNERS, dir_fd=parent)
    except OSError as error:
        raise Unusable(path, error) from None
    found = os.fstat(descriptor)
    if stat.S_ISREG(found.st_mode) and found.st_nlink <= 1:
        with contextlib.suppress(PermissionError):  # of an earlier version's
            os.fchmod(descriptor, OWNERS)
        return descriptor
    os.close(descriptor)
    raise Unusable(path, OSError(errno.EMLINK, "Not a file of its own"))  # but a hard link, say


def _hand_over(descriptor: int, parent: int) -> None:
    """Let a daemon that isn't root use what root made in its folder."""
    heir = os.fstat(parent)
    if os.geteuid() == 0 and os.fstat(descriptor).st_uid != heir.st_uid:
        os.fchown(descriptor, heir.st_uid, heir.st_gid)


def _user() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())
