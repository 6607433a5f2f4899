"""What stands between the node and its desired state, said so that a person can mend it."""

import re
from collections.abc import Hashable
from enum import Enum

from msgspec import Struct
from msgspec.structs import replace

PROCESS_ID = re.compile(r"\((pid|process) \d+\)")  # a program that is run again has another one


class Kind(Enum):
    """What sort of problem it is. Only a HINT leaves the node in sync."""

    CONFLICT = "conflict"  # a name or VNI held by something that isn't vxland's
    HAZARD = "hazard"  # something that could loop frames
    GUARD = "guard"  # a guard that can't be had
    REFUSED = "refused"  # a change that vxland won't make by itself
    WAITING = "waiting"  # for something that may come by itself
    FAILED = "failed"  # the kernel refused an operation
    FIGHT = "fight"  # something keeps undoing what vxland does
    HINT = "hint"  # worth knowing


class Problem(Struct, frozen=True):
    """One problem: the thing, the cause, and what to do."""

    kind: Kind
    text: str
    cure: str = ""
    overlay: str = ""
    peer: str = ""
    device: str = ""
    about: str = ""  # what it is the same problem by, where its text may change

    @property
    def identity(self) -> Hashable:
        """What makes it the same problem later: all of it but what changes by itself."""
        if self.about:
            return replace(self, text="", cure="")
        return replace(self, text=PROCESS_ID.sub("", self.text), cure="")

    def __str__(self) -> str:
        return f"{self.text}. {self.cure}" if self.cure else self.text


class Unresolved(Exception):
    """The configuration is valid, but it doesn't say what this machine is to be."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = problems
