"""The daemon's socket where something is lacking that only the kernel knows of."""

import errno
import selectors
from collections.abc import Iterator
from pathlib import Path

import pytest

from vxland.control.client import NotRunning, ask
from vxland.control.server import Control, at_once
from vxland.process import lock

ANSWER = {"answer": "here"}


@pytest.fixture
def control(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Control]:
    """One that answers, in a folder in the place of /run/vxland."""
    monkeypatch.setattr(lock, "RUNTIME", tmp_path)
    made = Control({"status": at_once(lambda: ANSWER)})
    made.start()
    yield made
    made.stop()


def test_who_cant_be_listened_to_is_let_go_and_the_next_one_is_answered(
    control: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel may have no memory for that (epoll_ctl(2)), whatever the process has."""
    del control
    with monkeypatch.context() as lacking:
        lacking.setattr(selectors.EpollSelector, "register", _no_memory)
        with pytest.raises(NotRunning):
            ask("status")
    assert ask("status") == ANSWER


def _no_memory(*_: object) -> None:
    raise OSError(errno.ENOMEM, "Cannot allocate memory")
