"""Whose flag counts, and that nothing about it keeps a writer from working."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from vxland import flag

OWN = frozenset({os.geteuid()})
NOBODY = frozenset[int]()
DIES = """
import os, socket, sys
shown = socket.socket(socket.AF_UNIX)
shown.bind(sys.argv[1].replace("@", "\\0"))
shown.listen(1)
print(flush=True)
input()
os.kill(os.getpid(), 9)
"""


@pytest.fixture(autouse=True)
def name(monkeypatch: pytest.MonkeyPatch) -> str:
    """One of this process's own."""
    made = f"\0vxland/test-{os.getpid()}"
    monkeypatch.setattr(flag, "NAME", made)
    return made


@pytest.fixture
def first() -> Iterator[socket.socket]:
    """The one who comes first."""
    with socket.socket(socket.AF_UNIX) as made:
        yield made


@pytest.fixture
def second() -> Iterator[socket.socket]:
    """The one who comes then."""
    with socket.socket(socket.AF_UNIX) as made:
        yield made


def test_the_holder_is_named_until_it_goes(first: socket.socket, second: socket.socket) -> None:
    assert flag.hoist(first, OWN) is None
    assert flag.hoist(second, OWN) == f"process {os.getpid()}"
    first.close()
    assert flag.hoist(second, OWN) is None


def test_a_strangers_flag_is_none(first: socket.socket, second: socket.socket) -> None:
    """Anybody may take the name."""
    assert flag.hoist(first, NOBODY) is None
    assert flag.hoist(second, NOBODY) is None


def test_it_goes_with_its_holder(name: str, second: socket.socket) -> None:
    """Killed, and at once."""
    words = [sys.executable, "-c", DIES, name.replace("\0", "@")]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout
        holder.stdout.readline()
        assert flag.hoist(second, OWN) == f"process {holder.pid}"
        holder.communicate(b"\n")
    assert flag.hoist(second, OWN) is None


def test_a_name_that_nobody_answers_by(
    name: str, first: socket.socket, second: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is looked again whether that one has just come; for ever nobody waits."""
    first.bind(name)
    looks: list[float] = []
    monkeypatch.setattr("time.sleep", looks.append)
    assert flag.hoist(second, OWN) is None
    assert len(looks) == flag.LOOKS

    def come(_: float) -> None:
        first.listen(1)

    monkeypatch.setattr("time.sleep", come)
    assert flag.hoist(second, OWN) == f"process {os.getpid()}"


def test_one_that_lets_nobody_ask(name: str, first: socket.socket, second: socket.socket) -> None:
    """So many wait that there is no telling whose it is."""
    first.bind(name)
    first.listen(0)
    with socket.socket(socket.AF_UNIX) as waiting:
        waiting.connect(name)
        assert flag.hoist(second, OWN) is None


def test_where_there_are_no_such_names(
    first: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It does without."""
    monkeypatch.setattr(flag, "NAME", "/nowhere/flag")
    assert flag.hoist(first, OWN) is None
