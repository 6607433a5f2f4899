"""Who reads for others waits while the loop turns, and only then."""

import threading

import pytest

from vxland.process import precedence
from vxland.process.precedence import Precedence

PATIENCE = 60.0  # seconds until a test gives up


@pytest.fixture
def reader() -> "Reader":
    return Reader()


class Reader:
    def __init__(self) -> None:
        self.precedence = Precedence()
        self.asks = threading.Event()
        self.through = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)

    def start(self) -> None:
        self._thread.start()
        assert self.asks.wait(PATIENCE)

    def _read(self) -> None:
        self.asks.set()
        self.precedence.give_way()
        self.through.set()


def test_nobody_waits_while_the_loop_rests(reader: Reader) -> None:
    reader.start()
    assert reader.through.wait(PATIENCE)


def test_a_reader_waits_until_the_turn_is_over(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(precedence, "LONGEST", PATIENCE)
    with reader.precedence.taken():
        reader.start()
        assert not reader.through.wait(0.2)
    assert reader.through.wait(PATIENCE)


def test_a_turn_that_fails_is_over(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precedence, "LONGEST", 2 * PATIENCE)
    with pytest.raises(OSError, match="no buffer"), reader.precedence.taken():
        raise OSError("no buffer")
    reader.start()
    assert reader.through.wait(PATIENCE)


def test_a_loop_that_turns_for_ever_keeps_nobody_for_ever(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(precedence, "LONGEST", 0.05)
    with reader.precedence.taken():
        reader.start()
        assert reader.through.wait(PATIENCE)
