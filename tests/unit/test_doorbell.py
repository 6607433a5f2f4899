"""The doorbell: nothing that rang is lost, and nobody is woken for nothing."""

import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from vxland.process.doorbell import Doorbell, Trigger

PATIENCE = 5.0  # seconds


@pytest.fixture
def doorbell() -> Iterator[Doorbell]:
    with Doorbell() as doorbell:
        yield doorbell


class Pipe:
    """A source that is readable when it was written to; ``news`` says what its draining tells."""

    trigger = Trigger.NETLINK

    def __init__(self, news: Callable[[], bool]) -> None:
        self._news = news
        self.drained = 0
        self._near, self._far = socket.socketpair()
        self._near.settimeout(0)

    def write(self) -> None:
        self._far.send(b"!")

    def fileno(self) -> int:
        return self._near.fileno()

    def drain(self) -> bool:
        self._near.recv(100)
        self.drained += 1
        return self._news()

    def close(self) -> None:
        self._near.close()
        self._far.close()


@pytest.fixture
def pipe(doorbell: Doorbell) -> Iterator[Callable[[Callable[[], bool]], Pipe]]:
    made: list[Pipe] = []

    def make(news: Callable[[], bool]) -> Pipe:
        made.append(Pipe(news))
        doorbell.add(made[-1])
        return made[-1]

    yield make
    for pipe in made:
        pipe.close()


def test_silence(doorbell: Doorbell) -> None:
    """Without a ring the waiting ends by the timeout, with nothing."""
    assert frozenset() == doorbell.wait(0.01)
    assert frozenset() == doorbell.wait(0)


@pytest.mark.parametrize("trigger", Trigger)
def test_ring_before_waiting(doorbell: Doorbell, trigger: Trigger) -> None:
    """A ring that came before anybody waited is heard, once."""
    doorbell.ring(trigger)
    assert {trigger} == doorbell.wait(None)
    assert frozenset() == doorbell.wait(0)


def test_coalesced(doorbell: Doorbell) -> None:
    """What rang together is answered together, however often it rang."""
    for _ in range(1000):
        doorbell.ring(Trigger.CONFIG)
    doorbell.ring(Trigger.RULES)
    assert {Trigger.CONFIG, Trigger.RULES} == doorbell.wait(PATIENCE)
    assert frozenset() == doorbell.wait(0)


def test_other_threads(doorbell: Doorbell) -> None:
    """Rings of many threads wake the one that waits, and none is lost."""
    threads = [
        threading.Thread(target=doorbell.ring, args=(trigger,))
        for trigger in Trigger
        for _ in range(10)
    ]
    for thread in threads:
        thread.start()
    heard: set[Trigger] = set()
    while heard != set(Trigger) and (rung := doorbell.wait(PATIENCE)):
        heard |= rung
    for thread in threads:
        thread.join()
    assert set(Trigger) == heard


def test_signal_handler(doorbell: Doorbell) -> None:
    """A signal handler's ring ends the waiting that the signal interrupted, an endless one too."""
    before = signal.signal(signal.SIGUSR1, lambda *_: doorbell.ring(Trigger.HANGUP))
    killer = threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGUSR1))
    killer.start()
    try:
        assert {Trigger.HANGUP} == doorbell.wait(None)
    finally:
        killer.join()
        signal.signal(signal.SIGUSR1, before)


def test_interesting_source(doorbell: Doorbell, pipe: Callable[[Callable[[], bool]], Pipe]) -> None:
    """A source with news rings as its trigger, together with what else rang."""
    source = pipe(lambda: True)
    source.write()
    doorbell.ring(Trigger.STOP)
    assert {Trigger.NETLINK, Trigger.STOP} == doorbell.wait(PATIENCE)
    assert source.drained == 1


def test_boring_source_doesnt_end_the_waiting(
    doorbell: Doorbell, pipe: Callable[[Callable[[], bool]], Pipe]
) -> None:
    """After a source without news the waiting goes on, and hears what comes next."""

    def nothing() -> bool:
        doorbell.ring(Trigger.REQUEST)  # comes after the select that returned the source
        return False

    source = pipe(nothing)
    source.write()
    assert {Trigger.REQUEST} == doorbell.wait(PATIENCE)
    assert source.drained == 1


def test_boring_source_doesnt_spin(
    doorbell: Doorbell,
    pipe: Callable[[Callable[[], bool]], Pipe],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A source without news costs one more turn, not one after another until the timeout."""
    source = pipe(lambda: False)
    source.write()
    turns = []
    select = doorbell._selector.select

    def counting(timeout: float | None) -> object:
        turns.append(timeout)
        return select(timeout)

    monkeypatch.setattr(doorbell._selector, "select", counting)
    assert frozenset() == doorbell.wait(0.1)
    assert source.drained == 1
    assert len(turns) <= 4  # the source, the rest of the time, and rounding


def test_noise_doesnt_outlast_the_timeout(
    doorbell: Doorbell, pipe: Callable[[Callable[[], bool]], Pipe]
) -> None:
    """A source that is never silent doesn't keep the waiting from ending."""

    def noise() -> bool:
        source.write()
        return False

    source = pipe(noise)
    source.write()
    assert frozenset() == doorbell.wait(0.01)


def test_long_timeout(doorbell: Doorbell) -> None:
    """A timeout of months is no error (epoll refuses it)."""
    doorbell.ring(Trigger.START)
    assert {Trigger.START} == doorbell.wait(1e9)


def test_closed() -> None:
    """A late ring, a signal's for one, does nothing once the doorbell is closed."""
    doorbell = Doorbell()
    doorbell.close()
    doorbell.ring(Trigger.STOP)
    doorbell.close()
