"""Who else could read the private key, or put another certificate in the place of one.

That is whoever is neither root nor the service: users by number, as `ls -n` has them, since to ask
what one is called may take a directory service's time.
"""

import os
import pwd
import stat
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from vxland.process.privilege import SERVICE

LINKS = 40  # the kernel goes by no more
EVERYBODY = "everybody on this machine"
GROUPS = 3  # bits from what others may do to what the group may


def exposures(name: str, path: str) -> Iterator[str]:
    """What others may do to a file of ``[http]``, and how to end it."""
    for who, deed, cure in (*_to_it(name, path), *_on_the_way(path)):
        yield f"{who} can {deed} {path} ({name} in [http]): {cure}"


def _to_it(name: str, path: str) -> Iterator[tuple[str, str, str]]:
    """Who can do what to the file itself."""
    try:
        found = Path(path).stat()
    except OSError:  # which others say
        return
    if name == "tls_key":
        cures = {"o": f"chmod o= {path}", "g": f"chgrp {_service(SERVICE)[2]} {path}"}
        for who, letter in _allowed(found, stat.S_IROTH):
            yield who, "read", cures[letter]
    for who, letter in _allowed(found, stat.S_IWOTH):
        yield who, "write to", f"chmod {letter}-w {path}"
    for who in _owner(found):  # and read it, whatever its mode
        yield who, "write to", f"chown root {path}"


def _on_the_way(path: str) -> Iterator[tuple[str, str, str]]:
    """Who can replace it, or a folder or link that leads to it."""
    seen: set[tuple[str, str]] = set()
    for step in _steps(path):
        try:
            folder, entry = step.parent.stat(), step.lstat()
        except OSError:
            continue
        found = [(who, f"chown root {step.parent}") for who in _owner(folder)]
        writers = [*_allowed(folder, stat.S_IWOTH)]
        if not folder.st_mode & stat.S_ISVTX:
            found += ((who, f"chmod {letter}-w {step.parent}") for who, letter in writers)
        elif writers and stat.S_ISLNK(entry.st_mode):  # there a link is its owner's (chmod(1))
            found += ((who, f"chown -h root {step}") for who in _owner(entry))
        for who, cure in found:
            if (who, cure) not in seen:
                seen.add((who, cure))
                yield who, "put another file in the place of", cure


def _steps(path: str) -> Iterator[Path]:
    """All on the way to it and itself, link by link (path_resolution(7))."""
    here, links = Path("/"), 0
    to_go = [*reversed(Path(path).absolute().parts[1:])]
    while to_go and links <= LINKS:
        name = to_go.pop()
        if name in {"/", ".."}:
            here = Path("/") if name == "/" else here.parent
            continue
        yield here / name
        try:
            to_go += reversed((here / name).readlink().parts)
            links += 1
        except OSError:  # it is none
            here /= name


def _allowed(found: os.stat_result, right: int) -> Iterator[tuple[str, str]]:
    """Who has a right that is one of others' in the mode, and as whom, in chmod's letters."""
    if found.st_mode & right:
        yield EVERYBODY, "o"
    ours = {0, os.getegid(), _service(SERVICE)[1]}
    if found.st_mode & right << GROUPS and found.st_gid not in ours:
        yield f"the group {found.st_gid}", "g"


def _owner(found: os.stat_result) -> Iterator[str]:
    """Whose it is, if it should be another's."""
    if found.st_uid not in {0, os.geteuid(), _service(SERVICE)[0]}:
        yield f"the user {found.st_uid}"


@cache
def _service(name: str) -> tuple[int, int, str]:
    """The numbers of the service's user and group, and the group to give the key to."""
    try:
        user = pwd.getpwnam(name)
    except KeyError:  # it isn't installed here
        return 0, 0, "root"
    return user.pw_uid, user.pw_gid, name
