"""Many choices out of one number, so that hypothesis draws, and shrinks, one number for them all.

Drawing each choice by itself takes hypothesis longer than all that is tested.
"""

from collections.abc import Sequence
from typing import TypeVar

from hypothesis import strategies as st

T = TypeVar("T")


class Digits:
    """Choices from a number, written in digits of as many values as there are to choose from.

    Zero stands for the first of everything: the simplest comes first.
    """

    def __init__(self, number: int) -> None:
        self._left = number

    def of(self, values: Sequence[T]) -> T:
        """One of these."""
        self._left, index = divmod(self._left, len(values))
        return values[index]

    def some(self, values: Sequence[T], most: int | None = None) -> list[T]:
        """None, some or all of these, in any order."""
        left = list(values)
        count = self.of(range(min(len(values), len(values) if most is None else most) + 1))
        return [left.pop(self.of(range(len(left)))) for _ in range(count)]


def digits(size: int) -> st.SearchStrategy[Digits]:
    """Digits of a number of this many bytes, every number as likely."""
    whole = st.binary(min_size=size, max_size=size)
    return whole.map(lambda drawn: Digits(int.from_bytes(drawn, "big")))
