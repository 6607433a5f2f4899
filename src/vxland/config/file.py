"""The configuration's file as the daemon sees it: read, watched, perhaps half written."""

import time
from pathlib import Path

from vxland.config.load import loaded
from vxland.config.source import contents
from vxland.config.watch import ConfigWatch
from vxland.config.writing import is_being_written
from vxland.last import Last
from vxland.settings import Settings

QUIET = 5.0  # seconds without a change until the interval takes a file for complete


class ConfigFile:
    """The configuration as it is on disk."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)
        self._path = path
        self.watch: ConfigWatch | None = None
        self._loaded = Last(loaded)

    @property
    def problem(self) -> str | None:
        """Why a change of it may go unnoticed."""
        return self.watch.problem if self.watch else None

    def read(self) -> Settings:
        """The configuration as it is now; what hasn't changed isn't parsed again.

        Raises InvalidConfig.
        """
        return self._loaded(self._path, contents(self._path))

    def is_being_written(self) -> bool:
        """Whether somebody has it open for writing."""
        return is_being_written(self._path, self.watch.unclosed if self.watch else ())

    def is_settled(self) -> bool:
        """Whether nobody has written to it for a while."""
        folder = self._path.with_name(f"{self._path.name}.d")
        changes = [_changed_at(path) for path in (self._path, folder, *folder.glob("*.toml"))]
        return abs(time.time() - max(changes)) > QUIET  # of a clock that was set back, too


def _changed_at(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
