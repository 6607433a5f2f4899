import pytest

from vxland.execution import Failure, Outcome
from vxland.loop import aftermath
from vxland.loop.aftermath import Failures, Repairs
from vxland.loop.drift import Drift
from vxland.model import Desired
from vxland.operations import TakeDown

NOTHING = Desired("", ())


def outcome(device: str, text: str = "", *, skipped: bool = False) -> Outcome:
    return Outcome(TakeDown("lan", device), Failure(text, skipped=skipped) if text else None)


def said(failures: Failures) -> list[tuple[str, str]]:
    return [(problem.device, problem.text) for problem in failures.problems()]


def test_what_failed_is_a_problem_until_it_is_tried_again() -> None:
    """And what nobody waits for any more is none."""
    failures = Failures()
    failures.note([outcome("a", "no"), outcome("b", "no"), outcome("c")], {"a", "b"})
    assert said(failures) == [("a", "no"), ("b", "no")]
    failures.note([outcome("a")], {"a", "b"})
    assert said(failures) == [("b", "no")]
    failures.note([outcome("b", "again")], {"b"})
    assert said(failures) == [("b", "again")]
    failures.note([], ())
    assert said(failures) == []


def test_what_was_only_skipped_is_no_problem() -> None:
    failures = Failures()
    failures.note([outcome("a", "failed before", skipped=True)], {"a"})
    assert said(failures) == []


def test_the_last_repair_of_each_part_is_known() -> None:
    """Not what was done of vxland's own accord, nor what failed."""
    repairs = Repairs()
    drift = Drift(frozenset({"a", "c"}))
    repairs.note([outcome("a"), outcome("b"), outcome("c", "no")], NOTHING, drift, 1.0)
    repairs.note([outcome("a")], NOTHING, drift, 2.0)
    ((part, repair),) = repairs.by_part().items()
    assert (part, repair.at) == (("a", ""), 2.0)
    assert "a" in repair.what


def test_the_oldest_repairs_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aftermath, "MOST_REPAIRS", 2)
    repairs = Repairs()
    for at, device in enumerate("abac"):
        repairs.note([outcome(device)], NOTHING, Drift(frozenset({device})), float(at))
    assert [part for part, _ in repairs.by_part()] == ["a", "c"]
