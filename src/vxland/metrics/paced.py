"""Lists for threads that make way for repairs: to write thousands of lines takes its time."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

EACH = 50  # items that are worked on without asking whether somebody goes first

GiveWay = Callable[[], None]
T = TypeVar("T")


class Paced(list[T]):
    """A list whose reader gives way now and then."""

    def __init__(self, items: Iterable[T], give_way: GiveWay) -> None:
        super().__init__(items)
        self._give_way = give_way

    def __iter__(self) -> Iterator[T]:
        for start in range(0, len(self), EACH):
            self._give_way()
            yield from self[start : start + EACH]
