"""How many faults were injected, and how often something happened that mustn't."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

FAULTS, VIOLATIONS = "faults", "violations"


class Ledger:
    """What one test has to say of that; ``tests/conftest.py`` adds all of them up."""

    def __init__(self, record: Callable[[str, object], None]) -> None:
        self._record = record
        self._faults = 0
        self._violations: list[str] = []

    def fault(self, what: str, violations: Iterable[str] = ()) -> None:
        """One was injected, and this came of it."""
        self._faults += 1
        self._violations += [f"{what}: {violation}" for violation in violations]

    def violated(self, violations: Iterable[str]) -> None:
        """So it was while all that happened."""
        self._violations += violations

    @contextmanager
    def injected(self, what: str) -> Iterator[None]:
        """One is: what isn't as it must be inside raises AssertionError."""
        self._faults += 1
        try:
            yield
        except AssertionError:
            self._violations.append(what)
            raise

    def close(self) -> None:
        """Write it down. Raises AssertionError for violations, and where there was no fault."""
        self._record(FAULTS, self._faults)
        self._record(VIOLATIONS, len(self._violations))
        if self._violations:
            raise AssertionError("\n".join(self._violations))
        if not self._faults:
            raise AssertionError("no fault was injected")


def told(properties: Iterable[tuple[str, object]]) -> str:
    """One line about all tests; nothing where there was none of them."""
    sums: Counter[str] = Counter()
    for name, value in properties:
        if name in (FAULTS, VIOLATIONS) and isinstance(value, int):
            sums[name] += value
    if not sums[FAULTS]:
        return ""
    return f"faults injected: {sums[FAULTS]:,}; violations: {sums[VIOLATIONS]:,}"
