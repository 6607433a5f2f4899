"""Whose flag counts, and that nothing about it keeps a writer from working."""

import errno
import os
import pwd
import socket
import subprocess
import sys
from collections.abc import Iterator
from types import SimpleNamespace
from typing import NoReturn

import pytest

from vxland.process import flag
from vxland.process.flag import Flag, believed

DIES = """
import os, socket, sys
shown = socket.socket(socket.AF_UNIX)
shown.bind(sys.argv[1].replace("@", "\\0"))
shown.listen(1)
print(flush=True)
input()
os.kill(os.getpid(), 9)
"""


def own(user: int) -> bool:
    """This user's flags alone count."""
    return user == os.geteuid()


def nobodys(_: int) -> bool:
    """No flag counts."""
    return False


@pytest.fixture(autouse=True)
def name(monkeypatch: pytest.MonkeyPatch) -> str:
    """One of this process's own."""
    made = f"\0vxland/test-{os.getpid()}"
    monkeypatch.setattr(flag, "NAME", made)
    return made


@pytest.fixture
def first() -> Iterator[Flag]:
    """That of the one who comes first."""
    with Flag() as made:
        yield made


@pytest.fixture
def second() -> Iterator[Flag]:
    """That of the one who comes then."""
    with Flag() as made:
        yield made


@pytest.fixture
def mute(name: str) -> Iterator[socket.socket]:
    """One that has the name, and doesn't listen."""
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(name)
        yield made


def test_the_holder_is_named_until_it_goes(first: Flag, second: Flag) -> None:
    assert first.hoist(own) is None
    assert second.hoist(own) == os.getpid()
    first.close()
    assert second.hoist(own) is None


def test_a_strangers_flag_is_none(first: Flag, second: Flag) -> None:
    """Anybody may take the name."""
    assert first.hoist(nobodys) is None
    assert second.hoist(nobodys) is None


def test_it_goes_with_its_holder(name: str, second: Flag) -> None:
    """Killed, and at once."""
    words = [sys.executable, "-c", DIES, name.replace("\0", "@")]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout
        holder.stdout.readline()
        assert second.hoist(own) == holder.pid
        holder.communicate(b"\n")
    assert second.hoist(own) is None


def test_a_name_that_nobody_answers_by(
    mute: socket.socket, second: Flag, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is looked again whether that one has just come; for ever nobody waits."""
    looks: list[float] = []
    monkeypatch.setattr("time.sleep", looks.append)
    assert second.hoist(own) is None
    assert len(looks) == flag.LOOKS

    def come(_: float) -> None:
        mute.listen(1)

    monkeypatch.setattr("time.sleep", come)
    assert second.hoist(own) == os.getpid()


def test_one_that_lets_nobody_ask(name: str, mute: socket.socket, second: Flag) -> None:
    """So many wait that there is no telling whose it is."""
    mute.listen(0)
    with socket.socket(socket.AF_UNIX) as waiting:
        waiting.connect(name)
        assert second.hoist(own) is None


def test_many_may_ask(first: Flag, second: Flag, monkeypatch: pytest.MonkeyPatch) -> None:
    """In time: those that have are forgotten."""
    monkeypatch.setattr(flag, "WAITING", 2)
    first.make_room()  # before it is hoisted there is nobody
    first.hoist(own)
    for _ in range(7):
        assert second.hoist(own) == os.getpid()
        first.make_room()


def test_where_there_are_no_such_names(first: Flag, monkeypatch: pytest.MonkeyPatch) -> None:
    """It does without."""
    monkeypatch.setattr(flag, "NAME", "/nowhere/flag")
    assert first.hoist(own) is None


@pytest.mark.parametrize("number", [errno.EAFNOSUPPORT, errno.EMFILE, errno.EPERM])
def test_where_no_socket_can_be_had(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """It does without, too."""

    def refuse(*_: object) -> NoReturn:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("socket.socket", refuse)
    with Flag() as made:
        assert made.hoist(own) is None
        made.make_room()


def test_whose_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Theirs who could have the lock; the service's, too, whoever has made the folder."""
    this, folders, other = 64901, 64902, 64903
    found = SimpleNamespace(st_uid=folders)
    monkeypatch.setattr(flag, "os", SimpleNamespace(geteuid=lambda: this, fstat=lambda _: found))
    assert all(believed(user, 7) for user in (0, this, folders))
    monkeypatch.setattr(flag, "SERVICE", "no-such-user")
    assert not believed(other, 7)
    monkeypatch.setattr(flag, "SERVICE", "nobody")
    assert believed(pwd.getpwnam("nobody").pw_uid, 7)
