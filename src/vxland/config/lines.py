"""On which line of a TOML text a table or a key is: tomllib doesn't say."""

import re
from bisect import bisect_left
from collections.abc import Sequence
from functools import cached_property

_HEADER = re.compile(r"^[ \t]*(\[\[?)[ \t]*([^\]\r\n]*?)[ \t]*\]", re.MULTILINE)
_MARKS = str.maketrans("", "", "\"' \t")

Loc = Sequence[str | int]  # like ("peer", 2, "address")


class Lines:
    """Finds lines in one text.

    It looks at the text and not at its grammar, so a string of several lines could mislead it:
    where the tables that it finds aren't as many as there are, it gives no line.
    """

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def _regions(self) -> dict[str, list[tuple[int, int]]]:
        """Where every table begins and ends, with its subtables, by ``[name]`` or ``[[name]]``."""
        found: dict[str, list[tuple[int, int]]] = {}
        open_name, begin = "", 0
        for match in _HEADER.finditer(self.text):
            name = match[2].translate(_MARKS)
            if name.startswith(f"{open_name.strip('[]')}.") and match[1] == "[":
                continue
            found.setdefault(open_name, []).append((begin, match.start()))
            open_name = f"{match[1]}{name}{']' * len(match[1])}"
            begin = match.start()
        found.setdefault(open_name, []).append((begin, len(self.text)))
        return found

    @cached_property
    def _newlines(self) -> list[int]:
        return [match.start() for match in re.finditer("\n", self.text)]

    def number(self, offset: int) -> int:
        """The line of a place in the text, from 1."""
        return bisect_left(self._newlines, offset) + 1

    def find(self, loc: Loc, items: int = 1) -> int | None:
        """The line of the innermost key, or else of its table; None where that isn't certain.

        ``items`` says how many there are of a table that is an array.
        """
        header, (begin, end) = self._region(loc, items)
        keys = [step for step in loc[1:] if isinstance(step, str)] or [str(loc[0])]
        pattern = re.compile(rf"^[ \t]*([\"']?){re.escape(keys[-1])}\1[ \t]*=", re.MULTILINE)
        hits = [match.start() for match in pattern.finditer(self.text, begin, end)]
        if hits:
            in_subtable = len(keys) > 1  # which comes after the table's own keys
            return self.number(hits[-1] if in_subtable else hits[0])
        return self.number(begin) if header else None

    def _region(self, loc: Loc, items: int) -> tuple[str, tuple[int, int]]:
        """The header of the table that a key is in ("": none), and where it begins and ends."""
        name = str(loc[0])
        if len(loc) > 1 and isinstance(loc[1], int):
            header = f"[[{name}]]"
            regions = self._regions.get(header, [])
            return (header, regions[loc[1]]) if len(regions) == items else ("", (0, 0))
        headers = (header for header in (f"[{name}]", f"[[{name}]]") if header in self._regions)
        header = next(headers, "")
        return header, self._regions[header][0]
