"""What can be done to the kernel, one small value each, in the order that keeps it loop-free.

An operation names its device; what a number of them need to know to be carried out is in them.
Carrying out is the business of ``vxland.kernel``, printing as commands that of ``vxland.shell``;
each has one table with a line for each class here.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar

from vxland.addresses import IPAddress, IPInterface
from vxland.model import Bridge, Vtep
from vxland.observed import Abroad, FdbEntry


class Phase(IntEnum):
    """The order of a plan. Whatever could loop is down, or guarded, at every step of it."""

    QUIESCE = 1  # what leaves goes down or away
    ARM = 2  # guards that are chains or tables
    CREATE = 3  # devices made, and their attributes put right
    ATTACH = 4  # into the bridge, while down
    ISOLATE = 5  # guards that are flags of a bridge port
    FLOOD_APPEND = 6
    UP = 7  # only what was read back as guarded
    FLOOD_REMOVE = 8
    DISARM = 9  # guards no longer wanted, once those wanted were read back


@dataclass(frozen=True, slots=True)
class Guarding:
    """A bridge port, and the guards that must be seen to hold for it."""

    device: str
    guards: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Operation:
    """One step. ``overlay`` is empty where the step is the whole node's."""

    overlay: str
    device: str

    phase: ClassVar[Phase]
    attribute: ClassVar[
        str
    ]  # what of the device it puts right: with the device, the subject of a fight
    guards: ClassVar[bool] = False  # never delayed
    rank: ClassVar[int] = 1  # within the phase: names are freed before they are taken

    @property
    def needs(self) -> "tuple[Guarding, ...]":
        """What must be read back from the kernel before this may be done."""
        return ()

    @property
    def subject(self) -> tuple[str, str]:
        """The thing that this operation puts right: device and attribute."""
        return (self.device, self.attribute)

    def __str__(self) -> str:
        return f"{self.attribute} of {self.device}"


@dataclass(frozen=True, slots=True)
class TakeDown(Operation):
    """Set a device down, so that nothing is forwarded through it."""

    phase = Phase.QUIESCE
    attribute = "state"
    guards = True

    def __str__(self) -> str:
        return f"take {self.device} down"


@dataclass(frozen=True, slots=True)
class DeleteLink(Operation):
    """Delete a device of vxland's."""

    phase = Phase.QUIESCE
    attribute = "existence"

    def __str__(self) -> str:
        return f"delete {self.device}"


@dataclass(frozen=True, slots=True)
class DeleteAbroad(Operation):
    """Delete a device of vxland's in the namespace that it was moved to: it holds its VNI here."""

    abroad: Abroad

    phase = Phase.QUIESCE
    attribute = "namespace"

    def __str__(self) -> str:
        return f"delete {self.device}, which was moved to network namespace {self.abroad.nsid}"


@dataclass(frozen=True, slots=True)
class RemoveAltname(Operation):
    """Take an altname off that marks another device of vxland's."""

    altname: str

    phase = Phase.QUIESCE
    attribute = "altname"

    def __str__(self) -> str:
        return f"take the altname {self.altname} off {self.device}"


@dataclass(frozen=True, slots=True)
class RemoveAddress(Operation):
    """Take an address of vxland's from a bridge."""

    address: IPInterface

    phase = Phase.QUIESCE
    attribute = "addresses"

    def __str__(self) -> str:
        return f"remove address {self.address} from {self.device}"


@dataclass(frozen=True, slots=True)
class WriteChain(Operation):
    """Write vxland's ebtables chain and put the jump to it first in FORWARD, in one transaction."""

    rules: tuple[str, ...]
    jumps: int  # how many jumps to the chain there are already, to be replaced by one

    phase = Phase.ARM
    attribute = "ebtables"
    guards = True

    def __str__(self) -> str:
        count = len(self.rules)
        rules = f"{count} rule{'s' * (count != 1)}"
        return f"write ebtables chain {self.device} ({rules}), first in FORWARD"


@dataclass(frozen=True, slots=True)
class Rename(Operation):
    """Give a device its name back. It must be down (kernels before 6.2)."""

    to: str

    phase = Phase.CREATE
    attribute = "name"
    rank = 0

    def __str__(self) -> str:
        return f"rename {self.device} to {self.to}"


@dataclass(frozen=True, slots=True)
class CreateBridge(Operation):
    """Make a bridge, down, without STP, forward delay and multicast snooping."""

    bridge: Bridge

    phase = Phase.CREATE
    attribute = "existence"

    def __str__(self) -> str:
        return f"create bridge {self.device}"


@dataclass(frozen=True, slots=True)
class CreateVtep(Operation):
    """Make a VXLAN device, down."""

    vtep: Vtep

    phase = Phase.CREATE
    attribute = "existence"

    def __str__(self) -> str:
        vtep = self.vtep
        return f"create {self.device} to {vtep.peer} ({vtep.remote}, VNI {vtep.vni})"


@dataclass(frozen=True, slots=True)
class SetAlias(Operation):
    """Write vxland's first mark."""

    alias: str

    phase = Phase.CREATE
    attribute = "alias"

    def __str__(self) -> str:
        return f"mark {self.device} as {self.alias}"


@dataclass(frozen=True, slots=True)
class AddAltname(Operation):
    """Add vxland's second mark."""

    altname: str

    phase = Phase.CREATE
    attribute = "altname"

    def __str__(self) -> str:
        return f"give {self.device} the altname {self.altname}"


