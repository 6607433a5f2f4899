"""What a check finds: one line, and what to do about it."""

from enum import Enum

from msgspec import Struct


class State(Enum):
    """How it stands, the worst first."""

    PROBLEM = "problem"  # something doesn't work
    WARNING = "warning"  # it works, and will hurt some day
    UNKNOWN = "unknown"  # it can't be told, and why
    OK = "ok"


class Finding(Struct, frozen=True):
    """One line. What names a peer says so in ``peer``, so that equal ones can be told together."""

    state: State
    text: str
    cure: str = ""
    overlay: str = ""
    peer: str = ""
    device: str = ""
    check: str = ""  # which check found it; the table of checks fills it in
