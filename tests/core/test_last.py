"""The same question isn't thought about twice, and another one always is."""

import weakref

import pytest

from vxland.last import Last


def test_the_last_answer() -> None:
    asked: list[tuple[int, ...]] = []

    def count(numbers: tuple[int, ...], more: int = 0) -> int:
        asked.append(numbers)
        return len(numbers) + more

    last = Last(count)
    assert [last((1, 2)), last((1, 2)), last((1,)), last((1, 2))] == [2, 2, 1, 2]
    assert asked == [(1, 2), (1,), (1, 2)]
    assert last((1, 2), more=1) == 3


def test_the_question_that_was_asked_last_is_kept() -> None:
    """Not one like it, with all that it was about and nobody else has any more."""
    first, second = Question([1]), Question([1])
    kept = weakref.ref(first)
    last = Last(len)
    assert (last(first), last(second)) == (1, 1)
    del first
    assert kept() is None
    kept = weakref.ref(second)
    last.forget()
    del second
    assert kept() is None


class Question(list[int]):
    """Something large."""


def test_what_was_raised_is_no_answer() -> None:
    def invert(number: int) -> float:
        return 1 / number

    last = Last(invert)
    assert last(2) == 0.5
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            last(0)
    assert last(2) == 0.5
