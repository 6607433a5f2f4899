"""The fake kernel's tables with sets, whose elements nft adds and deletes."""

import re
from collections.abc import Callable, Mapping
from ipaddress import ip_address

from tests.fake.filter import FilterError
from tests.fake.table import Table
from vxland.addresses import IPAddress

ELEMENTS = re.compile(r"(\w+) \{ (.*) \}")

Key = tuple[IPAddress | int, ...]


class TableWithSets(Table):
    """A table with sets: how each is declared, as it should be, and what is in it."""

    def __init__(self, name: str, wanted: Mapping[str, str]) -> None:
        super().__init__(name)
        self.wanted = wanted
        self.declared: dict[str, str] = {}
        self.elements: dict[str, set[Key]] = {}

    def verbs(self) -> dict[str, Callable[[str], None]]:
        """Sets, too."""
        return {
            **super().verbs(),
            "create set": self._create_set,
            "add set": self._create_set,
            "delete set": self._delete_set,
            "flush set": lambda name: self._set(name).clear(),
            "add element": self._add_elements,
            "delete element": self._delete_elements,
        }

    def told(self, name: str) -> str:
        """How vxland names a set that it observes."""
        return name if self.declared[name] == self.wanted.get(name) else f"{name}, otherwise"

    def whole_sets(self) -> list[str]:
        """Those that are as they should be."""
        return [name for name in self.declared if self.told(name) == name]

    def _end(self) -> None:
        super()._end()
        self.declared, self.elements = {}, {}

    def _create_set(self, text: str) -> None:
        name, _, declaration = text.partition(" ")
        self._there()
        if name in self.declared:
            raise FilterError("there is such a set")
        self.declared[name], self.elements[name] = declaration, set()

    def _delete_set(self, name: str) -> None:
        self._set(name)
        if any(f"@{name}" in rule for chain in self._there().values() for rule in chain.rules):
            raise FilterError(f"busy: {name}")
        del self.declared[name], self.elements[name]

    def _add_elements(self, text: str) -> None:
        name, keys = self._parsed(text)
        self._set(name).update(keys)

    def _delete_elements(self, text: str) -> None:
        name, keys = self._parsed(text)
        if not self._set(name) >= keys:
            raise FilterError("no such element")
        self.elements[name] -= keys

    def _parsed(self, text: str) -> tuple[str, set[Key]]:
        found = ELEMENTS.fullmatch(text)
        assert found, text
        keys = (key.split(" . ") for key in found[2].split(", "))
        return found[1], {tuple(map(_part, key)) for key in keys}

    def _set(self, name: str) -> set[Key]:
        self._there()
        if name not in self.elements:
            raise FilterError(f"no set {name}")
        return self.elements[name]


def _part(text: str) -> IPAddress | int:
    return ip_address(text) if "." in text or ":" in text else int(text, 0)
