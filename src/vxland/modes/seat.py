"""A node's seat in an overlay: what a mode needs to know to lay out its VTEPs."""

from collections.abc import Mapping

from msgspec import Struct, field

from vxland.addresses import IPAddress
from vxland.settings import OverlaySettings


class Seat(Struct, frozen=True):
    """This node among an overlay's peers."""

    overlay: OverlaySettings
    node: str
    order: tuple[str, ...]  # the remotes' names, as the file has them
    remotes: Mapping[str, IPAddress]  # those whose address is known, in this order
    locals: Mapping[str, IPAddress]  # this node's VTEP address towards each of them
    own: IPAddress | None  # the one that the others know it by
    mtu: int
    most: Mapping[str, int] = field(default_factory=dict)  # MTUs that the kernel allows, by peer
