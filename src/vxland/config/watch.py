"""Notices that the configuration may have changed, however somebody saves it.

Folders are watched, not files: a file that is replaced takes its watch with it. Which folders
those are follows from the links on the way to PATH and PATH.d, and is found out afresh after each
change. A mount makes no event: what lies there is watched after RETRY at the latest. Nor does a
changed mode, or a write through a hard link from elsewhere: they wait for the interval.

It also knows which files somebody has begun to write and hasn't closed: where the kernel doesn't
say who has a file open (writing.py), that is the next best.
"""

import errno
import logging
import os
import stat
import threading
import time
from collections.abc import Callable
from pathlib import Path

from watchdog.events import (
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver, ObservedWatch

from vxland.config.reach import Reach, reach

# What is heard; reading isn't among it.
EVENTS: list[type[FileSystemEvent]] = [
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileClosedEvent,  # after writing
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,  # each write of many: it rings once the file is closed
    FileMovedEvent,
]
FolderId = tuple[int, int] | None  # device and inode; None where it isn't there

PATIENCE = 16  # times the debounce, for a burst that doesn't end
RETRY = 30.0  # seconds until what couldn't be watched is tried again, and mounts are looked for
_CURES = {
    errno.ENOSPC: "Raise the sysctl fs.inotify.max_user_watches",
    errno.EMFILE: "Raise the sysctl fs.inotify.max_user_instances, or the limit of open files",
    errno.EACCES: "Let the user that vxland runs as read this folder",
}

# It calls an event that comes while its watch is taken away an error; here that is daily business.
logging.getLogger("watchdog.observers.inotify").setLevel(logging.CRITICAL)


class ConfigWatch:
    """Rings ``debounce`` seconds after the last event of a burst, or 16 times that after its first.

    To be started before the files are read for the first time; once. ``ring`` is called in a
    thread of its own and must not raise.
    """

    def __init__(self, path: Path, ring: Callable[[], None], debounce: float = 0.025) -> None:
        self.problem: str | None = None  # why changes may go unnoticed, and what to do
        self.unclosed: set[Path] = set()  # real paths of files that were changed and not closed
        self._path = path
        self._ring = ring
        self._debounce = debounce
        self._reach = Reach((), frozenset(), None)
        self._replaced: set[Path] = set()  # folders on the way that may be other ones by now
        self._observer: BaseObserver | None = None
        self._ear = _Ear(self._take)
        self._watched: dict[Path, tuple[ObservedWatch, FolderId]] = {}
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
        while (heard := self._wait()) is not None:
            stale = self._is_stale()
            if stale:
                self._watch()
            if heard or stale:
                self._ring()  # after watching: a change in between is read, or rings again
        if self._observer is not None:
            self._observer.stop()
            self._observer.join()

    def _wait(self) -> bool | None:
        """Wait until a burst is over, which is True, or a retry is due, False; None to stop."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopping or self._burst, RETRY)
            while not self._stopping and (left := self._left()) > 0:
                self._changed.wait(left)
            heard, self._burst = self._burst is not None, None
            return None if self._stopping else heard

    def _is_stale(self) -> bool:
        """Whether other folders matter than those that are watched."""
        return bool(
            self.problem
            or self._replaced
            or reach(self._path) != self._reach
            or any(_identity(folder) != known for folder, (_, known) in self._watched.items())
        )

    def _left(self) -> float:
        if self._burst is None:
            return 0.0
        first, last = self._burst
        due = min(last + self._debounce, first + PATIENCE * self._debounce)
        return due - time.monotonic()

    def _watch(self) -> None:
        """Watch the folders that matter now. Those that did already are, with no moment between."""
        with self._changed:
            replaced, self._replaced = self._replaced, set()
        self._reach = reach(self._path)
        for folder in tuple(self._watched):
            is_another = _identity(folder) != self._watched[folder][1]
            above = {folder, *folder.parents}  # an inode may be used again: events tell of that
            if folder not in self._reach.folders or is_another or not replaced.isdisjoint(above):
                self._unwatch(folder)
        problems: list[str] = []
        try:
            observer = self._running_observer()
        except (OSError, RuntimeError) as error:
            problems.append(_problem(self._path, error))
        else:
            for folder in self._reach.folders:
                if folder not in self._watched:
                    problems += self._watch_folder(observer, folder)
        self.problem = "; ".join(problems) or None
        if reach(self._path) != self._reach:  # it changed while no watch was there to tell
            self._note()

    def _running_observer(self) -> BaseObserver:
        if self._observer is None:
            observer = Observer()
            observer.start()
            self._observer = observer
        return self._observer

    def _watch_folder(self, observer: BaseObserver, folder: Path) -> list[str]:
        try:
            if not os.access(folder, os.R_OK, effective_ids=True):  # watchdog doesn't tell
                with os.scandir(folder):  # raises the reason
                    pass
            identity = _identity(folder)  # before: what takes its place meanwhile differs from it
            watch = observer.schedule(self._ear, str(folder), event_filter=EVENTS)
        except (FileNotFoundError, NotADirectoryError):  # the folder above tells when that changes
            return []
        except (OSError, RuntimeError) as error:
            return [_problem(folder, error)]
        self._watched[folder] = (watch, identity)
        return []

    def _unwatch(self, folder: Path) -> None:
        watch, _ = self._watched.pop(folder)
        if self._observer is not None:
            self._observer.unschedule(watch)
        for path in tuple(self.unclosed):  # nobody tells of their end any more
            if path.parent == folder:
                self.unclosed.discard(path)

    def _take(self, event: FileSystemEvent) -> None:
        source, target = (Path(os.fsdecode(path)) for path in (event.src_path, event.dest_path))
        self._follow(event, source, target)
        if isinstance(event, FileModifiedEvent):
            return
        for path in (source, target) if event.dest_path else (source,):
            if self._reach.includes(path):
                self._note(replaced=path if event.is_directory else None)

    def _follow(self, event: FileSystemEvent, source: Path, target: Path) -> None:
        """Keep in mind what is being written. Moved away while it is, it is written there."""
        if isinstance(event, FileModifiedEvent) or (
            isinstance(event, FileCreatedEvent) and _is_empty_file(source)
        ):
            self.unclosed.add(source)
            return
        if source in self.unclosed and isinstance(event, FileMovedEvent):
            self.unclosed.add(target)
        else:
            self.unclosed.discard(target)
        self.unclosed.discard(source)

    def _note(self, replaced: Path | None = None) -> None:
        now = time.monotonic()
        with self._changed:
            if replaced is not None:
                self._replaced.add(replaced)
            self._burst = (self._burst[0] if self._burst else now, now)
            self._changed.notify()


class _Ear(FileSystemEventHandler):
    """Passes on what happened."""

    def __init__(self, take: Callable[[FileSystemEvent], None]) -> None:
        self._take = take

    def on_any_event(self, event: FileSystemEvent) -> None:
        self._take(event)


def _identity(folder: Path) -> FolderId:
    try:
        found = folder.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _is_empty_file(path: Path) -> bool:
    """Whether it is one that somebody made a moment ago, and will fill."""
    try:
        found = path.lstat()
    except OSError:
        return False
    return stat.S_ISREG(found.st_mode) and found.st_size == 0


def _problem(place: Path, error: OSError | RuntimeError) -> str:
    reason = str(error)
    cure = None
    if isinstance(error, OSError):
        reason = error.strerror or reason
        cure = _CURES.get(error.errno or 0)
    text = f"can't watch {place} for changes ({reason}), so it is looked at every {RETRY:.0f} s"
    return f"{text}. {cure}" if cure else text
