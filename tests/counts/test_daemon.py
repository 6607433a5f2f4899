"""What a daemon starts while there is nothing to do is counted from outside."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.place import Place, text
from tests.lab import eventually
from tests.storms.vitals import faults_of_children, turns

pytestmark = [pytest.mark.kernel, pytest.mark.daemon]

FEW = 3  # peers
TURNS = 2


@pytest.fixture
def place(laboratory: None, tmp_path: Path) -> Iterator[Place]:
    """A server."""
    del laboratory
    with Place("counts", tmp_path) as made:
        yield made


def turn(place: Place) -> None:
    """Let some intervals pass."""
    enough = turns(place) + TURNS
    eventually(lambda: turns(place) >= enough, "it turns", patience=60, pause=0.1)


def test_checks_that_find_nothing(place: Place) -> None:
    """They start no process: it has waited for none that ever touched memory of its own."""
    place.write(text(FEW, interval="1s"))
    place.start()
    place.settled()
    turn(place)  # what follows from new devices
    before = faults_of_children(place)
    assert before > 0  # ebtables, to write the rules
    turn(place)
    assert faults_of_children(place) == before
