"""Lines with fields in a real journald, and what becomes of them where it doesn't read."""

import json
import logging
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.lab import eventually
from vxland.journal.entries import TOGETHER, Entry
from vxland.journal.journal import LEVEL, say
from vxland.journal.journald import PATIENCE, Journald
from vxland.journal.messages import Message

CATALOG = Path(__file__).parents[2] / "packaging" / "systemd" / "vxland.catalog"
OWN_MOUNTS = ("unshare", "--mount", "--propagation=private", "sh", "-ec")
# A journald of its own, with a /run and a /var/log of its own that can be seen from outside.
START = (
    "mount --bind $0 /run; mount --bind $0 /var/log; exec /usr/lib/systemd/systemd-journald vxland"
)
# journalctl reads the one compiled catalogue of the machine.
EXPLAIN = "mount --bind $0 /var; exec journalctl --no-pager --catalog --directory=$1 $2"
FIELDS = {"VXLAND_OVERLAY": ("lan",), "VXLAND_PEER": ("lxd2", "lxd3")}
REPAIRED = Entry(Message.REPAIRED, "vxl-lan-lxd2 put right in 3 ms: mtu", fields=FIELDS)


@dataclass
class Store:
    """A journald's socket, and what it has written."""

    folder: Path

    @property
    def socket(self) -> str:
        """Where it reads."""
        return str(self.folder / "systemd" / "journal.vxland" / "socket")

    @property
    def journal(self) -> Path:
        """Where it writes; made with the first entry."""
        eventually(lambda: [*self.folder.glob("journal/*/*.journal")], "a journal")
        [path] = (self.folder / "journal").iterdir()
        return path

    def entries(self, *words: str) -> list[dict[str, object]]:
        """The entries that match, as JSON has them."""
        where = f"--directory={self.journal}"
        lines = journalctl(where, "--output=json", *words).splitlines()
        return [json.loads(line) for line in lines]


def journalctl(*words: str) -> str:
    """What it prints."""
    command = ["journalctl", "--quiet", "--no-pager", *words]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A running journald."""
    folder = tmp_path_factory.mktemp("journald")
    program = subprocess.Popen([*OWN_MOUNTS, START, str(folder)], stderr=subprocess.PIPE, text=True)
    try:
        found = Store(folder)
        eventually(lambda: Path(found.socket).exists() or program.poll(), "a journald")
        assert program.poll() is None
        yield found
    finally:
        program.terminate()
        program.communicate()


@pytest.fixture
def full(tmp_path: Path) -> Iterator[socket.socket]:
    """A socket that nobody reads from, and that has no room left."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "socket"))
        listener.settimeout(0)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.settimeout(0)
            with suppress(BlockingIOError):
                while True:
                    sender.sendto(b"MESSAGE=others'\n", listener.getsockname())
        yield listener


@pytest.fixture
def log() -> Iterator[logging.Logger]:
    """vxland's logger, put back as it was."""
    logger = logging.getLogger("vxland")
    before = logger.handlers, logger.level, logger.propagate
    logger.setLevel(logging.INFO)
    logger.propagate = False
    yield logger
    for handler in logger.handlers:
        handler.close()
    logger.handlers, logger.propagate = before[0], before[2]
    logger.setLevel(before[1])


class Noting(socket.socket):
    """Notes how each datagram was sent."""

    def __init__(self, fileno: int) -> None:
        super().__init__(fileno=fileno)
        self.flags: list[int] = []

    def sendto(self, datagram: bytes, flags: int, path: str) -> int:  # type: ignore[override]
        self.flags.append(flags)
        return super().sendto(datagram, flags, path)


def read(listener: socket.socket) -> list[str]:
    """The messages that wait in a socket."""
    lines: list[str] = []
    while True:
        try:
            datagram = listener.recv(1 << 16)
        except BlockingIOError:
            return lines
        lines.append(datagram.decode().splitlines()[0].removeprefix("MESSAGE="))


def test_entries_are_found_by_each_value_of_a_field(store: Store, log: logging.Logger) -> None:
    """With their priority and id; a field may have several values."""
    log.handlers = [Journald(store.socket)]
    say(REPAIRED)
    for match in ("VXLAND_PEER=lxd2", "VXLAND_PEER=lxd3", f"MESSAGE_ID={Message.REPAIRED.id}"):
        eventually(lambda match=match: store.entries(match), match)  # type: ignore[misc]
        [entry] = store.entries(match)
        assert entry["MESSAGE"] == REPAIRED.text
        assert entry["PRIORITY"] == "5"
        assert entry["SYSLOG_IDENTIFIER"] == "vxland"
        assert entry["VXLAND_OVERLAY"] == "lan"
        assert entry["VXLAND_PEER"] == ["lxd2", "lxd3"]
        assert entry["_PID"] == str(os.getpid())
    assert store.entries("VXLAND_PEER=lxd4") == []


