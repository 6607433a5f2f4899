"""The fake kernel's ebtables: the filter table, changed by the lines that ebtables reads."""

from copy import deepcopy
from dataclasses import dataclass, field

from vxland.identity import CHAIN
from vxland.kernel.ebtables_text import FORWARD, parse_rule
from vxland.observed import EbtablesState

BUILTIN = ("INPUT", FORWARD, "OUTPUT")
VERDICTS = ("ACCEPT", "DROP", "CONTINUE", "RETURN")


class FilterError(Exception):
    """A line that ebtables refuses."""


@dataclass(slots=True)
class Chain:
    """A chain: its policy, and its rules as ebtables-save prints them."""

    policy: str = "ACCEPT"
    rules: list[str] = field(default_factory=list)


class Filter:
    """The filter table."""

    def __init__(self) -> None:
        self.chains = {name: Chain() for name in BUILTIN}

    def restore(self, lines: tuple[str, ...]) -> None:
        """Carry out a script of ebtables-restore --noflush: all of it, or nothing."""
        before = deepcopy(self.chains)
        try:
            for line in lines:
                self.command(line)
        except FilterError:
            self.chains = before
            raise

    def command(self, line: str) -> None:
        """Carry out one line: what follows ``ebtables``, or a line of a script."""
        word, _, rest = line.partition(" ")
        name, _, argument = rest.partition(" ")
        if word.startswith(":"):
            self.chains[word[1:]] = Chain(rest)
        elif word == "-X" and not name:
            self._delete(set(self.chains) - set(BUILTIN))
        elif word == "-X":
            self._delete({name})
        elif word == "-F":
            for chain in [self._named(name)] if name else self.chains.values():
                chain.rules.clear()
        elif word == "-P":
            self._named(name).policy = argument
        elif word == "-N":
            self._create(name)
        elif word in ("-A", "-I", "-D"):
            self._rule(word, self._named(name), argument)
        elif word not in ("*filter", "COMMIT"):
            raise AssertionError(line)

    def forget(self) -> None:
        """The table goes, with all that is in it; who looks at it next makes it again."""
        self.chains = {name: Chain() for name in BUILTIN}

    def state(self) -> EbtablesState:
        """The table as vxland observes it."""
        own = self.chains.get(CHAIN)
        return EbtablesState(
            chain=None if own is None else tuple(map(parse_rule, own.rules)),
            policy="RETURN" if own is None else own.policy,
            forward=tuple(map(parse_rule, self.chains[FORWARD].rules)),
        )

    def _named(self, name: str) -> Chain:
        if name not in self.chains:
            raise FilterError(f"no chain {name}")
        return self.chains[name]

    def _create(self, name: str) -> None:
        if name in self.chains:
            raise FilterError(f"there is a chain {name}")
        self.chains[name] = Chain()

    def _delete(self, names: set[str]) -> None:
        if not names <= self.chains.keys():
            raise FilterError(f"no chain {names}")
        for chain in self.chains.values():
            for rule in chain.rules:
                if parse_rule(rule).verdict in names:
                    raise FilterError(f"busy: {rule}")
        for name in names:
            del self.chains[name]

    def _rule(self, word: str, chain: Chain, rule: str) -> None:
        target = parse_rule(rule).verdict
        if target not in VERDICTS:
            self._named(target)
        if word == "-A":
            chain.rules.append(rule)
        elif word == "-I":
            chain.rules.insert(0, rule)
        elif rule in chain.rules:
            chain.rules.remove(rule)
        else:
            raise FilterError(f"no rule {rule}")
