"""What is done to a bridge."""

from vxland.addresses import IPInterface
from vxland.model import Bridge
from vxland.operations.operation import Operation, Phase, Step


class CreateBridge(Operation, frozen=True):
    """Make a bridge, down, without STP, forward delay and multicast snooping."""

    bridge: Bridge

    phase = Phase.CREATE
    attribute = "existence"

    step = Step.MAKE  # alone, so that nothing is done to a device that has the name already

    def __str__(self) -> str:
        return f"create bridge {self.device}"


class RaiseBridge(Operation, frozen=True):
    """Set a bridge up; early, so that guests can start."""

    phase = Phase.CREATE
    attribute = "state"

    step = Step.RAISE  # up, and without both its marks, it would pass for a stranger's

    def __str__(self) -> str:
        return f"set bridge {self.device} up"


class AddAddress(Operation, frozen=True):
    """Put an address on a bridge, with vxland's mark (IFA_PROTO)."""

    address: IPInterface

    phase = Phase.CREATE
    attribute = "addresses"

    def __str__(self) -> str:
        return f"add address {self.address} to {self.device}"


class RemoveAddress(Operation, frozen=True):
    """Take an address of vxland's from a bridge."""

    address: IPInterface

    phase = Phase.QUIESCE
    attribute = "addresses"

    def __str__(self) -> str:
        return f"remove address {self.address} from {self.device}"


class Reattach(Operation, frozen=True):
    """Put somebody's port back into a bridge that was deleted and made again."""

    bridge: str

    phase = Phase.ATTACH
    attribute = "master"

    def __str__(self) -> str:
        return f"put {self.device} back into {self.bridge}"
