"""Notices that the configuration may have changed, however somebody saves it.

Folders are watched, not files: a file that is replaced takes its watch with it. Which folders
those are follows from the links on the way to PATH and PATH.d, and is found out afresh after each
change. A changed mode, a write through a hard link from elsewhere and a mount make no event: they
wait for the interval.
"""

import errno
import logging
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from watchdog.events import (
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver

# What a change consists of; neither reading nor each write of many is among it.
EVENTS: list[type[FileSystemEvent]] = [
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileClosedEvent,  # after writing
    FileCreatedEvent,
    FileDeletedEvent,
    FileMovedEvent,
]
PATIENCE = 10  # times the debounce, for a burst that doesn't end
RETRY = 30.0  # seconds until what couldn't be watched is tried again
LINKS = 40  # symbolic links in one path; the kernel follows no more
_CURES = {
    errno.ENOSPC: "Raise the sysctl fs.inotify.max_user_watches",
    errno.EMFILE: "Raise the sysctl fs.inotify.max_user_instances, or the limit of open files",
    errno.EACCES: "Let the user that vxland runs as read this folder",
}

# It calls an event that comes while its watch is taken away an error; here that is daily business.
logging.getLogger("watchdog.observers.inotify").setLevel(logging.CRITICAL)


@dataclass(frozen=True, slots=True)
class Reach:
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


class ConfigWatch:
    """Rings ``debounce`` seconds after the last event of a burst, or 10 times that after its first.

    To be started before the files are read for the first time; once. ``ring`` is called in a
    thread of its own and must not raise.
    """

    def __init__(self, path: Path, ring: Callable[[], None], debounce: float = 0.04) -> None:
        self.problem: str | None = None  # why changes may go unnoticed, and what to do
        self._path = path
        self._ring = ring
        self._debounce = debounce
        self._reach = Reach((), frozenset(), None)
        self._observer: BaseObserver | None = None
        self._changed = threading.Condition()
        self._burst: tuple[float, float] | None = None  # its first and last event, monotonic
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="config-watch", daemon=True)

    def start(self) -> None:
        """Watch from now on. What can't be watched is a problem, not an error."""
        self._watch()
        self._thread.start()

    def stop(self) -> None:
        """Ring no more, and release everything."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while self._wait():
            self._watch()
            self._ring()  # after watching anew: a change in between is read, or rings again
        self._unwatch()

    def _wait(self) -> bool:
        """Wait until a burst is over or a retry is due; False to stop."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._stopping or self._burst, RETRY if self.problem else None
            )
            while not self._stopping and (left := self._left()) > 0:
                self._changed.wait(left)
            self._burst = None
            return not self._stopping

    def _left(self) -> float:
        if self._burst is None:
            return 0.0
        first, last = self._burst
        due = min(last + self._debounce, first + PATIENCE * self._debounce)
        return due - time.monotonic()

    def _watch(self) -> None:
        """Watch the folders that matter now, instead of those that did."""
        self._unwatch()
        self._reach = reach(self._path)
        problems = []
        try:
            self._observer = Observer()
            self._observer.start()
        except (OSError, RuntimeError) as error:
            problems.append(_problem(self._path, error))
        else:
            for folder in self._reach.folders:
                problems += self._watch_folder(self._observer, folder)
        self.problem = "; ".join(problems) or None
        if reach(self._path) != self._reach:  # it changed while no watch was there to tell
            self._note()

    def _watch_folder(self, observer: BaseObserver, folder: Path) -> list[str]:
        try:
            if not os.access(folder, os.R_OK, effective_ids=True):  # watchdog doesn't tell
                with os.scandir(folder):  # raises the reason
                    pass
            observer.schedule(_Ear(self._hear), str(folder), event_filter=EVENTS)
        except (FileNotFoundError, NotADirectoryError):  # the folder above tells when that changes
            return []
        except (OSError, RuntimeError) as error:
            return [_problem(folder, error)]
        return []

    def _unwatch(self) -> None:
        observer, self._observer = self._observer, None
        if observer is not None and observer.is_alive():
            observer.stop()
            observer.join()

    def _hear(self, path: Path) -> None:
        if self._reach.includes(path):
            self._note()

    def _note(self) -> None:
        now = time.monotonic()
        with self._changed:
            self._burst = (self._burst[0] if self._burst else now, now)
            self._changed.notify()


class _Ear(FileSystemEventHandler):
    """Passes on where something happened."""

    def __init__(self, hear: Callable[[Path], None]) -> None:
        self._hear = hear

    def on_any_event(self, event: FileSystemEvent) -> None:
        for path in (event.src_path, event.dest_path):
            if path:
                self._hear(Path(os.fsdecode(path)))


def _problem(place: Path, error: OSError | RuntimeError) -> str:
    reason = str(error)
    cure = None
    if isinstance(error, OSError):
        reason = error.strerror or reason
        cure = _CURES.get(error.errno or 0)
    text = f"can't watch {place} for changes ({reason}), so it is looked at every {RETRY:.0f} s"
    return f"{text}. {cure}" if cure else text
