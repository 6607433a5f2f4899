"""The fake kernel's table that lets only peers in."""

from tests.fake.sets import Key, TableWithSets
from vxland.identity import INGRESS_TABLE
from vxland.observed import Element, IngressTable, NftChain, TableState
from vxland.tables.ingress import CHAINS, COUNTING, KEYS, RULES


def _declared(name: str) -> str:
    counter = " counter;" if name in COUNTING else ""
    return f"{{ typeof {KEYS[name]};{counter} }}"


class IngressNft(TableWithSets):
    """The table with its sets and rules."""

    def __init__(self) -> None:
        super().__init__(INGRESS_TABLE, {name: _declared(name) for name in KEYS})

    def state(self) -> TableState[IngressTable]:
        """What vxland observes."""
        if self.chains is None:
            return TableState(None, self.keeps)
        table = IngressTable(
            chains=frozenset(NftChain(name, chain.hook) for name, chain in self.chains.items()),
            rules={name: self._rules(name) for name in CHAINS},
            sets=frozenset(map(self.told, self.declared)),
            elements=frozenset(
                _element(name, key) for name in self.whole_sets() for key in self.elements[name]
            ),
            dormant=self.dormant,
            owner=self.owner,
            persistent=self.persistent,
        )
        return TableState(table, self.keeps)

    def _rules(self, chain: str) -> tuple[str, ...]:
        there = self.chains or {}
        rules = there[chain].rules if chain in there else ()
        return tuple(rule if rule in RULES[chain] else "another" for rule in rules)


def _element(name: str, key: Key) -> Element:
    parts = [*key]
    address = parts.pop(0) if "addr" in KEYS[name] else None
    vni = parts.pop(0) if "@th" in KEYS[name] else None
    return Element(name, parts[0], vni, address)  # type: ignore[arg-type]
