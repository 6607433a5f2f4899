"""``vxland import-script`` as a command: what it prints, writes and says."""

import os
import stat
from pathlib import Path

import pytest

from tests.scripts.vxlansetup import script, variables
from vxland.cli import WRONG_COMMAND_LINE, main
from vxland.config.load import load
from vxland.settings import VniScheme

LISTS = {
    "203.0.113.1": ("203.0.113.2", "198.51.100.3"),
    "203.0.113.2": ("203.0.113.1", "198.51.100.3"),
    "198.51.100.3": ("203.0.113.1", "203.0.113.2"),
}

Printed = pytest.CaptureFixture[str]


@pytest.fixture
def scripts(tmp_path: Path) -> list[str]:
    """One of each server."""
    files = []
    for number, (local, remotes) in enumerate(LISTS.items(), 1):
        file = tmp_path / f"lxd{number}.sh"
        file.write_text(script(variables(local, remotes)))
        files.append(str(file))
    return files


def test_one_file_comes_of_all_and_is_valid(
    scripts: list[str], tmp_path: Path, capsys: Printed
) -> None:
    """With the others' order, and learning as the script has it."""
    assert main(["import-script", *scripts]) == 0
    file = tmp_path / "vxland.toml"
    file.write_text(capsys.readouterr().out)
    settings = load(file)
    (overlay,) = settings.overlays
    assert [peer.address for peer in settings.peers] == list(LISTS)
    assert (overlay.bridge, overlay.port, overlay.vni) == ("vxbr0", 4789, VniScheme.INDEX)
    assert overlay.options.learning
    assert settings.node.interface == "eth0"


def test_it_is_written_where_nothing_is(
    scripts: list[str], tmp_path: Path, capsys: Printed
) -> None:
    """Whole, readable for the service, and nothing beside it."""
    new = tmp_path / "new" / "vxland.toml"
    new.parent.mkdir()
    before = os.umask(0o077)
    try:
        assert main(["import-script", scripts[0], "--output", str(new)]) == 0
    finally:
        os.umask(before)
    assert capsys.readouterr().out == f"{new}: made. Read it, then: vxland check {new}\n"
    assert stat.S_IMODE(new.stat().st_mode) == 0o644
    assert [*new.parent.iterdir()] == [new]
    assert len(load(new).peers) == 3


@pytest.mark.parametrize("there", ["a file", "a link to nowhere"])
def test_what_is_there_is_left(
    there: str, scripts: list[str], tmp_path: Path, capsys: Printed
) -> None:
    """A link is, too."""
    new = tmp_path / "vxland.toml"
    if there == "a file":
        new.write_text("mine")
    else:
        new.symlink_to("nowhere")
    said = refused([scripts[0], "--output", str(new)], capsys)
    assert said == f"vxland: {new} exists, and is left as it is: name a new file, or move it away\n"
    assert there != "a file" or new.read_text() == "mine"
    assert {*tmp_path.iterdir()} == {new, *map(Path, scripts)}


def refused(words: list[str], capsys: Printed) -> str:
    """What is said where nothing comes of it."""
    with pytest.raises(SystemExit) as ended:
        raise SystemExit(main(["import-script", *words]))
    assert ended.value.code == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "Traceback" not in printed.err
    return printed.err


def test_where_it_cannot_be_written_is_told(
    scripts: list[str], tmp_path: Path, capsys: Printed
) -> None:
    new = str(tmp_path / "none" / "vxland.toml")
    said = refused([scripts[0], "--output", new], capsys)
    assert said == f"vxland: {new} can't be written: No such file or directory\n"


def test_what_is_wrong_with_each_file_is_told(
    scripts: list[str], tmp_path: Path, capsys: Printed
) -> None:
    """In their order, with file and line; a sound one makes none of it right."""
    unknown, absent = tmp_path / "b.sh", tmp_path / "absent\n.sh"
    unknown.write_text(script(variables("$(hostname -I)", ["203.0.113.1"])))
    said = refused([scripts[0], str(unknown), str(absent), str(tmp_path)], capsys)
    first, second, third, last = said.splitlines()
    assert first.startswith(f"vxland: {unknown}:2: LOCALIP: this is the output of a command")
    assert second.startswith(f"vxland: {tmp_path}/absent\\n.sh: can't be read: No such file")
    assert third == f"vxland: {tmp_path}: can't be read: Is a directory. Correct the path"
    assert last == "vxland: nothing was made of it"


def test_lists_that_disagree_are_told(scripts: list[str], tmp_path: Path, capsys: Printed) -> None:
    odd = tmp_path / "lxd3.sh"
    odd.write_text(script(variables("198.51.100.3", ["203.0.113.2", "203.0.113.1"])))
    Path(scripts[0]).write_text(script(variables("203.0.113.1", ["198.51.100.3", "203.0.113.2"])))
    said = refused(scripts, capsys)
    assert "REMOTEIPS has another order than" in said
    assert main(["import-script", str(odd)]) == 0


def test_what_vxland_would_refuse_is_not_printed(
    scripts: list[str], tmp_path: Path, capsys: Printed
) -> None:
    """A bridge with a name like a tunnel's, and more tunnels than a bridge has ports."""
    odd = tmp_path / "odd.sh"
    odd.write_text(Path(scripts[0]).read_text().replace("=vxbr0", "=vxlan0"))
    said = refused([str(odd)], capsys)
    assert "begins like the names of vxland's own tunnels" in said
    many = [f"10.0.{number // 250}.{number % 250 + 1}" for number in range(1024)]
    odd.write_text(script(variables("10.1.0.1", many)))
    assert "has 1024 tunnels on each server, and a bridge takes 1023" in refused([str(odd)], capsys)


def test_a_command_line_without_a_file_is_wrong(capsys: Printed) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["import-script"])
    assert ended.value.code == WRONG_COMMAND_LINE
    assert "FILE" in capsys.readouterr().err
