"""What a guard guards: a wanted bridge port, and the device that stays it, if one does."""

from msgspec import Struct

from vxland.observed import Link


class Port(Struct, frozen=True):
    """A tunnel's device as a port of its overlay's bridge, once the plan is carried out."""

    device: str
    link: Link | None  # None: it is made or attached anew in this plan, without any flag
    guards: tuple[str, ...]  # those of its overlay's that can reach it; down where none does
