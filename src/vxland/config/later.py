"""What belongs to later versions of vxland: never accepted and ignored, but known by name."""

from dataclasses import dataclass

NOT_YET = "not in this version of vxland"


@dataclass(frozen=True, slots=True)
class Later:
    """A key of a later version."""

    table: str
    key: str
    cure: str


LATER = (
    Later(
        "overlay",
        "ingress",
        "Leave it out, and let a firewall accept the overlay's UDP port from the peers alone",
    ),
)


def later_key(table: str, key: str) -> Later | None:
    """The row for a key that is unknown in this version."""
    return next((later for later in LATER if (later.table, later.key) == (table, key)), None)
