"""Storms of change: afterwards all is as it must be, and meanwhile nothing starves or grows.

What is counted: turns, which must be far fewer than events; signs of life, for which a storm goes
on until they have come, and of which none may be far from the one before; and memory, by the peak
that /proc tells. bench/rows/storms.py measures the same for longer.
"""

import time
from collections.abc import Iterator
from itertools import pairwise

import pytest

from bench.place import OVERLAY, Place, delete_group, name, text
from tests.daemon_notify.manager import Manager
from tests.lab import eventually
from tests.storms.vitals import forget_peak, overruns, peak, resident, turns
from tests.storms.weather import Storm, deaf, learning, teaching, writing
from vxland.identity import pair_device

pytestmark = [pytest.mark.kernel, pytest.mark.daemon]

PEERS = 50
WATCHDOG = 1.0  # seconds that the manager allows between two signs of life
SIGNS = 3  # of life, for which a storm lasts
SILENCE = 60  # times that a sign may be due and not come: what the unit allows is as many again
FEW = 10  # turns: an address of a new port, or the like
MEMORY = 24 << 20  # bytes that a storm may take
NEVER = "1h"  # the interval: what a turn is taken for is an event
FILE = text(PEERS, interval=NEVER)


@pytest.fixture(scope="module")
def manager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Manager]:
    """The service manager."""
    with Manager(tmp_path_factory.mktemp("manager") / "notify") as made:
        yield made


@pytest.fixture(scope="module")
def storms(
    laboratory: None, tmp_path_factory: pytest.TempPathFactory, manager: Manager
) -> Iterator[Place]:
    """A server whose daemon looks after a mesh, all storms through."""
    del laboratory
    with Place("storms", tmp_path_factory.mktemp("storms")) as made:
        made.write(FILE)
        made.start(environment=manager.environment(WATCHDOG))
        made.settled()
        yield made


@pytest.fixture
def place(storms: Place, manager: Manager) -> Iterator[Place]:
    """The same, calm and as its first file says; whatever happens to it, it gives signs of life."""
    storms.configure(FILE)
    before = calm(storms)
    forget_peak(storms)
    manager.forget()
    began = time.monotonic()
    yield storms
    taken = turns(storms) - before  # a mend that fails is followed by a turn without a sign
    eventually(lambda: len(manager.alive) >= taken / 2, f"signs of life in {taken} turns")
    signs = pairwise((began, *manager.alive, time.monotonic()))
    assert max(later - sooner for sooner, later in signs) < SILENCE * WATCHDOG / 2


def calm(place: Place) -> int:
    """Wait until it takes no more turns; returns how many it took so far."""
    seen = [-1]

    def nothing_new() -> bool:
        seen.append(turns(place))
        return seen[-1] == seen[-2]

    eventually(nothing_new, "it is calm", patience=60, pause=0.5)
    assert place.in_sync()
    return seen[-1]


def last(storm: Storm, manager: Manager, count: int) -> int:
    """Let a storm go on until so much has happened, and the daemon gave signs of life meanwhile."""
    heard = len(manager.alive)
    eventually(lambda: storm.count >= count, "it happened", patience=60)
    eventually(lambda: len(manager.alive) >= heard + SIGNS, "signs of life", patience=60)
    return storm.count


def all_are_up(place: Place, peers: int = PEERS) -> bool:
    """Whether every tunnel is there, and no other."""
    seen = {link["ifname"] for link in place.json("ip -j link show type vxlan up")}
    return seen == {pair_device(OVERLAY, name(number)) for number in range(2, peers + 2)}


def test_all_tunnels_deleted_at_once(place: Place) -> None:
    """They are made again in a few turns, not in one for each."""
    before, memory = turns(place), resident(place)
    with place.entered():
        delete_group()
    eventually(lambda: all_are_up(place), "all are back", patience=60)
    assert calm(place) - before < FEW
    assert peak(place) - memory < MEMORY


def test_a_busy_bridge_learns(place: Place, manager: Manager) -> None:
    """What a bridge learns from traffic is no reason for a turn."""
    with learning(place, 1):
        pass  # its ports come, which is
    before, memory = calm(place), resident(place)
    with learning(place, 1000) as storm:
        last(storm, manager, 2000)
    assert turns(place) - before < FEW
    assert peak(place) - memory < MEMORY


def test_entries_by_hand(place: Place, manager: Manager) -> None:
    """Events that may matter are looked at together, and the watchdog doesn't starve."""
    with teaching(place, 1):
        pass
    before, memory = calm(place), resident(place)
    with teaching(place, 1000) as storm:
        count = last(storm, manager, 2000)
        assert turns(place) - before < count / 100
    calm(place)
    assert peak(place) - memory < MEMORY


def test_a_file_that_is_written_all_the_time(place: Place, manager: Manager) -> None:
    """The last word holds, and not every one was acted upon."""
    before, memory = turns(place), resident(place)
    texts = [text(peers, interval=NEVER) for peers in (PEERS + 1, PEERS, PEERS + 2)]
    with writing(place, 200, texts) as storm:
        count = last(storm, manager, 400)
        assert turns(place) - before < count / 8
    eventually(lambda: all_are_up(place, PEERS + 2), "it is as the last one says", patience=60)
    calm(place)
    assert peak(place) - memory < MEMORY


def test_lost_events(place: Place) -> None:
    """What happened while the kernel dropped events is put right all the same."""
    memory = resident(place)
    device = pair_device(OVERLAY, name(2))
    lost = overruns(place)
    with deaf(place, 40_000):
        place.sh(f"ip link del {device}; ebtables -F")
    eventually(lambda: all_are_up(place), "all are back", patience=60)
    calm(place)
    assert overruns(place) > lost
    assert place.sh("ebtables-save").count("\n-A ") == 2
    assert peak(place) - memory < MEMORY
