"""What a program prints is had, whatever the program does."""

import os
import signal
from pathlib import Path

import pytest

from vxland.bugreport.answer import Answer, ask


@pytest.mark.parametrize(
    ("script", "answer"),
    [
        ("echo yes", Answer("yes\n")),
        ("echo no >&2; exit 7", Answer("no\n", "exit status 7")),
        ("printf '\\377'", Answer("\N{REPLACEMENT CHARACTER}")),
        ("kill -9 $$", Answer("", "exit status -9")),
    ],
)
def test_what_it_prints_and_how_it_ends(script: str, answer: Answer) -> None:
    assert ask(("sh", "-c", script)) == answer


def test_a_program_that_is_missing_is_an_answer() -> None:
    assert ask(("no-such-program",)) == Answer(
        "", "no-such-program can't be run: No such file or directory"
    )


@pytest.mark.parametrize(
    "script", ["echo begun; sleep 600", "echo begun; exec >&- 2>&-; sleep 600"]
)
def test_one_that_hangs_is_ended(script: str) -> None:
    """Whether it keeps its output open or not; what it printed is told."""
    assert ask(("sh", "-c", script), patience=0.5) == Answer("begun\n", "not over after 0.5 s")


def test_what_a_program_began_holds_nothing_up(tmp_path: Path) -> None:
    """A process of its own that goes on with the same output."""
    script = f"sleep 600 & echo $! >{tmp_path}/pid; echo begun"
    answer = ask(("sh", "-c", script), patience=0.5)
    os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)
    assert answer == Answer("begun\n", "not over after 0.5 s")


def test_one_that_floods_is_cut_off() -> None:
    answer = ask(("yes",), limit=4096)
    assert answer == Answer("y\n" * 2048, "cut off after 4 KiB")