def test_any_text_is_kept(store: Store, log: logging.Logger) -> None:
    """Of several lines, and with letters that aren't any."""
    log.handlers = [Journald(store.socket)]
    say(Entry(Message.HINT, "one\ntwo=2", fields={"VXLAND_PEER": ("a\nVXLAND_DEVICE=b", "\udc80")}))
    match = f"MESSAGE_ID={Message.HINT.id}"
    eventually(lambda: store.entries(match), "the entry")
    [entry] = store.entries(match)
    assert entry["MESSAGE"] == "one\ntwo=2"
    assert entry["VXLAND_PEER"] == ["a\nVXLAND_DEVICE=b", "\\udc80"]
    assert "VXLAND_DEVICE" not in entry


def test_a_line_about_as_many_as_there_may_be_is_taken(store: Store, log: logging.Logger) -> None:
    """Though each has values of its own in every field."""
    log.handlers = [Journald(store.socket)]
    names = [f"VXLAND_{name}" for name in ("OVERLAY", "PEER", "DEVICE", "CULPRIT", "DURATION_USEC")]
    many = tuple(f"{number:050}" for number in range(TOGETHER))
    fields = {**dict.fromkeys(names, many), "VXLAND_WHAT": many[:50], "VXLAND_TRIGGER": many[:10]}
    say(Entry(Message.SET_UP, "many", fields=fields))
    last = f"VXLAND_DEVICE={many[-1]}"
    eventually(lambda: store.entries(last), "the entry")


def test_a_record_of_another_sort_is_kept(store: Store, log: logging.Logger) -> None:
    """It has a priority, and no id."""
    log.handlers = [Journald(store.socket)]
    log.warning("plain %s", "words")
    eventually(lambda: store.entries("PRIORITY=4"), "the entry")
    [entry] = store.entries("PRIORITY=4")
    assert entry["MESSAGE"] == "plain words"
    assert "MESSAGE_ID" not in entry


def test_priorities_are_those_of_the_messages() -> None:
    """Python's levels have no notice; where only those are known it is a piece of information."""
    assert Message.REPAIRED.priority == 5
    assert LEVEL[Message.REPAIRED.priority] == logging.INFO
    assert LEVEL[Message.FAILED.priority] == logging.ERROR
    assert LEVEL[Message.WAITING.priority] == logging.WARNING
    assert {message.priority for message in Message} <= set(LEVEL)


def test_journalctl_explains_a_line(store: Store, log: logging.Logger, tmp_path: Path) -> None:
    """With its fields in the text."""
    log.handlers = [Journald(store.socket)]
    device = {"VXLAND_DEVICE": ("vxl-lan-lxd9",)}
    say(Entry(Message.FIGHT, "something keeps changing it", fields=device))
    folder = tmp_path / "usr" / "lib" / "systemd" / "catalog"
    folder.mkdir(parents=True)
    shutil.copy(CATALOG, folder)
    journalctl(f"--root={tmp_path}", "--update-catalog")
    match = "VXLAND_DEVICE=vxl-lan-lxd9"
    eventually(lambda: store.entries(match), "the entry")
    said = subprocess.run(
        [*OWN_MOUNTS, EXPLAIN, str(tmp_path / "var"), str(store.journal), match],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "Subject: Something keeps undoing what vxland does" in said
    assert "The same thing of vxl-lan-lxd9 was put right 20 times" in said


def test_a_journald_that_does_not_read_holds_nobody_up(
    full: socket.socket, log: logging.Logger
) -> None:
    """It is waited for once, briefly; then lines are dropped, until it reads again."""
    handler = Journald(full.getsockname())
    handler._socket = noting = Noting(fileno=handler._socket.detach())
    log.handlers = [handler]
    started = time.monotonic()
    for _ in range(1000):
        say(REPAIRED)
    assert time.monotonic() - started >= PATIENCE * 0.9
    assert noting.flags == [0, *[socket.MSG_DONTWAIT] * 999]
    assert set(read(full)) == {"others'"}
    say(REPAIRED)
    lost = "1000 lines before this one are lost: journald did not take them"
    assert read(full) == [lost, REPAIRED.text]
    say(REPAIRED)
    assert read(full) == [REPAIRED.text]


def test_a_journald_that_is_not_there_is_no_error(tmp_path: Path, log: logging.Logger) -> None:
    """What it missed is counted; it may be started again."""
    path = str(tmp_path / "socket")
    log.handlers = [Journald(path)]
    say(REPAIRED)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(path)
        listener.settimeout(0)
        say(REPAIRED)
        assert [line[:7] for line in read(listener)] == ["1 lines", REPAIRED.text[:7]]
