"""The fake kernel's table that counts: sets whose elements nft adds and deletes."""

import re
from collections.abc import Callable
from ipaddress import ip_address

from tests.fake.filter import FilterError
from tests.fake.table import Table
from vxland.identity import TALLY_TABLE
from vxland.observed import Counted, NftChain, TallyState, TallyTable
from vxland.tally import HOOK_OF, KEYS, RECEIVED, RULES, SENT

ELEMENTS = re.compile(r"(\w+) \{ (.*) \}")
DECLARATION = "{{ typeof {}; counter; }}"


class TallyNft(Table):
    """The table with its sets: how each is declared, and what is in it."""

    def __init__(self) -> None:
        super().__init__(TALLY_TABLE)
        self.declared: dict[str, str] = {}
        self.elements: dict[str, set[Counted]] = {}

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

    def state(self) -> TallyState:
        """What vxland observes."""
        if self.chains is None:
            return TallyState(None, self.keeps)
        rules = [
            f"{name} {rule}"
            for name in HOOK_OF.values()
            for rule in (self.chains[name].rules if name in self.chains else ())
        ]
        table = TallyTable(
            chains=frozenset(NftChain(name, chain.hook) for name, chain in self.chains.items()),
            rules=tuple(sorted(rule if rule in RULES else "another" for rule in rules)),
            sets=frozenset(map(self._told, self.declared)),
            received=self._counted(RECEIVED),
            sent=self._counted(SENT),
            dormant=self.dormant,
            owner=self.owner,
            persistent=self.persistent,
        )
        return TallyState(table, self.keeps)

    def _told(self, name: str) -> str:
        wanted = DECLARATION.format(KEYS[name]) if name in KEYS else None
        return name if self.declared[name] == wanted else f"{name}, otherwise"

    def _counted(self, way: str) -> frozenset[Counted]:
        names = [name for name in self.elements if name.startswith(way) and name in KEYS]
        known = [name for name in names if self._told(name) == name]
        return frozenset(counted for name in known for counted in self.elements[name])

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

    def _parsed(self, text: str) -> tuple[str, set[Counted]]:
        found = ELEMENTS.fullmatch(text)
        assert found, text
        keys = (key.split(" . ") for key in found[2].split(", "))
        return found[1], {Counted(ip_address(a), int(v, 0), int(p)) for a, v, p in keys}

    def _set(self, name: str) -> set[Counted]:
        self._there()
        if name not in self.elements:
            raise FilterError(f"no set {name}")
        return self.elements[name]
