"""What makes a device that something else made vxland's. Nothing else is done to it before."""

from vxland.identity import SHARED
from vxland.operations.operation import Guarding, Operation, Phase, Step


class PinMac(Operation, frozen=True):
    """Set a bridge's MAC address to the one that it has: it no longer follows its ports'."""

    mac: str

    phase = Phase.ADOPT
    attribute = "mac"

    def __str__(self) -> str:
        return f"keep the MAC of {self.device} as it is ({self.mac})"


class AdoptBridge(Operation, frozen=True):
    """Mark a bridge as vxland's by the altname that tells its MAC address, too.

    It is one altname, so that nothing can come between the two; the other marks follow.
    """

    altname: str

    phase = Phase.ADOPT
    attribute = "owner"

    step = Step.MARK  # before its ports: a bridge none of whose is taken over isn't either

    def __str__(self) -> str:
        return f"take over bridge {self.device} for overlay {self.overlay}"


class Adopt(Operation, frozen=True):
    """Mark a tunnel's device as vxland's by its altname; the alias follows.

    All ports that are taken over with it must be guarded before the first of them is vxland's.
    """

    altname: str
    peer: str
    bridge: str  # whose port it is, or will be
    guarded: tuple[Guarding, ...]

    phase = Phase.ADOPT
    attribute = "owner"

    step = Step.MARK_AGAIN  # after the bridge

    @property
    def needs(self) -> tuple[Guarding, ...]:
        """The guards of all ports that are taken over."""
        return self.guarded

    def __str__(self) -> str:
        peer = "" if self.peer in SHARED.values() else f"peer {self.peer} of "
        return f"take over {self.device} for {peer}overlay {self.overlay}"
