"""Whether somebody is about to change a configuration file."""

from pathlib import Path

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
