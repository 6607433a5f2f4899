"""Who is named as the holder of the lock."""

import itertools
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from vxland.process import flag, lock


@pytest.fixture(autouse=True)
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in the place of /run/vxland, and a flag of this process's own."""
    monkeypatch.setattr(lock, "RUNTIME", tmp_path)
    monkeypatch.setattr(flag, "NAME", f"\0vxland/test-{os.getpid()}")
    return tmp_path


def written() -> Path:
    """The lock's file."""
    return lock.folder() / "lock"


def refused() -> str:
    """What somebody else is told."""
    with pytest.raises(lock.Busy) as told, lock.writer():
        pass
    said, cure = str(told.value).split(". ", 1)
    assert cure == "Stop it first: systemctl stop vxland"
    return said


@pytest.mark.parametrize(
    ("process", "named", "look"),
    [
        (1, "process 1", "ps -fp 1"),
        (0, "process unknown", "ss -xlp src @vxland/writer, on the machine itself"),
    ],
)
def test_who_has_the_flag_alone(
    monkeypatch: pytest.MonkeyPatch, process: int, named: str, look: str
) -> None:
    """It may be anything of root's in a container: whoever is told is to look first."""
    monkeypatch.setattr(flag, "_holder", lambda: (process, 0))
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(flag.NAME)
        with pytest.raises(lock.Busy) as told, lock.writer():
            pass
    assert str(told.value) == (
        f"vxland is already at work in this network namespace ({named}). See what it is: {look}."
        " If it is the service, stop it first: systemctl stop vxland"
    )


@contextmanager
def held(said: str) -> Iterator[None]:
    """The lock is had, and this stands in its file."""
    with lock.writer():
        written().write_text(said)
        yield


def test_the_holder_is_named() -> None:
    with lock.writer():
        assert refused().endswith(f"(process {os.getpid()})")


def test_another_users_process_is_named() -> None:
    """By its number, whether or not it may be signalled."""
    with held("process 1\n"):
        assert refused().endswith("(process 1)")


def test_a_dead_one_is_not_named() -> None:
    """It held the lock before; whoever has it now hasn't said so yet."""
    with subprocess.Popen([sys.executable, "-c", ""]) as dead:
        dead.wait()
    with held(f"process {dead.pid}\n"):
        assert refused().endswith("(process unknown)")


@pytest.mark.parametrize("said", ["", "process", "process x", f"process {1 << 70}"])
def test_rubbish_is_not_repeated(said: str) -> None:
    with held(said):
        assert refused().endswith("(process unknown)")


def test_what_is_said_late_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    with held(""):

        def say(_: float) -> None:
            written().write_text(f"process {os.getpid()}\n")

        monkeypatch.setattr("time.sleep", say)
        assert refused().endswith(f"(process {os.getpid()})")


def test_it_is_free_afterwards() -> None:
    for _ in range(2):
        with lock.writer():
            pass


def test_half_a_name_is_not_repeated() -> None:
    """There was no more room: process 12 may be half of 1234."""
    with held("process 1"):
        assert refused().endswith("(process unknown)")


KILLED = """
import os, sys
from pathlib import Path
from vxland.kernel.child import Child
from vxland.process import flag, lock
lock.RUNTIME, flag.NAME = Path(sys.argv[1]), sys.argv[2].replace("@", "\\0")
with lock.writer():
    print(Child(["sleep", "600"], {"PATH": os.environ["PATH"]}).pid, flush=True)
    os.kill(os.getpid(), 9)
"""


@contextmanager
def left() -> Iterator[int]:
    """What a writer had started that was killed."""
    words = [sys.executable, "-c", KILLED, str(lock.RUNTIME), flag.NAME.replace("\0", "@")]
    pipe = subprocess.PIPE
    with subprocess.Popen(words, stdin=pipe, stdout=pipe, text=True) as writer:
        assert writer.stdout
        process = int(writer.stdout.readline())
        writer.wait()
        try:
            yield process
        finally:
            os.kill(process, signal.SIGKILL)


def test_what_a_killed_writer_has_started_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a while: it may be about to end. Nobody writes beside it."""
    monkeypatch.setattr(lock, "LONG", 2)
    with left() as process, pytest.raises(lock.Busy) as told, lock.writer():
        pass
    assert str(told.value) == (
        f"vxland is already at work in this network namespace (process {process}: sleep)."
        f" A vxland that was killed has started it. Wait, or end it: kill {process}"
    )


def test_what_has_a_killed_writers_flag(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody deleted the lock. The kernel tells of the one alone that is dead."""
    monkeypatch.setattr(lock, "LONG", 2)
    with left():
        written().unlink()
        with pytest.raises(lock.Busy, match=r"process unknown\)\. See .*: ss -xlp"), lock.writer():
            pass


def test_what_ends_meanwhile_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    sleep = time.sleep
    with left() as process:
        looks = itertools.count()

        def rest(seconds: float) -> None:
            if next(looks) == lock.LOOKS + 2:
                os.kill(process, signal.SIGTERM)
            sleep(seconds)

        monkeypatch.setattr("time.sleep", rest)
        with lock.writer():
            assert next(looks) > lock.LOOKS


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[None]:
    """Have another /run/vxland."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.mark.usefixtures("laboratory")
def test_a_full_run_keeps_nobody_from_writing(runtime: Path) -> None:
    """Only its name finds no room."""
    with mounted(runtime, "size=4k"):
        (runtime / "filler").write_bytes(bytes(4096))
        with lock.writer():
            assert refused().endswith("(process unknown)")


@pytest.mark.usefixtures("laboratory")
@pytest.mark.parametrize(
    ("options", "cure"), [("nr_inodes=1", "df -i"), ("ro", "mount -o remount,rw /run")]
)
def test_where_no_file_can_be_made_it_says_what_to_do(
    runtime: Path, options: str, cure: str
) -> None:
    with (
        mounted(runtime, options),
        pytest.raises(lock.Unusable, match=f"can't be used: .*{cure}"),
        lock.writer(),
    ):
        pass


def test_it_is_its_owners_alone() -> None:
    """Who can open it can hold it, and keep vxland from working. Earlier versions let everybody."""
    with lock.writer():
        written().chmod(0o644)
    with lock.writer():
        assert written().stat().st_mode & 0o777 == 0o600
