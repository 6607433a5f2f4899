"""What is put right again and again."""

import pytest

from vxland.fights import (
    FIRST_HOLD,
    GUARD_HOLD,
    LIMIT,
    LONGEST_HOLD,
    QUIET,
    WINDOW,
    Fights,
    undone,
)
from vxland.model import Bridge
from vxland.operations import (
    Attach,
    BringUp,
    CreateBridge,
    DeleteLink,
    Guarding,
    Isolate,
    Operation,
    Rename,
    SetMtu,
    TakeDown,
)

MTU = ("vxl-lan-b", "mtu")
ISOLATED = ("vxl-lan-b", "isolated")


def provoke(fights: Fights, subject: tuple[str, str], start: float = 0.0) -> float:
    """Repair as often as makes a fight; returns the moment of the last repair."""
    moment = start
    for count in range(LIMIT):
        moment = start + count * WINDOW / LIMIT
        begun = fights.record([subject], moment)
        assert [fight.subject for fight in begun] == ([subject] if count == LIMIT - 1 else [])
    return moment


def test_twenty_repairs_in_ten_seconds_are_a_fight() -> None:
    """The twentieth begins it, and the next repair waits."""
    fights = Fights()
    moment = provoke(fights, MTU)
    assert fights.held(moment) == frozenset({MTU})
    assert fights.next(moment) == moment + FIRST_HOLD
    assert fights.held(moment + FIRST_HOLD) == frozenset()
    assert fights.next(moment + FIRST_HOLD) is None
    assert fights.total == 1


def test_slower_repairs_are_none() -> None:
    """As many, but over a longer time."""
    fights = Fights()
    for count in range(LIMIT * 3):
        assert fights.record([MTU], count * WINDOW / (LIMIT - 1) * 1.01) == ()
    assert fights.current() == ()


def test_a_subject_counts_once_a_turn_and_by_itself() -> None:
    """Many subjects put right together are no fight."""
    fights = Fights()
    for number in range(LIMIT * 2):
        fights.record([(f"vxl-lan-{number}", "mtu"), (f"vxl-lan-{number}", "mtu")], 0.0)
    assert fights.current() == ()


def test_each_further_repair_waits_twice_as_long() -> None:
    """Up to a minute; a guard never longer than a second."""
    for subject, longest in ((MTU, LONGEST_HOLD), (ISOLATED, GUARD_HOLD)):
        fights = Fights()
        moment = provoke(fights, subject)
        holds = []
        for _ in range(10):
            assert fights.record([subject], moment) == ()
            holds.append(fights.current()[0].hold)
        assert holds[0] == min(2 * FIRST_HOLD, longest)
        assert holds[-1] == longest
        assert fights.current()[0].repairs == LIMIT + 10


def test_quiet_ends_a_fight() -> None:
    """Half a minute after the next repair would have been allowed, if there was none."""
    fights = Fights()
    until = provoke(fights, MTU) + FIRST_HOLD
    fights.record([], until + QUIET - 0.1)
    assert [fight.subject for fight in fights.current()] == [MTU]
    end = fights.next_end(until)
    assert end == until + QUIET
    fights.forget(end)
    assert fights.current() == ()
    assert fights.next_end(until) is None
    assert fights.total == 1


def test_old_repairs_are_forgotten() -> None:
    """Memory doesn't grow with devices that come and go."""
    fights = Fights()
    for number in range(100):
        fights.record([(f"vxl-lan-{number}", "mtu")], number * WINDOW * 2)
    assert len(fights._recent) == 1


T, B = "vxl-lan-b", "vxbr0"
PORT: tuple[Operation, ...] = (Isolate("lan", T), BringUp("lan", T, Guarding(T, ("isolated",))))


@pytest.mark.parametrize(
    ("operations", "subjects"),
    [
        ((*PORT, SetMtu("lan", T, 1450)), [(T, "isolated"), (T, "state"), (T, "mtu")]),
        ((DeleteLink("lan", T), Attach("lan", T, B), *PORT), [(T, "existence")]),
        ((TakeDown("lan", T), Attach("lan", T, B), *PORT), [(T, "master")]),
        ((TakeDown("lan", "odd"), Rename("lan", "odd", T), *PORT), [("odd", "name")]),
        (
            (
                CreateBridge("lan", B, Bridge(B, "", "", "", 1450, frozenset())),
                Attach("lan", T, B),
                *PORT,
                SetMtu("lan", T, 1450),
            ),
            [(B, "existence"), (T, "mtu")],
        ),
    ],
)
def test_only_what_was_undone_counts(
    operations: tuple[Operation, ...], subjects: list[tuple[str, str]]
) -> None:
    """One fight for a device that is deleted again and again, not one for all that it has."""
    assert list(undone(operations)) == subjects
