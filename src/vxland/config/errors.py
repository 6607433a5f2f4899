"""What is wrong with a configuration: every error as a value of its own."""

from collections.abc import Iterable

from msgspec import Struct
from msgspec.structs import asdict


class ConfigError(Struct, frozen=True):
    """One error: where, what, and what to do. A warning has the same form."""

    file: str
    path: str  # like "peer[2].address (lxd2)"; "" where it is the file itself
    message: str
    cure: str
    value: str | None = None  # as it was written
    line: int | None = None  # both from 1
    column: int | None = None

    def __str__(self) -> str:
        numbers = "".join(f":{n}" for n in (self.line, self.column) if n is not None)
        path = f" {self.path}:" if self.path else ""
        return f"{self.file}{numbers}:{path} {self.message}. {self.cure}"

    def as_json(self) -> dict[str, str | int | None]:
        """The same for a program."""
        return asdict(self)


class InvalidConfig(Exception):
    """The configuration can't be used; ``errors`` says everything that is wrong with it."""

    def __init__(self, errors: Iterable[ConfigError]) -> None:
        self.errors = tuple(errors)
        super().__init__(self.errors)

    def __str__(self) -> str:
        return "\n".join(map(str, self.errors))
