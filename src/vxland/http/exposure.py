"""Who else could read the private key, or put another certificate in the place of one."""

import contextlib
import stat
from collections.abc import Iterator
from pathlib import Path

LINKS = 40  # the kernel goes by no more
EVERYBODY = "everybody on this machine can"


def exposures(name: str, path: str) -> Iterator[str]:
    """What others may do to a file of ``[http]``, and how to end it."""
    mode = 0
    with contextlib.suppress(OSError):  # that it can't be seen, others say
        mode = Path(path).stat().st_mode
    which = f"{path} ({name} in [http])"
    if name == "tls_key" and mode & stat.S_IROTH:
        yield f"{EVERYBODY} read {which}: chmod o= {path}"
    if mode & stat.S_IWOTH:
        yield f"{EVERYBODY} write to {which}: chmod o-w {path}"
    for folder in filter(_is_open, _folders(path)):
        yield f"{EVERYBODY} put another file in the place of {which}: chmod o-w {folder}"


def _folders(path: str) -> dict[Path, None]:
    """All on the way to it, link by link (path_resolution(7))."""
    folders: dict[Path, None] = {}
    here, links = Path("/"), 0
    to_go = [*reversed(Path(path).absolute().parts)]
    while to_go and links <= LINKS:
        name = to_go.pop()
        if name == "..":
            here = here.parent
            continue
        folders[here] = None
        try:
            to_go += reversed((here / name).readlink().parts)
            links += 1
        except OSError:  # it is none
            here /= name
    return folders


def _is_open(folder: Path) -> bool:
    """Where it is sticky, only a file's owner can replace it (chmod(1))."""
    with contextlib.suppress(OSError):
        return folder.stat().st_mode & (stat.S_IWOTH | stat.S_ISVTX) == stat.S_IWOTH
    return False
