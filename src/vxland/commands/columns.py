"""Tables that fit the terminal: the least important columns go first."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from vxland.commands.words import clean

GAP = 2  # blanks between columns


@dataclass(frozen=True, slots=True)
class Column:
    """A column; those with the highest rank go first. One that is ``elastic`` can be cut short."""

    title: str
    rank: int = 0
    right: bool = False
    elastic: int = 0  # the least width that makes sense; 0: as wide as what is in it


@dataclass(frozen=True, slots=True)
class Row:
    """Cells, one for each column, and how they look."""

    cells: tuple[str, ...]
    style: str = ""


def fitting(columns: Sequence[Column], rows: Sequence[Row], width: int) -> Table:
    """As much of a table as there is room for. Empty columns aren't shown."""
    widths = [_width(column, number, rows) for number, column in enumerate(columns)]
    shown = [number for number, wide in enumerate(widths) if wide]
    while len(shown) > 1 and sum(widths[n] + GAP for n in shown) - GAP > width:
        shown.remove(max(shown, key=lambda number: (columns[number].rank, number)))
    table = Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0), header_style="bold")
    for number in shown:
        column = columns[number]
        table.add_column(
            column.title,
            justify="right" if column.right else "left",
            no_wrap=True,
            overflow="ellipsis",
            min_width=None if column.elastic else widths[number],
        )
    for row in rows:
        table.add_row(*_cells(row, shown))
    return table


def _cells(row: Row, shown: Sequence[int]) -> Iterator[Text]:
    return (Text(clean(row.cells[number]), style=row.style) for number in shown)


def _width(column: Column, number: int, rows: Sequence[Row]) -> int:
    """What it needs; 0 where there is nothing in it."""
    widest = max((cell_len(clean(row.cells[number])) for row in rows), default=0)
    needed = max(widest, cell_len(column.title)) if widest else 0
    return min(needed, column.elastic) if column.elastic else needed
