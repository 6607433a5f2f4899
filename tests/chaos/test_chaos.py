"""A minute of chaos; ten are scripts/chaos, which takes a seed of its own each time."""

from pathlib import Path

import pytest

from tests.chaos.deeds import VANDALS
from tests.chaos.node import NODES
from tests.chaos.run import chaos

SECONDS = 60
SEED = 8


@pytest.mark.kernel
@pytest.mark.daemon
@pytest.mark.usefixtures("laboratory")
@pytest.mark.timeout(300)
def test_all_comes_right(tmp_path: Path) -> None:
    """Five nodes are as before within seconds, nothing came twice, nothing foreign is lost."""
    outcome = chaos(tmp_path, SEED, SECONDS)
    print(outcome.line())
    assert outcome.wrong == []
    assert outcome.kills > 0
    assert all(outcome.deeds.values()), outcome.deeds


def test_the_seed_replays_it() -> None:
    """The same deeds for the same seed, and others for another."""
    for vandal in VANDALS:
        deeds = list(vandal.deeds(1, SECONDS))
        assert deeds == list(vandal.deeds(1, SECONDS))
        assert deeds != list(vandal.deeds(2, SECONDS))


def test_one_guard_is_left() -> None:
    """No node is done out of its rules and of its isolation: a storm then would be the test's."""
    for node in NODES:
        scripts = "\n".join(script for vandal in VANDALS for script in vandal.scripts(node))
        assert ("isolated" in scripts) != ("ebtables" in scripts), node
        assert ("ip link set $T name" in scripts) == node.loses_rules, node
