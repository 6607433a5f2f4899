"""Tables that fit the terminal: the least important columns go first."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from vxland.commands.words import clean

GAP = 2  # blanks between columns
WIDE = 1000  # columns where there is no terminal that could cut anything


def output() -> Console:
    """Standard output; colours, and cuts to its width, are for a terminal."""
    return Console(width=None if sys.stdout.isatty() else WIDE, highlight=False)


@dataclass(frozen=True, slots=True)
class Column:
    """A column; those with the highest rank go first, those without one stay."""

    title: str
    rank: int = 0
    right: bool = False
    elastic: int = 0  # the least width that it can be cut to; 0: as wide as what is in it


@dataclass(frozen=True, slots=True)
class Row:
    """Cells, one for each column, and how they look."""

    cells: tuple[str, ...]
    style: str = ""


def fitting(columns: Sequence[Column], rows: Sequence[Row], width: int) -> Table:
    """As much of a table as there is room for. Empty columns aren't shown."""
    wishes = [_wish(column, number, rows) for number, column in enumerate(columns)]
    least = [
        min(wish, column.elastic or wish) for wish, column in zip(wishes, columns, strict=True)
    ]
    shown = [number for number, wish in enumerate(wishes) if wish]
    while _sum(least, shown) > width and (worst := max(columns[n].rank for n in shown)):
        shown = [number for number in shown if columns[number].rank != worst]
    widths = _spread(least, wishes, shown, width)
    table = Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0), header_style="bold")
    for number in shown:
        table.add_column(
            columns[number].title,
            justify="right" if columns[number].right else "left",
            no_wrap=True,
            overflow="ellipsis",
            width=widths[number],
        )
    for row in rows:
        cells = (row.cells[number] for number in shown)
        table.add_row(*(Text(clean(cell), style=row.style) for cell in cells))
    return table


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
    return max(widest, cell_len(column.title)) if widest else 0
