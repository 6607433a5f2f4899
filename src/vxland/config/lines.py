"""On which line of a TOML text a table or a key is: tomllib doesn't say."""

import re
from collections.abc import Sequence
from functools import cached_property

from msgspec import Struct, field

_MARKED = re.compile(
    r"^[ \t]*+(?:(?P<brackets>\[\[?)(?P<header>[^\]\r\n]*+)\]|(?P<key>[^=\r\n]*+)=)", re.MULTILINE
)
_QUOTES = str.maketrans("", "", "\"' \t")

Loc = Sequence[str | int]  # like ("peer", 2, "address")


class _Region(Struct):
    """A table with its subtables."""

    line: int | None  # of its header
    first: dict[str, int] = field(default_factory=dict)  # the keys' lines
    last: dict[str, int] = field(default_factory=dict)


class Lines:
    """Finds lines in one text.

    It looks at the text and not at its grammar, so a string of several lines could mislead it:
    where the tables that it finds aren't as many as there are, it gives no line.
    """

    def __init__(self, text: str) -> None:
        self._text = text

    @cached_property
    def _regions(self) -> dict[str, list[_Region]]:
        """Every table, by its header: ``[name]``, ``[[name]]``, or "" for what is above them."""
        name, region = "", _Region(None)
        found = {"": [region]}
        line, offset = 1, 0
        for match in _MARKED.finditer(self._text):
            line += self._text.count("\n", offset, match.start())
            offset = match.start()
            if match["brackets"] is None:
                key = match["key"].strip(" \t").strip("\"'")
                region.first.setdefault(key, line)
                region.last[key] = line
                continue
            header = match["header"].translate(_QUOTES)
            if match["brackets"] == "[" and header.startswith(f"{name}.") and name:
                continue
            name, region = header, _Region(line)
            full = f"{match['brackets']}{header}{']' * len(match['brackets'])}"
            found.setdefault(full, []).append(region)
        return found

    def find(self, loc: Loc, items: int = 1) -> int | None:
        """The line of the innermost key, or else of its table; None where that isn't certain.

        ``items`` says how many there are of a table that is an array.
        """
        region = self._region(loc, items)
        if region is None:
            return None
        keys = [step for step in loc[1:] if isinstance(step, str)] or [str(loc[0])]
        in_subtable = len(keys) > 1  # which comes after the table's own keys
        return (region.last if in_subtable else region.first).get(keys[-1], region.line)

    def _region(self, loc: Loc, items: int) -> _Region | None:
        name = str(loc[0])
        if len(loc) > 1 and isinstance(loc[1], int):
            regions = self._regions.get(f"[[{name}]]", [])
            return regions[loc[1]] if len(regions) == items else None
        header = next((h for h in (f"[{name}]", f"[[{name}]]") if h in self._regions), "")
        return self._regions[header][0]
