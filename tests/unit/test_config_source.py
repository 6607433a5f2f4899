"""Reading the files: whatever is there instead of a file is an error with its place."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.written import OVERLAY, PEERS, PLAIN, errors_at, errors_in, settings_of, write
from vxland.config.load import load

NOBODY = 65534


def test_an_empty_file_is_valid(tmp_path: Path) -> None:
    """Nothing is configured, and that is no error."""
    expected = ()
    assert expected == errors_in(tmp_path, "")


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    """The message says that it is missing, and what to do."""
    path = tmp_path / "vxland.toml"
    (error,) = errors_at(path)
    assert (str(path), "", "can't be read: No such file or directory") == (
        error.file,
        error.path,
        error.message,
    )
    assert "--config" in error.cure


def test_a_missing_file_is_an_error_beside_drop_ins(tmp_path: Path) -> None:
    """Drop-ins don't stand for the file."""
    write(tmp_path, "", one=PLAIN).unlink()
    (error,) = errors_at(tmp_path / "vxland.toml")
    expected = "can't be read: No such file or directory"
    assert expected == error.message


@pytest.mark.parametrize("place", ["vxland.toml", "vxland.toml.d/a.toml"])
@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("folder", "can't be read: Is a directory"),
        ("circle", "can't be read: Too many levels of symbolic links"),
        ("dangling", "can't be read: No such file or directory"),
        ("pipe", "isn't a regular file"),
    ],
)
def test_what_is_no_file_is_an_error(tmp_path: Path, place: str, kind: str, message: str) -> None:
    """A named pipe too, which nobody ever writes to: it isn't waited for."""
    path = write(tmp_path, PLAIN, b="")
    target = tmp_path / place
    target.unlink(missing_ok=True)
    make: dict[str, Callable[[], None]] = {
        "folder": target.mkdir,
        "circle": lambda: target.symlink_to(target),
        "dangling": lambda: target.symlink_to("nowhere"),
        "pipe": lambda: os.mkfifo(target),
    }
    make[kind]()
    assert [(str(target), message)] == [(e.file, e.message) for e in errors_at(path)]


def test_a_device_is_no_file(tmp_path: Path) -> None:
    """One that never ends neither."""
    path = tmp_path / "vxland.toml"
    path.symlink_to("/dev/zero")
    expected = ["isn't a regular file"]
    assert expected == [error.message for error in errors_at(path)]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("a\0b", "can't be read: embedded null byte"),
        ("x" * 300, "can't be read: File name too long"),
        (".", "can't be read: Is a directory"),
        ("/", "can't be read: Is a directory"),
        ("/dev/null/vxland.toml", "can't be read: Not a directory"),
    ],
)
def test_an_impossible_path_is_an_error(path: str, message: str) -> None:
    """Whatever the person wrote after --config."""
    assert message in [error.message for error in errors_at(Path(path))]


def test_what_is_no_folder_is_an_error(tmp_path: Path) -> None:
    """PATH.d that is a file would be passed over otherwise."""
    path = write(tmp_path, PLAIN)
    folder = tmp_path / "vxland.toml.d"
    folder.write_text("")
    assert [(str(folder), "can't be read: Not a directory")] == [
        (error.file, error.message) for error in errors_at(path)
    ]


def test_a_folder_that_leads_nowhere_is_an_error(tmp_path: Path) -> None:
    """Somebody made the link, so something was meant to be there."""
    path = write(tmp_path, PLAIN)
    (tmp_path / "vxland.toml.d").symlink_to("nowhere")
    expected = ["can't be read: No such file or directory"]
    assert expected == [e.message for e in errors_at(path)]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
@pytest.mark.parametrize("place", ["vxland.toml", "vxland.toml.d/a.toml", "vxland.toml.d"])
def test_an_unreadable_file_is_an_error(crossable: Path, place: str) -> None:
    """The process that reads is another user."""
    path = write(crossable, "", a="")
    (crossable / place).chmod(0)
    program = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from vxland.config.source import read\n"
        f"os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY})\n"
        "for error in read(Path(sys.argv[1])).errors: print(error.file, error.message, sep='|')\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", program, path],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert f"{crossable / place}|can't be read: Permission denied\n" == result.stdout


@pytest.mark.parametrize(
    ("content", "message", "line", "column"),
    [
        (b"[node]\nname = \xff\xfe\n", "isn't text in UTF-8", 2, 8),
        (b"\xff", "isn't text in UTF-8", 1, 1),
        (b"[node\n", "isn't TOML: ", 1, 6),
        (b"[node]\nname == 1\n", "isn't TOML: ", 2, 7),
        (b"[node]\n\nname = [\n", "isn't TOML: ", 3, None),
        (b"a = 1\n[node]\n[node]\n", "isn't TOML: ", 3, 6),
        (b"a = 2020-02-30\n", "isn't TOML: ", 1, None),
        (b'a = "\x01"\n', "isn't TOML: ", 1, 6),
        (b"a = " + b"9" * 5000, "isn't TOML: ", None, None),
        (b"a = " + b"[" * 100_000, "has tables or lists nested too deeply", None, None),
        (b"#" * (4 << 20) + b"\n", "is larger than 4 MiB", None, None),
    ],
)
def test_what_is_no_toml_is_an_error(
    tmp_path: Path, content: bytes, message: str, line: int | None, column: int | None
) -> None:
    """With line and column, as far as they are known."""
    (error,) = errors_in(tmp_path, content)
    assert error.message.startswith(message)
    assert line in {None, error.line}
    assert column in {None, error.column}


