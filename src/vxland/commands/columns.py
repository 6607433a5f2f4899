"""Tables that fit the terminal: the least important columns go first."""

import sys
from collections.abc import Callable, Iterator, Sequence

from msgspec import Struct
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from vxland.commands.words import clean

GAP = 2  # blanks between columns
WIDE = 1000  # columns where there is no terminal that could cut anything
PART = 8  # characters of a text's second half that are worth showing


def output() -> Console:
    """Standard output; colours, and cuts to its width, are for a terminal."""
    return Console(width=None if sys.stdout.isatty() else WIDE, highlight=False)


class Column(Struct, frozen=True):
    """A column; those with the highest rank go first, those without one stay."""

    title: str
    rank: int = 0
    right: bool = False
    elastic: int = 0  # the least width that it can be cut to; 0: as wide as what is in it
    usual: int = 0  # the width that it has even with nothing in it, for what may come


class Row(Struct, frozen=True):
    """Cells, one for each column, and how they look."""

    cells: tuple[str, ...]
    style: str = ""


def wrapped(text: str, width: int) -> list[str]:
    """A text in lines; words that are too long are broken."""
    lines = Text(text).wrap(Console(width=width), width, overflow="fold")
    return [line.plain.rstrip() for line in lines]


def cut(text: str, width: int) -> list[str]:
    """A text's beginning; of one like ``when: what`` only the first half, if the rest is tiny."""
    if cell_len(text) <= width:
        return [text]
    when, colon, _ = text.partition(": ")
    if colon and cell_len(when) <= width < cell_len(when) + PART:
        return [when]
    beginning = Text(text)
    beginning.truncate(width, overflow="ellipsis")
    return [beginning.plain]


def uncut(text: str, width: int) -> list[str]:
    """A text as it is, however wide."""
    del width
    return [text]


Fit = Callable[[str, int], list[str]]  # how a text gets into a width, as lines


class Place(Struct, frozen=True):
    """Where a column is shown: which cell of a row, and how wide."""

    number: int
    column: Column
    width: int


class Layout(Struct, frozen=True):
    """The columns that there is room for."""

    places: tuple[Place, ...]
    whole: bool  # whether all columns that have something in them are there
    fit: Fit = cut

    def header(self) -> Text:
        """The titles."""
        (line,) = _lines([[place.column.title] for place in self.places], self.places, "bold")
        return line

    def lines(self, row: Row) -> Iterator[Text]:
        """A row; without blanks at the end."""
        cells = [self.fit(clean(row.cells[place.number]), place.width) for place in self.places]
        return _lines(cells, self.places, row.style)


def layout(columns: Sequence[Column], rows: Sequence[Row], width: int, *, fit: Fit = cut) -> Layout:
    """As much of a table as there is room for. Empty columns aren't shown."""
    wishes = [_wish(column, number, rows) for number, column in enumerate(columns)]
    least = [
        min(wish, column.elastic or wish) for wish, column in zip(wishes, columns, strict=True)
    ]
    full = shown = [number for number, wish in enumerate(wishes) if wish]
    while _sum(least, shown) > width and (worst := max(columns[n].rank for n in shown)):
        shown = [number for number in shown if columns[number].rank != worst]
    widths = _spread(least, wishes, shown, width)
    places = tuple(Place(number, columns[number], widths[number]) for number in shown)
    return Layout(places, shown == full and _sum(least, shown) <= width, fit)


def _lines(cells: Sequence[Sequence[str]], places: Sequence[Place], style: str) -> Iterator[Text]:
    for number in range(max(map(len, cells), default=0)):
        parts = [cell[number] if number < len(cell) else "" for cell in cells]
        padded = map(_padded, parts, places)
        yield Text((" " * GAP).join(padded).rstrip(), style=style)


def _padded(text: str, place: Place) -> str:
    blanks = " " * (place.width - cell_len(text))
    return blanks + text if place.column.right else text + blanks


def _sum(widths: Sequence[int], shown: Sequence[int]) -> int:
    return sum(widths[number] + GAP for number in shown) - GAP


def _spread(
    least: Sequence[int], wishes: Sequence[int], shown: Sequence[int], width: int
) -> list[int]:
    """The widths, once the room that is left was dealt out, to the most modest first."""
    widths = list(least)
    left = max(0, width - _sum(least, shown))
    hungry = sorted(shown, key=lambda number: wishes[number] - least[number])
    for position, number in enumerate(hungry):
        given = min(wishes[number] - least[number], left // (len(hungry) - position))
        widths[number] += given
        left -= given
    return widths


def _wish(column: Column, number: int, rows: Sequence[Row]) -> int:
    """What it needs to show all; 0 where there is nothing in it."""
    widest = max((cell_len(clean(row.cells[number])) for row in rows), default=0)
    widest = max(widest, column.usual)
    return max(widest, cell_len(column.title)) if widest else 0
