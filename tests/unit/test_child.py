"""Programs that are waited for."""

import errno
import fcntl
import os
import resource
import subprocess
from pathlib import Path

import pytest

from vxland.kernel.child import Child
from vxland.kernel.ebtables import ENVIRONMENT

CLOSED = "exec >&- 2>&- sleep 60"  # says nothing more, and goes on


def refused(_: int) -> int:
    """No process can be watched."""
    raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))


@pytest.mark.parametrize("watched", [True, False])
def test_its_end_is_waited_for(monkeypatch: pytest.MonkeyPatch, *, watched: bool) -> None:
    """Also where the kernel can't tell of it."""
    if not watched:
        monkeypatch.setattr(os, "pidfd_open", refused)
    with Child(["sh", "-c", "cat; echo why >&2; exit 3"], ENVIRONMENT) as child:
        assert child.communicate("text", 60) == ("text", "why\n")
    assert child.returncode == child.wait(60) == 3


@pytest.mark.parametrize("size", [0, 60_000, 200_000], ids=["nothing", "at once", "as it is heard"])
@pytest.mark.parametrize("letter", ["x", "é"])
def test_it_is_told_and_heard(letter: str, size: int) -> None:
    """Whatever room there is in a pipe."""
    with Child(["cat"], ENVIRONMENT) as child:
        child.tell(letter * size)
        assert child.hear(60) == (letter * size, "")
    assert child.returncode == 0


def test_what_has_no_room_is_no_wait() -> None:
    """Of letters that are two bytes each, too."""
    with Child(["sh", "-c", "read word; echo $word"], ENVIRONMENT) as child:
        child.tell("é" * 60_000)  # more bytes than there is room for
        assert child.stdin is not None
        child.hear(60)


@pytest.mark.parametrize("size", [1, 20_000, 200_000])
def test_it_may_end_before_it_is_told(size: int) -> None:
    with Child(["sh", "-c", "echo no >&2; exit 3"], ENVIRONMENT) as child:
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        child.tell("x" * size)
        assert child.hear(60) == ("", "no\n")
    assert child.returncode == 3


def test_what_is_told_ends() -> None:
    """So that it can go on before it is heard."""
    with Child(["cat"], ENVIRONMENT) as child:
        child.tell("all")
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert child.hear(60) == ("all", "")


@pytest.mark.parametrize("watched", [True, False])
def test_it_has_its_time(monkeypatch: pytest.MonkeyPatch, *, watched: bool) -> None:
    """And no more, though nothing is to come any more."""
    if not watched:
        monkeypatch.setattr(os, "pidfd_open", refused)
    with Child(["sh", "-c", CLOSED], ENVIRONMENT) as child:
        with pytest.raises(subprocess.TimeoutExpired):
            child.communicate("", 0.2)
        child.kill()
    assert child.returncode < 0


def test_it_has_no_files_of_ours(tmp_path: Path) -> None:
    """But for what is marked to be inherited."""
    with (tmp_path / "kept").open("w") as kept, (tmp_path / "given").open("w") as given:
        os.set_inheritable(given.fileno(), True)  # noqa: FBT003 - has no name
        with Child(["sh", "-c", "ls -l /proc/self/fd"], ENVIRONMENT) as child:
            listed, _ = child.communicate("", 60)
    assert given.name in listed
    assert kept.name not in listed


def test_a_process_with_many_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Descriptors above 1,023, which select(2) can't take."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    of_process = os.pidfd_open

    def high(process: int) -> int:
        low = of_process(process)
        try:
            return fcntl.fcntl(low, fcntl.F_DUPFD_CLOEXEC, 1024)
        finally:
            os.close(low)

    monkeypatch.setattr(os, "pidfd_open", high)
    try:
        with Child(["true"], ENVIRONMENT) as child:
            assert child.wait(60) == 0
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
