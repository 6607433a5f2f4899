"""The ``nftables`` guard: an own table of the bridge family, whose one chain is hooked itself.

An accept elsewhere doesn't end the walk: the kernel asks every chain that is hooked at a place, and
each may drop (nft(8), "VERDICT STATEMENT"). So no rule of others' comes before these, and the
priority decides only what others see: 10 before ebtables-nft's filter (-200), so that their
rules don't count, log or queue what is dropped here, as with the jump first in FORWARD.
"""

from collections.abc import Iterator

from vxland.guards.wall import EVERY, Build, Wall
from vxland.identity import TABLE
from vxland.observed import (
    NftChain,
    NftTable,
    Observed,
    PortRule,
    TableState,
    Unavailable,
)
from vxland.operations import (
    ClaimTable,
    FillTable,
    Guarding,
    MakeTable,
    Operation,
    RemoveTable,
    TrimTable,
)

NAME = "nftables"
FORWARD = NftChain("forward", "type filter hook forward priority -210; policy accept;")


def rule(source: str | None, target: str | None, verdict: str) -> PortRule:
    """A rule as nft writes it."""
    words = [f'iifname "{_pattern(source)}"'] if source else []
    words += [f'oifname "{_pattern(target)}"'] if target else []
    return PortRule(" ".join((*words, verdict.lower())), source, target, verdict)


def _pattern(name: str) -> str:
    return f"{name[:-1]}*" if name.endswith("+") else name


class Nftables(Wall[TableState[NftTable]]):
    """Split horizon by a table that nobody else has a reason to touch."""

    name = NAME

    def rule(self, source: str | None, target: str | None, verdict: str) -> PortRule:
        """A rule as nft writes it."""
        return rule(source, target, verdict)

    def state(self, observed: Observed) -> TableState[NftTable] | Unavailable:
        """The table, if there is one."""
        return observed.nftables

    def build(self, state: TableState[NftTable]) -> Build | None:
        """The table with its chain."""
        if state.table is None:
            return None
        hooked = not state.table.dormant and FORWARD in state.table.chains
        ways = (EVERY,) if hooked else ()
        return Build(state.table.rules, ways, sound=state.is_whole({FORWARD}))

    def writing(
        self, state: TableState[NftTable], rules: tuple[PortRule, ...]
    ) -> Iterator[Operation]:
        """The rules alone where they are all that differs: no chain is put in another's place."""
        build = self.build(state)
        if build is not None and build.sound:
            yield FillTable("", TABLE, rules)
        else:
            yield MakeTable("", TABLE, rules, replaces=build is not None)

    def trimming(
        self,
        rules: tuple[PortRule, ...],
        leaving: tuple[PortRule, ...],
        successors: tuple[Guarding, ...],
    ) -> Iterator[Operation]:
        """The rules alone."""
        del leaving
        yield TrimTable("", TABLE, rules, successors)

    def removal(
        self, state: TableState[NftTable], successors: tuple[Guarding, ...]
    ) -> Iterator[Operation]:
        """The table with all that is in it."""
        del state
        yield RemoveTable("", TABLE, successors)

    def upkeep(self, state: TableState[NftTable]) -> Iterator[Operation]:
        """A table that lost its owner gets one, who stays."""
        if state.is_lost:
            yield ClaimTable("", TABLE)
