"""Where in the files something is written."""

from typing import Any

from msgspec import Struct

from vxland.config import wording
from vxland.config.errors import ConfigError
from vxland.config.source import SourceFile

Steps = tuple[str | int, ...]  # from an item to something in it, for whose place few ask
_NOTHING = object()


class Place(Struct, frozen=True):
    """A key, or an item of a list, in one file."""

    file: SourceFile
    loc: tuple[str | int, ...]  # like ("peer", 2, "address")
    label: str = ""  # the name of the item
    items: int = 1  # how many items the list has

    def at(self, *steps: str | int) -> "Place":
        """A place further in."""
        return Place(self.file, (*self.loc, *steps), self.label, self.items)

    @property
    def path(self) -> str:
        """The place as a person finds it: ``peer[2].address (lxd2)``. Items count from 0."""
        first, *rest = self.loc
        steps = "".join(f"[{s}]" if isinstance(s, int) else f".{wording.key(s)}" for s in rest)
        label = f" ({wording.key(self.label)})" if self.label else ""
        return f"{wording.key(str(first))}{steps}{label}"

    @property
    def table(self) -> str:
        """The name of the table it is in, without index."""
        return str(self.loc[0])

    @property
    def is_written(self) -> bool:
        """Whether there is such a key, well-formed or not."""
        found: Any = self.file.data
        for step in self.loc[:-1]:
            found = found[step]
        return self.loc[-1] in found

    @property
    def line(self) -> int | None:
        """Its line in the file, where that can be told."""
        return self.file.lines.find(self.loc, self.items)

    def error(self, message: str, cure: str, value: object = _NOTHING) -> ConfigError:
        """An error at this place; the message goes on from the value, where there is one."""
        shown = None if value is _NOTHING else wording.shown(value)
        whole = message if shown is None else f"{shown} {message}"
        return ConfigError(self.file.name, self.path, whole, cure, shown, self.line)

    def written(self) -> str:
        """Where it is, for another place's message."""
        line = self.line
        return f"{self.path} in {self.file.name}{f':{line}' if line else ''}"
