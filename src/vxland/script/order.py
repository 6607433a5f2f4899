"""One order of servers in which each list is found again."""

from collections.abc import Iterable, Sequence
from itertools import pairwise

Lists = Sequence[Sequence[str]]


def common(lists: Lists) -> tuple[str, ...] | None:
    """All that is in the lists, in an order that each of them has too; None where there is none.

    What no list puts in order stays as it is met first.
    """
    before: dict[str, set[str]] = {name: set() for one in lists for name in one}
    for one in lists:
        for earlier, later in pairwise(one):
            before[later].add(earlier)
    after: dict[str, list[str]] = {name: [] for name in before}
    for later, earliers in before.items():
        for earlier in earliers:
            after[earlier].append(later)
    rank = {name: number for number, name in enumerate(before)}
    free = [name for name in before if not before[name]]
    order: list[str] = []
    while free:
        name = min(free, key=rank.__getitem__)
        free.remove(name)
        order.append(name)
        for later in after[name]:
            before[later].remove(name)
            if not before[later]:
                free.append(later)
    return tuple(order) if len(order) == len(before) else None


def agreeing(lists: Lists, starts: int = 16) -> frozenset[int]:
    """The numbers of lists that have an order in common: as many as a few attempts find."""
    attempts = (_with(lists, start) for start in range(min(len(lists), starts)))
    return max(attempts, key=len)


def _with(lists: Lists, start: int) -> frozenset[int]:
    chosen = [start]
    for number in range(len(lists)):
        if number != start and common(_those(lists, [*chosen, number])) is not None:
            chosen.append(number)
    return frozenset(chosen)


def _those(lists: Lists, numbers: Iterable[int]) -> Lists:
    return [lists[number] for number in numbers]
