"""What the real kernel does to sockets by itself: it is borne, and all is as it should be.

No room, signals, changes in the middle of a dump, datagrams that are cut off, and a descriptor that
is something else all at once.
"""

import os
import signal
import threading
from collections.abc import Iterator
from errno import ENOBUFS, ENOTSOCK
from pathlib import Path

import pytest

from tests.faults.ledger import Ledger
from tests.faults.stage import Stage, sh, staged
from tests.faults.test_netlink import SCENES, Scene, struck, vandalised
from tests.faults.wire import RECEIVING, SENDING, Fault, Socket, parts
from tests.lab.worker import Worker
from vxland.kernel import netlink
from vxland.kernel.netlink import DATAGRAM
from vxland.kernel.wire import HEADER, NLM_F_DUMP_INTR

pytestmark = pytest.mark.kernel

PLACES = range(1, 7)
MANY = 30  # changes: more than a dump is tried
CHANGE = "printf 'link add odd0 type bridge\\nlink del odd0\\n' | ip -batch -"
PART = 4096  # bytes: a dump takes several


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """One for all scenes of a test."""
    with staged(monkeypatch) as made:
        yield made


def played(stage: Stage, scene: Scene) -> list[str]:
    """What went wrong in a scene, and in the turns after it."""
    struck(stage, scene, Fault("never", lambda _, data: data), 1)
    return stage.told()


def test_next_to_no_room(stage: Stage, ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """The smallest buffer there is holds one or two answers."""
    monkeypatch.setattr(netlink, "RECEIVE_BUFFER", 1)
    for scene in SCENES:
        ledger.fault(f"no room, {scene.__name__}", played(stage, scene))
    assert stage.wire.failed[ENOBUFS] > 0


class Nuisance(Worker):
    """Interrupts a thread all the time."""

    def __init__(self) -> None:
        self._whom = threading.get_ident()
        super().__init__()

    def _work(self) -> None:
        while not self.ended.wait(0.001):
            signal.pthread_kill(self._whom, signal.SIGUSR1)


def test_signals(stage: Stage, ledger: Ledger) -> None:
    """They interrupt whatever waits, programs that are waited for among it."""
    caught: list[int] = []
    before = signal.signal(signal.SIGUSR1, lambda number, _: caught.append(number))
    try:
        with Nuisance():
            for scene in SCENES:
                ledger.fault(f"interrupted, {scene.__name__}", played(stage, scene))
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert caught


class Changing:
    """When something is received, so many times, a device comes and goes."""

    def __init__(self, times: int) -> None:
        self.told = 0  # times that the kernel said so
        self._left = times

    def __call__(self, _: object, data: bytes) -> bytes:
        self.told += sum(bool(HEADER.unpack_from(m)[2] & NLM_F_DUMP_INTR) for m in parts(data))
        if self._left > 0:
            self._left -= 1
            sh(CHANGE)
        return data


@pytest.mark.parametrize(("times", "places"), [(1, PLACES), (MANY, PLACES[:1])])
def test_a_change_in_the_middle_of_a_dump(
    stage: Stage, ledger: Ledger, times: int, places: range
) -> None:
    """The kernel says so, and it is asked again; a few times, where that doesn't end."""
    stage.wire.room = PART
    told = 0
    for place in places:
        changing = Changing(times)
        assert struck(stage, vandalised, Fault(RECEIVING, changing, lasts=True), place)
        ledger.fault(f"changed in the middle, {place}", stage.told())
        told += changing.told
    assert told > 0


@pytest.mark.parametrize("room", [7, 200, 1500])
def test_a_datagram_that_is_cut_off(stage: Stage, ledger: Ledger, room: int) -> None:
    """By the kernel, where there is no room for all of it."""
    vandalised(stage)
    stage.wire.room = room
    with pytest.raises(OSError, match="can't be read"):
        stage.turn()
    stage.wire.room = DATAGRAM
    stage.arrive()
    ledger.fault(f"cut off after {room}", stage.told())


def another_file(where: Socket, data: bytes) -> bytes:
    """From now on the socket's descriptor is that of something else."""
    with Path(os.devnull).open("rb") as null:
        os.dup2(null.fileno(), where.real.fileno())
    return data


@pytest.mark.parametrize("occasion", [SENDING, RECEIVING])
def test_a_descriptor_that_is_another_file(stage: Stage, ledger: Ledger, occasion: str) -> None:
    """A socket takes its place."""
    for place in PLACES:
        assert struck(stage, vandalised, Fault(occasion, another_file), place)
        ledger.fault(f"no socket while {occasion}, {place}", stage.told())
    assert stage.wire.failed[ENOTSOCK] > 0
