"""The variables of a script as far as they can be known without running it."""

from collections.abc import Iterable, Mapping

from msgspec import Struct, field

BUDGET = 1 << 20  # characters that all values have together: a mesh of a thousand has a tenth


class Unknown(Struct, frozen=True):
    """A value that only running the script would tell: where that begins, and what to do."""

    line: int
    what: str
    cure: str = "Write the value itself in its place, in a copy of the script"


class Unknowable(Exception):
    """Raised where a value can't be known."""

    def __init__(self, unknown: Unknown) -> None:
        super().__init__(unknown.what)
        self.unknown = unknown


class Misread(Exception):
    """Raised where the syntax tree can't be right, so that nothing in it can be relied on."""

    def __init__(self, line: int) -> None:
        super().__init__(line)
        self.line = line


Value = str | Mapping[int, str] | Unknown  # the array's elements by index


class Environment(Struct):
    """What was assigned so far; ``shell`` says why nothing is certain any more, if it isn't."""

    values: dict[str, Value] = field(default_factory=dict)
    shell: Unknown | None = None
    assumed: dict[str, int] = field(default_factory=dict)  # defaults taken, and on which line
    budget: int = BUDGET
    needs: dict[str, set[str]] = field(default_factory=dict)  # what a value was made of

    def read(self, name: str, line: int) -> str | Mapping[int, str]:
        """What a variable holds. Raises Unknowable."""
        if name in self.values:
            value = self.values[name]
        else:
            what = f"${name} isn't assigned before this line, so it comes from the environment"
            value = self.shell or Unknown(line, what)
        if isinstance(value, Unknown):
            raise Unknowable(value)
        return value

    def spend(self, amount: int, line: int) -> None:
        """Count what was worked out. Raises Unknowable where it is more than any script needs."""
        self.budget -= amount
        if self.budget < 0:
            raise Unknowable(Unknown(line, "there is too much to work out from here on"))

    def unset(self, name: str) -> bool:
        """Whether a default counts, if the environment doesn't have it. Raises Unknowable."""
        if name in self.values:
            return False
        if self.shell:
            raise Unknowable(self.shell)
        return True

    def doubt(self, reason: Unknown) -> None:
        """Nothing that was assigned so far is certain from here on."""
        self.values = dict.fromkeys(self.values, reason)
        self.shell = reason

    def sources(self, names: Iterable[str]) -> frozenset[str]:
        """These variables, and all that their values were made of."""
        found: set[str] = set()
        waiting = list(names)
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                waiting += self.needs.get(name, ())
        return frozenset(found)