@dataclass(frozen=True, slots=True)
class SetMac(Operation):
    """Set a device's MAC address."""

    mac: str

    phase = Phase.CREATE
    attribute = "mac"

    def __str__(self) -> str:
        return f"set the MAC of {self.device} to {self.mac}"


@dataclass(frozen=True, slots=True)
class SetMtu(Operation):
    """Set a device's MTU, in bytes."""

    mtu: int

    phase = Phase.CREATE
    attribute = "mtu"

    def __str__(self) -> str:
        return f"set the MTU of {self.device} to {self.mtu}"


@dataclass(frozen=True, slots=True)
class NoLinkLocal(Operation):
    """Let the kernel give a tunnel no IPv6 link-local address (addrgenmode none)."""

    phase = Phase.CREATE
    attribute = "addrgenmode"

    def __str__(self) -> str:
        return f"keep IPv6 link-local addresses off {self.device}"


@dataclass(frozen=True, slots=True)
class SetRemote(Operation):
    """Change a VXLAN device's remote in place; the kernel moves its default flood entry."""

    remote: IPAddress

    phase = Phase.CREATE
    attribute = "remote"

    def __str__(self) -> str:
        return f"set the remote of {self.device} to {self.remote}"


@dataclass(frozen=True, slots=True)
class SetLocal(Operation):
    """Change a VXLAN device's local address in place."""

    local: IPAddress

    phase = Phase.CREATE
    attribute = "local"

    def __str__(self) -> str:
        return f"set the local address of {self.device} to {self.local}"


@dataclass(frozen=True, slots=True)
class SetOption(Operation):
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


@dataclass(frozen=True, slots=True)
class AddAddress(Operation):
    """Put an address on a bridge, with vxland's mark (IFA_PROTO)."""

    address: IPInterface

    phase = Phase.CREATE
    attribute = "addresses"

    def __str__(self) -> str:
        return f"add address {self.address} to {self.device}"


@dataclass(frozen=True, slots=True)
class RaiseBridge(Operation):
    """Set a bridge up; early, so that guests can start."""

    phase = Phase.CREATE
    attribute = "state"

    def __str__(self) -> str:
        return f"set bridge {self.device} up"


@dataclass(frozen=True, slots=True)
class Attach(Operation):
    """Make a device that is down a port of the bridge."""

    bridge: str

    phase = Phase.ATTACH
    attribute = "master"

    def __str__(self) -> str:
        return f"attach {self.device} to {self.bridge}"


@dataclass(frozen=True, slots=True)
class Reattach(Operation):
    """Put somebody's port back into a bridge that was deleted and made again."""

    bridge: str

    phase = Phase.ATTACH
    attribute = "master"

    def __str__(self) -> str:
        return f"put {self.device} back into {self.bridge}"


@dataclass(frozen=True, slots=True)
class Isolate(Operation):
    """Set the bridge port's isolated flag: isolated ports exchange no frames."""

    phase = Phase.ISOLATE
    attribute = "isolated"
    guards = True

    def __str__(self) -> str:
        return f"isolate {self.device}"


@dataclass(frozen=True, slots=True)
class AppendFlood(Operation):
    """Append a VTEP to the flood list."""

    destination: IPAddress

    phase = Phase.FLOOD_APPEND
    attribute = "flood"

    def __str__(self) -> str:
        return f"append {self.destination} to the flood list of {self.device}"


@dataclass(frozen=True, slots=True)
class BringUp(Operation):
    """Set a tunnel's device up, if each of these guards was read back from the kernel."""

    guarding: Guarding

    phase = Phase.UP
    attribute = "state"

    @property
    def needs(self) -> tuple[Guarding, ...]:
        """The port's own guards."""
        return (self.guarding,)

    def __str__(self) -> str:
        return f"bring {self.device} up"


@dataclass(frozen=True, slots=True)
class RemoveFdb(Operation):
    """Remove a forwarding entry from a VXLAN device."""

    entry: FdbEntry

    phase = Phase.FLOOD_REMOVE
    attribute = "fdb"

    def __str__(self) -> str:
        what = "flood entry" if self.entry.floods else f"entry {self.entry.mac}"
        return f"remove {what} to {self.entry.destination} from {self.device}"


@dataclass(frozen=True, slots=True)
class Unisolate(Operation):
    """Clear the bridge port's isolated flag, once another guard holds."""

    guarding: Guarding

    phase = Phase.DISARM
    attribute = "isolated"

    @property
    def needs(self) -> tuple[Guarding, ...]:
        """The guards that take over."""
        return (self.guarding,)

    def __str__(self) -> str:
        return f"end the isolation of {self.device}"


@dataclass(frozen=True, slots=True)
class TrimChain(Operation):
    """Write the chain without the rules that are no longer wanted."""

    rules: tuple[str, ...]
    successors: tuple[Guarding, ...]  # the ports that other guards take over

    phase = Phase.DISARM
    attribute = "ebtables"

    @property
    def needs(self) -> tuple[Guarding, ...]:
        """The guards that take over."""
        return self.successors

    def __str__(self) -> str:
        return f"take what is no longer wanted out of ebtables chain {self.device}"


@dataclass(frozen=True, slots=True)
class RemoveChain(Operation):
    """Remove vxland's ebtables chain and the jumps to it."""

    jumps: int
    successors: tuple[Guarding, ...]

    phase = Phase.DISARM
    attribute = "ebtables"

    @property
    def needs(self) -> tuple[Guarding, ...]:
        """The guards that take over."""
        return self.successors

    def __str__(self) -> str:
        return f"remove ebtables chain {self.device}"
