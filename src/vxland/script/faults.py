"""What keeps scripts from being imported: as values, all told at once."""

from collections.abc import Iterable

from msgspec import Struct


class Fault(Struct, frozen=True):
    """Where, what, and what to do."""

    file: str
    line: int | None  # None: the whole file
    what: str
    cure: str

    def __str__(self) -> str:
        where = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{where}: {self.what}. {self.cure}"


class NotImportable(Exception):
    """Scripts that no configuration can be made of."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__(*map(str, self.faults))
