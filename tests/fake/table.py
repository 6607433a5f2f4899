"""The fake kernel's nftables: vxland's own tables, changed by the lines that nft reads."""

import re
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field

from tests.fake.filter import FilterError
from vxland.guards.nftables import FORWARD, rule
from vxland.identity import TABLE
from vxland.observed import NftChain, NftTable, Owner, PortRule, TableState

RULE = re.compile(
    r'(?:iifname "(?P<source>\S+)" )?(?:oifname "(?P<target>\S+)" )?(?P<verdict>drop|return)'
)
POLICY = re.compile("policy [a-z]+;")


@dataclass(slots=True)
class Chain:
    """A chain: how it is declared, and its rules as nft writes them."""

    hook: str
    rules: list[str] = field(default_factory=list)


@dataclass
class Table:
    """A table that vxland may have; None of it where there is none."""

    name: str = ""
    chains: dict[str, Chain] | None = None
    dormant: bool = False
    owner: Owner = Owner.NOBODY
    persistent: bool = False
    keeps: bool = False  # vxland is a daemon

    def run(self, lines: tuple[str, ...]) -> None:
        """Carry out a script of nft's: all of it, or nothing."""
        before = deepcopy(vars(self))
        try:
            for line in lines:
                self.command(line)
        except FilterError:
            vars(self).update(before)
            raise

    def command(self, line: str) -> None:
        """Carry out one line, if it is about the table."""
        verb, _, rest = line.partition(f" {self.name}")
        self.verbs()[verb](rest.strip())

    def verbs(self) -> dict[str, Callable[[str], None]]:
        """What can be done with a table."""
        return {
            "add table": self._add_table,
            "create table": self._create_table,
            "create chain": self._create_chain,
            "delete table": self._delete_table,
            "add chain": self._add_chain,
            "delete chain": self._delete_chain,
            "flush chain": self._flush_chain,
            "add rule": self._add_rule,
            "insert rule": self._insert_rule,
        }

    def by_somebody(self, line: str) -> None:
        """Somebody uses nft, which a table with an owner is closed to."""
        if self.owner is not Owner.NOBODY:
            raise FilterError("not permitted")
        self.command(line)

    def flush(self) -> None:
        """Somebody flushes the whole ruleset."""
        if self.owner is Owner.NOBODY:
            self._end()

    def claim(self) -> None:
        """vxland becomes the owner, if it is a daemon."""
        self._add_table("")
        if self.keeps:
            if not self.persistent or self.owner is Owner.OTHER:
                raise FilterError("not to be had")
            self.owner = Owner.SELF

    def keep(self) -> None:
        """The table that was just made is a daemon's, if vxland is one."""
        if self.keeps:
            self.persistent, self.owner = True, Owner.SELF

    def leave(self) -> None:
        """The owner ends."""
        self.owner = Owner.NOBODY

    def _add_table(self, flags: str) -> None:
        self.chains = {} if self.chains is None else self.chains
        self.dormant = "dormant" in flags

    def _delete_table(self, _: str) -> None:
        self._there()
        self._end()

    def _create_table(self, _: str) -> None:
        if self.chains is not None:
            raise FilterError("there is a table")
        self.chains = {}

    def _end(self) -> None:
        self.chains, self.dormant, self.owner, self.persistent = None, False, Owner.NOBODY, False

    def _create_chain(self, text: str) -> None:
        if text.partition(" ")[0] in self._there():
            raise FilterError("there is such a chain")
        self._add_chain(text)

    def _add_chain(self, text: str) -> None:
        name, _, hook = text.partition(" ")
        hook = hook.strip("{} ")
        chains = self._there()
        if name not in chains:
            chains[name] = Chain(hook)
        elif hook and chains[name].hook != hook:
            if POLICY.sub("", chains[name].hook) != POLICY.sub("", hook):
                raise FilterError(f"{name} is there, and hooked elsewhere")
            chains[name].hook = hook

    def _delete_chain(self, name: str) -> None:
        self._chain(name)
        if any(word == f"jump {name}" for chain in self._there().values() for word in chain.rules):
            raise FilterError(f"busy: {name}")
        del self._there()[name]

    def _flush_chain(self, name: str) -> None:
        self._chain(name).rules.clear()

    def _add_rule(self, text: str) -> None:
        name, _, words = text.partition(" ")
        self._chain(name).rules.append(words)

    def _insert_rule(self, text: str) -> None:
        name, _, words = text.partition(" ")
        self._chain(name).rules.insert(0, words)

    def _there(self) -> dict[str, Chain]:
        if self.chains is None:
            raise FilterError("no table")
        return self.chains

    def _chain(self, name: str) -> Chain:
        if name not in self._there():
            raise FilterError(f"no chain {name}")
        return self._there()[name]


class Nft(Table):
    """The table that guards."""

    def __init__(self) -> None:
        super().__init__(TABLE)

    def state(self) -> TableState[NftTable]:
        """What vxland observes."""
        if self.chains is None:
            return TableState(None, self.keeps)
        chains = {NftChain(name, chain.hook) for name, chain in self.chains.items()}
        guard = self.chains.get(FORWARD.name, Chain(""))
        rules = tuple(map(parse_rule, guard.rules))
        table = NftTable(
            rules,
            chains=frozenset(chains),
            dormant=self.dormant,
            owner=self.owner,
            persistent=self.persistent,
        )
        return TableState(table, self.keeps)


def parse_rule(text: str) -> PortRule:
    """A rule as vxland understands it; of one that it doesn't, only that."""
    found = RULE.fullmatch(text)
    if found is None:
        return PortRule(text, known=False)
    source, target = (
        name and re.sub(r"\*$", "+", name) for name in (found["source"], found["target"])
    )
    return rule(source, target, found["verdict"].upper())
