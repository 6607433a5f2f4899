"""Many entries in few lines: many subjects in one turn, or one subject again and again."""

from collections.abc import Iterable, Iterator, Sequence
from math import ceil
from typing import TypeVar

from vxland.journal.entries import TOGETHER, Entry, filled
from vxland.journal.messages import Message
from vxland.journal.throttle import QUIET, Tally
from vxland.listing import MOST, some

Item = TypeVar("Item")

NAMED = 3  # of those that one line tells of
MINUTE = 60


def at_once(entries: Iterable[Entry]) -> Iterator[Entry]:
    """A line for each of a few entries, a few lines for many."""
    sorts: dict[Message, list[Entry]] = {}
    for entry in entries:
        sorts.setdefault(entry.message, []).append(entry)
    for alike in sorts.values():
        if len(alike) <= MOST:
            yield from alike
        else:
            yield from map(together, parts(alike))


def together(entries: Sequence[Entry], times: str = "") -> Entry:
    """One line of many of the same sort."""
    first = entries[0]
    names = some([entry.item for entry in entries], NAMED)
    return Entry(
        first.message,
        f"{len(entries)} {first.many}{times}: {names}",
        fields=filled(
            **{
                name: [value for entry in entries for value in entry.fields.get(name, ())]
                for name in dict.fromkeys(name for entry in entries for name in entry.fields)
            }
        ),
    )


def repeated(tally: Tally[Entry]) -> Entry:
    """One line of what was held back about one subject."""
    entry = tally.last
    if tally.total == 1:  # told late, that is all
        return entry
    text = entry.again.replace("{}", _often(tally), 1)
    return Entry(entry.message, text, fields=entry.fields)


def summed_up(tallies: Sequence[Tally[Entry]]) -> Iterator[Entry]:
    """A few lines of what was held back about many subjects."""
    sorts: dict[tuple[Message, bool], list[Tally[Entry]]] = {}
    for tally in tallies:
        sorts.setdefault((tally.last.message, tally.over), []).append(tally)
    for (_, over), alike in sorts.items():
        if len(alike) <= MOST:
            yield from map(repeated, alike)
            continue
        for part in parts(alike):
            count = sum(tally.total if over else tally.count for tally in part)
            since = max(tally.lasted if over else tally.seconds for tally in part)
            rest = f", no more for {_span(QUIET)}" if over else ""
            times = f", {count} times in {_span(since)}{rest}"
            yield together([tally.last for tally in part], times)


def parts(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    """As few parts as fit in one line each, and as even as can be."""
    size = ceil(len(items) / ceil(len(items) / TOGETHER))
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _often(tally: Tally[Entry]) -> str:
    if tally.over:
        return f"{tally.total} times in {_span(tally.lasted)}, no more for {_span(QUIET)}"
    count = "once" if tally.count == 1 else f"{tally.count} times"
    return f"{count} in the last {_span(tally.seconds)}"


def _span(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 2 * MINUTE else f"{seconds / MINUTE:.0f} min"
