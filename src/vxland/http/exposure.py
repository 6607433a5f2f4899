"""Who else could read the private key, or put another certificate in the place of one."""

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

EVERYBODY = "everybody on this machine can"


def exposures(name: str, path: str, mode: int) -> Iterator[str]:
    """What others may do to a file of ``[http]``, and how to end it. ``mode``: what it has."""
    which = f"{path} ({name} in [http])"
    if name == "tls_key" and mode & stat.S_IROTH:
        yield f"{EVERYBODY} read {which}: chmod o= {path}"
    if mode & stat.S_IWOTH:
        yield f"{EVERYBODY} write to {which}: chmod o-w {path}"
    for folder in filter(_is_open, _folders(path)):
        yield f"{EVERYBODY} put another file in the place of {which}: chmod o-w {folder}"


def _folders(path: str) -> dict[Path, None]:
    """All that lead to it, and to the file behind it where it is a link."""
    there = (Path(path), Path(os.path.realpath(path)))
    return dict.fromkeys(folder for each in there for folder in each.parents)


def _is_open(folder: Path) -> bool:
    """Where it is sticky, only a file's owner can replace it (chmod(1))."""
    with contextlib.suppress(OSError):
        return folder.stat().st_mode & (stat.S_IWOTH | stat.S_ISVTX) == stat.S_IWOTH
    return False
