"""What is done to a VXLAN device alone: its outer packets, its flood list."""

from vxland.addresses import IPAddress
from vxland.model import Vtep
from vxland.observed import FdbEntry
from vxland.operations.operation import Operation, Phase, Step


class CreateVtep(Operation, frozen=True):
    """Make a VXLAN device, down."""

    vtep: Vtep

    phase = Phase.CREATE
    attribute = "existence"

    step = Step.MAKE  # alone, so that nothing is done to a device that has the name already

    def __str__(self) -> str:
        vtep = self.vtep
        if vtep.shared:
            return f"create {self.device} to all peers (VNI {vtep.vni})"
        return f"create {self.device} to {vtep.peer} ({vtep.remote}, VNI {vtep.vni})"


class SetRemote(Operation, frozen=True):
    """Change a VXLAN device's remote in place; the kernel moves its default flood entry.

    The unspecified address takes the remote away.
    """

    remote: IPAddress

    phase = Phase.CREATE
    attribute = "remote"

    def __str__(self) -> str:
        return f"set the remote of {self.device} to {self.remote}"


class SetLocal(Operation, frozen=True):
    """Change a VXLAN device's local address in place."""

    local: IPAddress

    phase = Phase.CREATE
    attribute = "local"

    def __str__(self) -> str:
        return f"set the local address of {self.device} to {self.local}"


class SetOption(Operation, frozen=True):
    """Change one number that the kernel changes in place: ttl, tos, df, learning, ageing."""

    option: str
    value: int

    phase = Phase.CREATE
    attribute = "option"

    @property
    def subject(self) -> tuple[str, str]:
        """Each option is a subject of its own."""
        return (self.device, self.option)

    def __str__(self) -> str:
        return f"set {self.option} of {self.device} to {self.value}"


class AppendFlood(Operation, frozen=True):
    """Append a VTEP to the flood list."""

    destination: IPAddress

    phase = Phase.FLOOD_APPEND
    step = Step.CHANGE
    attribute = "flood"

    @property
    def leads_to(self) -> IPAddress | None:
        """The one that is appended."""
        return self.destination

    @property
    def subject(self) -> tuple[str, str]:
        """Each VTEP is a subject of its own."""
        return (self.device, f"{self.attribute} {self.destination}")

    def __str__(self) -> str:
        return f"append {self.destination} to the flood list of {self.device}"


class RemoveFdb(Operation, frozen=True):
    """Remove a forwarding entry from a VXLAN device."""

    entry: FdbEntry

    phase = Phase.FLOOD_REMOVE
    attribute = "fdb"

    @property
    def leads_to(self) -> IPAddress | None:
        """The one that the entry leads to."""
        return self.entry.destination

    def __str__(self) -> str:
        what = "flood entry" if self.entry.floods else f"entry {self.entry.mac}"
        return f"remove {what} to {self.entry.destination} from {self.device}"
