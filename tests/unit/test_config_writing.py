"""Whether somebody is about to change a configuration file."""

import fcntl
import os
import time
from pathlib import Path

import pytest

from vxland.config.writing import is_being_written


def test_a_file_is_being_written_while_somebody_has_it_open_for_that(tmp_path: Path) -> None:
    """Until it is closed; reading it is nothing."""
    path = tmp_path / "vxland.toml"
    assert not is_being_written(path)
    with path.open("w") as writer:
        writer.write("[node]\n")
        assert is_being_written(path)
    assert not is_being_written(path)
    with path.open():
        assert not is_being_written(path)


def test_a_drop_in_counts_as_the_file_does(tmp_path: Path) -> None:
    """Each of PATH.d is part of the configuration."""
    path = tmp_path / "vxland.toml"
    path.touch()
    folder = tmp_path / "vxland.toml.d"
    folder.mkdir()
    with (folder / "10-peers.toml").open("w"):
        assert is_being_written(path)
    assert not is_being_written(path)


def test_a_file_left_open_for_long_is_taken_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program that never closes it doesn't shut out every change; its next write does again."""
    path = tmp_path / "vxland.toml"
    with path.open("w") as writer:
        monkeypatch.setattr("vxland.config.writing.PATIENCE", 0.2)
        assert is_being_written(path)
        time.sleep(0.3)
        assert not is_being_written(path)
        writer.write("[node]\n")
        writer.flush()
        assert is_being_written(path)


@pytest.mark.parametrize("reason", [PermissionError(13, "no"), OSError(22, "no leases here")])
def test_without_leases_it_goes_by_what_was_not_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reason: OSError
) -> None:
    """By real paths, for a link too, and with the same patience."""
    real, path = tmp_path / "real.toml", tmp_path / "vxland.toml"
    real.touch()
    path.symlink_to(real)
    folder = tmp_path / "vxland.toml.d"
    folder.mkdir()
    (folder / "10-peers.toml").touch()

    def refuse(*_: object) -> int:
        raise reason

    monkeypatch.setattr(fcntl, "fcntl", refuse)
    unclosed = Path(os.path.realpath(real))
    assert not is_being_written(path)
    assert not is_being_written(path, {path})
    assert is_being_written(path, {unclosed})
    assert is_being_written(path, {Path(os.path.realpath(folder / "10-peers.toml"))})
    monkeypatch.setattr("vxland.config.writing.PATIENCE", 0.0)
    assert not is_being_written(path, {unclosed})
