"""Whether a file has been left alone for a while, whatever the clock does."""

import os
import time
from pathlib import Path

import pytest

from vxland.config.file import QUIET, ConfigFile

DAY = 86400


@pytest.mark.parametrize(
    ("age", "settled"), [(0, False), (QUIET + 60, True), (DAY, True), (-DAY, True)]
)
def test_settled(tmp_path: Path, age: float, *, settled: bool) -> None:
    """One that is of tomorrow, since the clock was set back, isn't waited for until then."""
    path = tmp_path / "vxland.toml"
    path.touch()
    os.utime(path, (time.time() - age,) * 2)
    assert ConfigFile(path).is_settled() is settled
