"""What happened, as values: what was found, what was done about it, how long it took, and who."""

from collections.abc import Hashable
from typing import TypedDict

from msgspec import Struct

KINDS = (
    "started",
    "set_up",
    "repaired",
    "secured",
    "failed",
    "problem",
    "resolved",
    "config_in_force",
    "config_refused",
    "config_good_again",
    "trouble",
)


class Event(Struct, frozen=True):
    """Something that happened, or the same again and again."""

    kind: str  # one of KINDS
    at: float  # seconds since the epoch, the last time
    overlay: str = ""
    peer: str = ""
    device: str = ""
    found: str = ""
    done: str = ""
    seconds: float | None = None  # a repair's turn; how long a problem lasted
    who: str = ""
    about: Hashable = ""  # with the rest, what makes it the same as an earlier one
    number: int = 0  # as it is told; grows with every event
    first_at: float = 0.0
    count: int = 1

    @property
    def identity(self) -> Hashable:
        """What makes it the same again."""
        return (self.kind, self.overlay, self.peer, self.device, self.done, self.about)


class EventJson(TypedDict):
    """An event as JSON (docs/api.md)."""

    number: int
    at: float
    first_at: float
    count: int
    kind: str
    overlay: str
    peer: str
    device: str
    found: str
    done: str
    seconds: float | None
    who: str


class EventsJson(TypedDict):
    """All of them, the newest last."""

    events: list[EventJson]


def event_json(event: Event) -> EventJson:
    """An event as JSON."""
    return {
        "number": event.number,
        "at": event.at,
        "first_at": event.first_at,
        "count": event.count,
        "kind": event.kind,
        "overlay": event.overlay,
        "peer": event.peer,
        "device": event.device,
        "found": event.found,
        "done": event.done,
        "seconds": event.seconds,
        "who": event.who,
    }
