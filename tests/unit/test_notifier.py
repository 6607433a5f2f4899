"""What the service manager is told while a turn goes on."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from vxland.process.notify import Notifier


@pytest.fixture
def manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """Who is told."""
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as made:
        made.bind(str(path))
        made.settimeout(0)
        monkeypatch.setenv("NOTIFY_SOCKET", str(path))
        yield made


def test_work_is_told_of_once_a_second(
    manager: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However often there is something to tell."""
    now = 0.0
    monkeypatch.setattr("vxland.process.notify.time.monotonic", lambda: now)
    notifier = Notifier()
    for moment in range(0, 30, 3):  # tenths
        now = moment / 10
        notifier.working()
    said: list[list[str]] = []
    while len(said) < 3:
        said.append(manager.recv(1 << 12).decode().splitlines())
    with pytest.raises(BlockingIOError):
        manager.recv(1 << 12)
    assert said == [["WATCHDOG=1", "EXTEND_TIMEOUT_USEC=60000000"]] * 3
