"""Events as a person reads them: a table, or folded where the terminal is too narrow for one."""

import time
from collections.abc import Iterator, Sequence

from msgspec.structs import replace
from rich.console import Console
from rich.text import Text

from vxland.commands.columns import GAP, Column, Row, layout, uncut, wrapped
from vxland.commands.words import clean, moment, took
from vxland.history.events import EventJson

COLUMNS = (
    Column("time", usual=8),
    Column("overlay", usual=7),
    Column("peer", usual=8),
    Column("device", usual=15),
    Column("event", usual=17),
    Column("found", elastic=32, usual=40),
    Column("done", elastic=24, usual=40),
    Column("took", right=True, usual=7),
    Column("who", elastic=18, usual=18),
)
INDENT = "    "
ARROW = "-> "
HINT, NOTE = "hint: ", "yellow"
STYLES = {
    "failed": "red",
    "problem": "red",
    "config_refused": "red",
    "trouble": "red",
    "repaired": NOTE,
    "resolved": "green",
    "config_good_again": "green",
}


class History:
    """Shows events; the columns, once chosen, stay for those that come later."""

    def __init__(
        self, console: Console, first: Sequence[EventJson], *, following: bool = False
    ) -> None:
        self._console = console
        columns = COLUMNS if following else [replace(column, usual=0) for column in COLUMNS]
        rows = [_row(event, time.time()) for event in first]
        # Where there is no terminal, a line is an event, however long it is.
        fit = wrapped if console.is_terminal else uncut
        self._layout = layout(columns, rows, console.width, fit=fit)
        if self._layout.whole:
            self._put(self._layout.header())

    def show(self, events: Sequence[EventJson]) -> None:
        """Print these."""
        for event in events:
            row = _row(event, time.time())
            whole = self._layout.whole
            lines = self._layout.lines(row) if whole else _folded(row, self._console.width)
            for line in lines:
                self._put(line)

    def _put(self, line: Text) -> None:
        self._console.print(line, soft_wrap=True)


def _row(event: EventJson, now: float) -> Row:
    count = f" {event['count']} times" if event["count"] > 1 else ""
    cells = (
        moment(event["at"], now),
        event["overlay"],
        event["peer"],
        event["device"],
        f"{event['kind'].replace('_', ' ')}{count}",
        event["found"],
        event["done"],
        took(event["seconds"]),
        event["who"],
    )
    return Row(cells, NOTE if event["found"].startswith(HINT) else STYLES.get(event["kind"], ""))


def _folded(row: Row, width: int) -> Iterator[Text]:
    """What was found and done on lines of their own, under the rest; nothing is cut."""
    *about, found, done, duration, who = map(clean, row.cells)
    first = (" " * GAP).join(filter(None, (*about, duration, who)))
    for begin, text in (("", first), (INDENT, found), (f"{INDENT}{ARROW}", done)):
        indent = " " * len(begin or INDENT)
        for number, line in enumerate(wrapped(text, width - len(indent)) if text else ()):
            yield Text(f"{indent if number else begin}{line}", style=row.style)
