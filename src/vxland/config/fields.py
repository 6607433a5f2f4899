"""What the tables of the file have in common: what a key takes, and how it is checked."""

from collections.abc import Callable, Collection
from typing import Any

from msgspec import Struct
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, WithJsonSchema

from vxland import identity
from vxland.config import values
from vxland.config.wording import did_you_mean, listed, quoted


class Table(BaseModel):
    """A table of the file."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Takes(Struct, frozen=True):
    """What a key takes, in words, and an example as TOML has it: for messages."""

    what: str
    example: str
    inner: str = "a string"  # what each value in it is, where it is a list or a table


def takes(table: type[Table], name: str) -> Takes:
    """What a key of a table takes."""
    return next(item for item in table.model_fields[name].metadata if isinstance(item, Takes))


def checked(parse: Callable[[str], object]) -> AfterValidator:
    """The value stays as written, but only where it can be parsed."""

    def check(text: str) -> str:
        parse(text)
        return text

    return AfterValidator(check)


def one_of(choices: Collection[str]) -> AfterValidator:
    """One of some words, known only by a table elsewhere."""

    def check(text: str) -> str:
        if text not in choices:
            cure = f"{did_you_mean(text, choices)}Write {listed(map(quoted, choices))}"
            raise values.Unusable("is not known", cure)
        return text

    return AfterValidator(check)


def _tuple(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


LIST = BeforeValidator(_tuple)  # a list of TOML is not strictly a tuple


def enum(choices: Collection[str]) -> WithJsonSchema:
    """The same words for the JSON Schema."""
    return WithJsonSchema({"type": "string", "enum": list(choices)})


def pattern(regex: str, length: int | None = None) -> dict[str, Any]:
    """The form of a string for the JSON Schema; what it means is checked elsewhere."""
    return {"pattern": regex} | ({} if length is None else {"maxLength": length})


NAME = pattern(f"^{identity.NAME.pattern}$", identity.NAME_LENGTH)
DEVICE = pattern("^[^/:%\\s]+$", identity.DEVICE_NAME_LENGTH)
SWITCH = Takes("true or false", "true")
