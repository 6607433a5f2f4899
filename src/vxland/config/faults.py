"""What pydantic finds wrong with one table, said so that a person can mend it."""

from collections.abc import Callable, Collection, Iterator
from typing import TYPE_CHECKING

from pydantic import ValidationError

from vxland.config.errors import ConfigError
from vxland.config.fields import Table, takes
from vxland.config.place import Place
from vxland.config.schema import KEYS
from vxland.config.values import Unusable
from vxland.config.wording import did_you_mean, key, listed

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_SUBTABLES = frozenset({"vnis"})  # whose keys are the person's own


def faults(invalid: ValidationError, table: type[Table], place: Place) -> Iterator[ConfigError]:
    """One error for every key, or value in a key's list, that is wrong."""
    seen = set()
    for details in invalid.errors(include_url=False):
        loc = _as_written(details["loc"])
        if loc not in seen:  # pydantic names every type of a union
            seen.add(loc)
            yield _SAY.get(details["type"], _wrong)(details, table, place.at(*loc))


def unknown_key(place: Place, known: Collection[str]) -> ConfigError:
    """The error for a key that isn't one here."""
    name = str(place.loc[-1])
    elsewhere = [header for header, keys in KEYS.items() if name in keys]
    hint = did_you_mean(name, known)
    if elsewhere:
        hint += f"{name} belongs in {listed(elsewhere)}"
    return place.error("is not a known key", hint.strip() or f"Known are {listed(known, 'and')}")


def _as_written(loc: tuple[str | int, ...]) -> tuple[str | int, ...]:
    """The location without the steps that pydantic adds for the types of a union."""
    name, *inner = loc
    return name, *(step for step in inner if isinstance(step, int) or name in _SUBTABLES)


def _missing(_: "ErrorDetails", table: type[Table], place: Place) -> ConfigError:
    name = str(place.loc[-1])
    return place.error("is missing", f"Write {name} = {takes(table, name).example}")


def _extra(_: "ErrorDetails", table: type[Table], place: Place) -> ConfigError:
    return unknown_key(place, table.model_fields)


def _wrong(details: "ErrorDetails", table: type[Table], place: Place) -> ConfigError:
    """A value of the wrong type, out of bounds, or refused by a check of its own."""
    name, *inner = _as_written(details["loc"])
    name, value = str(name), details["input"]
    cause = details.get("ctx", {}).get("error")
    if isinstance(cause, Unusable):
        return place.error(cause.message, cause.cure, value)
    wanted = takes(table, name)
    what = wanted.inner if inner else wanted.what
    cure = f"Write it like this: {name} = {wanted.example}"
    return place.error(f"is not {what}", misplaced(place, table) or cure, value)


def misplaced(place: Place, table: type[Table]) -> str | None:
    """What to do with a key that fell into a subtable, as all do that are written below it."""
    _, _, *steps = place.loc
    if len(steps) > 1 and steps[1] in table.model_fields:
        header, name = f"[{place.table}.{steps[0]}]", key(str(steps[1]))
        return f"{name} is a key of [[{place.table}]]: write it above {header}"
    return None


_SAY: dict[str, Callable[["ErrorDetails", type[Table], Place], ConfigError]] = {
    "missing": _missing,
    "extra_forbidden": _extra,
}