def test_a_file_of_the_largest_size_is_read(tmp_path: Path) -> None:
    """4 MiB are allowed."""
    expected = ()
    assert expected == errors_in(tmp_path, b"#" * (4 << 20))


def test_a_byte_order_mark_is_no_error(tmp_path: Path) -> None:
    """Some editors write one at the beginning."""
    expected = ()
    assert expected == errors_in(tmp_path, b"\xef\xbb\xbf" + PLAIN.encode())


def test_of_much_noise_only_a_part_is_read(tmp_path: Path) -> None:
    """What is too large isn't taken in to find that out, and nobody looks for its meaning."""
    size = 64 << 20
    path = write(tmp_path, b"")
    os.truncate(path, size)
    before = bytes_read()
    expected = ["is larger than 4 MiB"]
    assert expected == [error.message for error in errors_at(path)]
    assert 4 << 20 < bytes_read() - before < size / 8


def bytes_read() -> int:
    """By this thread so far (proc(5), io)."""
    lines = Path("/proc/thread-self/io").read_text().splitlines()
    return int(dict(line.split(": ") for line in lines)["rchar"])


def test_a_syntax_error_hides_no_error_of_another_file(tmp_path: Path) -> None:
    """Every file is read, and every error has its file."""
    errors = errors_in(tmp_path, "[node]\nnam = 1\n", a="x = [", b="[http]\nport = 1\n", c="y =")
    folder = tmp_path / "vxland.toml.d"
    assert [
        (str(tmp_path / "vxland.toml"), "node.nam"),
        (str(folder / "a.toml"), ""),
        (str(folder / "b.toml"), "http.port"),
        (str(folder / "c.toml"), ""),
    ] == [(error.file, error.path) for error in errors]


def test_a_file_that_is_missing_makes_no_other_errors(tmp_path: Path) -> None:
    """What it may have said isn't missed: only the file itself is."""
    peers = PEERS.replace('"lxd3"', '"lxd3"\noverlays = ["dmz"]')
    node = '[node]\nname = "lxd9"\n'
    vnis = OVERLAY + '[overlay.vnis]\n"lxd1 lxd8" = 5\n'
    expected = [""]
    assert expected == [error.path for error in errors_in(tmp_path, vnis + node + peers, a="x =")]


def test_drop_ins_are_read_in_name_order(tmp_path: Path) -> None:
    """Byte by byte, and only those that a shell's ``*.toml`` would give."""
    path = write(
        tmp_path,
        OVERLAY,
        **{
            "9": '[[peer]]\nname = "c"\naddress = "203.0.113.3"\n',
            "10": '[[peer]]\nname = "a"\naddress = "203.0.113.1"\n',
            "B": '[[peer]]\nname = "d"\naddress = "203.0.113.4"\n',
            "a": '[[peer]]\nname = "e"\naddress = "203.0.113.5"\n',
            "10-x": '[[peer]]\nname = "b"\naddress = "203.0.113.2"\n',
            ".hidden": "no TOML",
        },
    )
    (tmp_path / "vxland.toml.d" / "README").write_text("no TOML")
    (tmp_path / "vxland.toml.d" / "x.toml~").write_text("no TOML")
    # "10-x.toml" before "10.toml": "-" comes before "."
    expected = ["b", "a", "c", "d", "e"]
    assert expected == [peer.name for peer in load(path).peers]


def test_the_folder_belongs_to_the_path(tmp_path: Path) -> None:
    """PATH.d, whatever PATH is called."""
    (tmp_path / "mesh").write_text(OVERLAY)
    (tmp_path / "mesh.d").mkdir()
    (tmp_path / "mesh.d" / "peers.toml").write_text(PEERS)
    expected = 3
    assert expected == len(load(tmp_path / "mesh").peers)


def test_odd_file_names_are_shown_on_one_line(tmp_path: Path) -> None:
    """A name that isn't text can be printed, too."""
    path = write(tmp_path, "", a="")
    (tmp_path / "vxland.toml.d" / "a.toml").rename(
        os.fsdecode(os.fsencode(tmp_path) + b"/vxland.toml.d/\xff\n.toml")
    )
    (Path(os.fsdecode(os.fsencode(tmp_path) + b"/vxland.toml.d/\xff\n.toml"))).write_text("x")
    (error,) = errors_at(path)
    assert error.file.endswith("vxland.toml.d/\\udcff\\n.toml")
    assert str(error).isprintable()


def test_the_digest_tells_configurations_apart(tmp_path: Path) -> None:
    """Same names and bytes, same digest; another name or byte, another one."""
    first = settings_of(tmp_path, PLAIN).digest
    expected = 64
    assert expected == len(first)
    assert first == settings_of(tmp_path, PLAIN).digest
    commented = settings_of(tmp_path, f"{PLAIN}#").digest
    assert first != commented
    split = settings_of(tmp_path, PLAIN, a="#").digest
    assert split not in {first, commented}
    (tmp_path / "vxland.toml.d" / "a.toml").rename(tmp_path / "vxland.toml.d" / "b.toml")
    assert split != load(tmp_path / "vxland.toml").digest


def test_the_digest_is_the_same_wherever_the_files_lie(tmp_path: Path) -> None:
    """One server's file can be compared with another's copy."""
    (tmp_path / "copy").mkdir()
    assert settings_of(tmp_path, PLAIN).digest == settings_of(tmp_path / "copy", PLAIN).digest
