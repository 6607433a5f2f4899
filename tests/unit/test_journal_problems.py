"""What the journal says of problems, the configuration and trouble: once, and when it ends."""

from collections.abc import Callable, Iterator

import pytest
from msgspec.structs import replace

from tests.unit.journal_log import DEVICE, TURN, Log, entry_of, listening, turn
from vxland.journal import Message
from vxland.journal.journal import SAVES
from vxland.journal.throttle import FIRST
from vxland.kernel.suspects import Suspects
from vxland.listing import MOST
from vxland.problems import Kind, Problem

DOWN = Problem(Kind.WAITING, "no address yet", "Wait", overlay="lan", peer="lxd2", device=DEVICE)


@pytest.fixture
def log() -> Iterator[Log]:
    """A journal after its first turn."""
    with listening() as found:
        yield found


@pytest.mark.parametrize("kind", Kind)
def test_a_problem_is_told_when_it_comes_and_when_it_goes(log: Log, kind: Kind) -> None:
    """Once each, however many turns it lasts."""
    problem = replace(DOWN, kind=kind)
    for _ in range(3):
        log.journal.write(turn(problems=(problem,)))
        log.goes_on(100)
    came = log.entry()
    assert came.message is Message[kind.name]
    assert came.text == f"{kind.value}: no address yet. Wait"
    assert came.fields == {
        "VXLAND_OVERLAY": ("lan",),
        "VXLAND_PEER": ("lxd2",),
        "VXLAND_DEVICE": (DEVICE,),
        "VXLAND_KIND": (kind.value,),
    }
    log.journal.write(turn())
    went = log.entry()
    assert (went.message, went.text) == (Message.RESOLVED, "no longer: no address yet")
    assert went.fields == came.fields


def test_a_fight_names_who_was_seen(log: Log) -> None:
    """In a field of its own."""
    fight = Problem(Kind.FIGHT, "something keeps changing it", device=DEVICE)
    log.journal.write(turn(problems=(fight,), culprits={DEVICE: "ip (pid 12)"}))
    assert log.entry().fields["VXLAND_CULPRIT"] == ("ip (pid 12)",)


def named_by_the_kernel(pid: int) -> str:
    """A program as vxland.kernel.events names it."""
    suspects = Suspects()
    suspects.note("ip", pid, 0.0)
    who = suspects.likely(1.0)
    assert who is not None
    return who


def holding_a_port(pid: int) -> str:
    """A program as vxland.kernel.port names it."""
    return f"nginx (process {pid})"


@pytest.mark.parametrize("who", [named_by_the_kernel, holding_a_port])
def test_another_process_id_is_not_another_problem(log: Log, who: Callable[[int], str]) -> None:
    """A program that is run again and again has a new one each time."""
    for pid in range(100, 150):
        problem = Problem(Kind.FAILED, f"it is held by {who(pid)}", f"Stop {who(pid)}")
        log.journal.write(turn(problems=(problem,)))
    assert len(log.new()) == 1
    log.journal.write(turn(problems=(Problem(Kind.FAILED, "it is held by another"),)))
    assert len(log.new()) == 2


def test_a_problem_that_comes_and_goes_is_summed_up(log: Log) -> None:
    """With how it is now, in the end too."""
    for _ in range(50):
        log.journal.write(turn(problems=(DOWN,)))
        log.journal.write(turn())
        log.goes_on(1)
    log.journal.write(turn(problems=(DOWN,)))
    log.goes_on(1000)
    lines = log.new()
    assert len(lines) == FIRST + 2
    there = ", and is there: waiting: no address yet. Wait"
    assert lines[-2:] == [
        f"WARNING: came or went 97 times in the last 61 s{there}",
        f"WARNING: came or went 101 times in 50 s, no more for 2 min{there}",
    ]


def test_many_problems_are_few_lines(log: Log) -> None:
    """Coming and going."""
    many = tuple(replace(DOWN, text=f"nothing from {n}", peer=f"lxd{n}") for n in range(100))
    log.journal.write(turn(problems=many))
    log.journal.write(turn())
    came, went = log.entries_of(log.drained())
    assert came.getMessage() == (
        "100 waiting problems: nothing from 0. Wait, nothing from 1. Wait, nothing from 2. Wait"
        " and 97 more"
    )
    assert went.getMessage().startswith("100 problems no longer there: nothing from 0, ")
    assert len(entry_of(came).fields["VXLAND_PEER"]) == 100


def test_a_refused_configuration_is_told_once_with_its_errors(log: Log) -> None:
    """And that it is good again, and that another one is in force."""
    head = "ERROR: configuration refused, the last good one stays in force: "
    for _ in range(3):
        log.journal.write(turn(config=replace(TURN.config, errors=("one", "two"))))
    assert log.new() == [f"{head}one", f"{head}two"]
    log.journal.write(turn(config=replace(TURN.config, digest="def")))
    assert log.new() == [
        "INFO: configuration /etc/vxland.toml is good again",
        "INFO: new configuration in force: /etc/vxland.toml",
    ]


@pytest.mark.parametrize("count", [MOST, MOST + 1, 1000])
def test_the_errors_of_a_configuration_are_few_lines(log: Log, count: int) -> None:
    """And how many more there are."""
    errors = tuple(f"error {number}" for number in range(count))
    log.journal.write(turn(config=replace(TURN.config, errors=errors)))
    lines = log.new()
    assert len(lines) == MOST
    rest = count - MOST + 1
    last = f"and {rest} more errors; vxland check tells all" if count > MOST else "error 9"
    assert lines[-1].endswith(f": {last}")
    assert lines[-2].endswith(": error 8")


def test_a_configuration_that_breaks_again_and_again_is_summed_up(log: Log) -> None:
    """As a program could write it."""
    for number in range(200):
        errors = (f"error {number}",) if number % 2 else ()
        log.journal.write(turn(config=replace(TURN.config, errors=errors)))
        log.goes_on(0.1)
    log.goes_on(1000)
    lines = log.new()
    assert len(lines) == SAVES + 1
    head = "ERROR: configuration refused or good again"
    assert lines[-1] == f"{head} 139 times in the last 60 s, now refused: error 199"


def test_who_saves_it_all_day_gets_an_answer_each_time(log: Log) -> None:
    """It is the minute that counts."""
    for number in range(5 * SAVES):
        errors = (f"error {number}",) if number % 2 else ()
        log.journal.write(turn(config=replace(TURN.config, errors=errors)))
        log.goes_on(2)
    assert len(log.new()) == 5 * SAVES - 1  # the first was good before


def test_trouble_is_told_when_it_comes_and_when_it_goes(log: Log) -> None:
    """Once each, by its own id."""
    log.journal.trouble(Message.NO_METRICS, None)
    for _ in range(100):
        log.journal.trouble(Message.KERNEL_UNSEEN, "the kernel can't be looked at")
    entry = log.entry()
    assert (entry.message, entry.text) == (Message.KERNEL_UNSEEN, "the kernel can't be looked at")
    log.journal.trouble(Message.KERNEL_UNSEEN, None)
    log.journal.trouble(Message.KERNEL_UNSEEN, None)
    assert log.new() == ["INFO: no longer: the kernel can't be looked at"]
