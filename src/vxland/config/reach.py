"""Which files and folders decide what the configuration is: everything on the way to it."""

import os
from pathlib import Path

from msgspec import Struct

LINKS = 40  # symbolic links in one path; the kernel follows no more


class Reach(Struct, frozen=True):
    """What decides which files are read. All paths are real: no links in them but the last name."""

    folders: tuple[Path, ...]  # to be watched, outer ones first
    paths: frozenset[Path]  # what matters in them
    drop_ins: Path | None  # the folder in which every drop-in matters

    def includes(self, path: Path) -> bool:
        """Whether the configuration may be another one after a change here."""
        return path in self.paths or (path.parent == self.drop_ins and is_drop_in(path))


def is_drop_in(path: Path) -> bool:
    """Whether a file of this name in PATH.d is read."""
    return path.name.endswith(".toml") and not path.name.startswith(".")


def reach(path: Path) -> Reach:
    """Everything on the way to PATH, to PATH.d and to the drop-ins there."""
    paths, _ = _way(path)
    more, drop_ins = _way(path.with_name(f"{path.name}.d"))
    paths += more
    if drop_ins and not drop_ins.is_dir():
        drop_ins = None
    try:
        files = sorted(drop_ins.iterdir()) if drop_ins else []
    except OSError:  # gone this moment, or not for us to read, which watching it will tell
        files = []
    for file in filter(is_drop_in, files):
        paths += _way(file)[0]
    folders = dict.fromkeys(entry.parent for entry in paths)
    if drop_ins:
        folders[drop_ins] = None
    return Reach(tuple(folders), frozenset(paths), drop_ins)


def _way(path: Path) -> tuple[list[Path], Path | None]:
    """Each name that is looked up on the way to a path, in its real folder, and where it leads.

    It ends where a name is missing or links lead in a circle; the place is None then.
    """
    names = list((Path.cwd() / path).parts[:0:-1])
    looked_up: list[Path] = []
    place = Path("/")
    links = 0
    while names:
        name = names.pop()
        if name == "..":
            place = place.parent
            continue
        entry = place / name
        looked_up.append(entry)
        try:
            target = entry.readlink()
        except OSError:
            if not os.path.lexists(entry):
                return looked_up, None
            place = entry  # no link
            continue
        links += 1
        if links > LINKS:
            return looked_up, None
        names += target.parts[::-1]  # those of an absolute one begin with the root
    return looked_up, place
