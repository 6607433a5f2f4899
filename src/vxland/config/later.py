"""What belongs to later versions of vxland: never accepted and ignored, but known by name."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

NOT_YET = "not in this version of vxland"


@dataclass(frozen=True, slots=True)
class Later:
    """A key, or some values of a key, of a later version."""

    table: str
    key: str
    cure: str
    values: Callable[[object], bool] | None = None  # None: the whole key


def _is(expected: str) -> Callable[[object], bool]:
    return lambda value: value == expected


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


LATER = (
    Later(
        "overlay",
        "ingress",
        "Leave it out, and let a firewall accept the overlay's UDP port from the peers alone",
    ),
    Later(
        "overlay",
        "adopt",
        "Leave it out, and remove devices and rules made by something else yourself",
    ),
    Later("overlay", "mode", 'Write mode = "mesh"', _is("shared")),
    Later(
        "overlay",
        "vni",
        'Write vni = "pair", and numbers for single pairs in [overlay.vnis]',
        _is_number,
    ),
)


def _rows(table: str, key: str) -> Iterator[Later]:
    return (later for later in LATER if (later.table, later.key) == (table, key))


def later_key(table: str, key: str) -> Later | None:
    """The row for a key that is unknown in this version."""
    return next((row for row in _rows(table, key) if row.values is None), None)


def later_value(table: str, key: str, value: object) -> Later | None:
    """The row for a value that is unknown in this version."""
    return next((row for row in _rows(table, key) if row.values and row.values(value)), None)
