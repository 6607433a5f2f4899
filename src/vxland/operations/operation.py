"""What every operation has: a phase, a device, an overlay, and what it puts right."""

from enum import IntEnum
from operator import attrgetter
from typing import ClassVar

from msgspec import Struct

from vxland.addresses import IPAddress


class Phase(IntEnum):
    """The order of a plan. Whatever could loop is down, or guarded, at every step of it."""

    QUIESCE = 1  # what leaves goes down or away
    ARM = 2  # what is a chain or a table: guards, and what filters and counts
    ADOPT = 3  # what others made becomes vxland's, once it is guarded
    CREATE = 4  # devices made, and their attributes put right
    ATTACH = 5  # into the bridge, while down
    ISOLATE = 6  # guards that are flags of a bridge port
    FLOOD_APPEND = 7
    UP = 8  # only what was read back as guarded
    FLOOD_REMOVE = 9
    DISARM = 10  # guards no longer wanted, once those wanted were read back


class Guarding(Struct, frozen=True):
    """A bridge port, and the guards that must be seen to hold for it."""

    device: str
    guards: tuple[str, ...]


class Step(IntEnum):
    """The order within a phase. Where one fails, the device's next ones aren't tried."""

    FREE = 1  # names that other devices get
    NAME = 2
    MAKE = 3
    MARK = 4  # at once: what isn't marked is nobody's, and a name may be somebody else's by now
    CHANGE = 5
    MARK_AGAIN = 6  # once no other device has this mark
    RAISE = 7  # marked twice: it may lose one, or never have got it


class Operation(Struct, frozen=True):
    """One step. ``overlay`` is empty where the step is the whole node's."""

    overlay: str
    device: str

    phase: ClassVar[Phase]
    # What of the device it puts right: with the device, the subject of a fight.
    attribute: ClassVar[str]
    guards: ClassVar[bool] = False  # never delayed

    @property
    def step(self) -> Step:
        """The order within the phase.

        Kinds of which a plan has thousands say theirs plainly: it is sorted by that.
        """
        return Step.CHANGE

    @property
    def needs(self) -> "tuple[Guarding, ...]":
        """What must be read back from the kernel before this may be done."""
        return ()

    @property
    def leads_to(self) -> IPAddress | None:
        """The VTEP that this is about, where it is about one of a device's and not all of it."""
        return None

    @property
    def subject(self) -> tuple[str, str]:
        """The thing that this operation puts right: device and attribute."""
        return (self.device, self.attribute)

    def __str__(self) -> str:
        return f"{self.attribute} of {self.device}"


PLACE = attrgetter("phase", "step")  # in the order of a plan
