"""The fake kernel's table that counts."""

from tests.fake.sets import TableWithSets
from vxland.identity import TALLY_TABLE
from vxland.observed import Counted, NftChain, TableState, TallyTable
from vxland.tables.tally import HOOK_OF, KEYS, RECEIVED, RULES, SENT

DECLARATION = "{{ typeof {}; counter; }}"


class TallyNft(TableWithSets):
    """The table with its counters."""

    def __init__(self) -> None:
        super().__init__(TALLY_TABLE, {n: DECLARATION.format(key) for n, key in KEYS.items()})

    def state(self) -> TableState[TallyTable]:
        """What vxland observes."""
        if self.chains is None:
            return TableState(None, self.keeps)
        rules = [
            f"{name} {rule}"
            for name in HOOK_OF.values()
            for rule in (self.chains[name].rules if name in self.chains else ())
        ]
        table = TallyTable(
            chains=frozenset(NftChain(name, chain.hook) for name, chain in self.chains.items()),
            rules=tuple(sorted(rule if rule in RULES else "another" for rule in rules)),
            sets=frozenset(map(self.told, self.declared)),
            received=self._counted(RECEIVED),
            sent=self._counted(SENT),
            dormant=self.dormant,
            owner=self.owner,
            persistent=self.persistent,
        )
        return TableState(table, self.keeps)

    def _counted(self, way: str) -> frozenset[Counted]:
        names = [name for name in self.whole_sets() if name.startswith(way)]
        return frozenset(Counted(*key) for name in names for key in self.elements[name])  # type: ignore[arg-type]
