"""What is done to a device, whatever its kind: made, named, marked, attached, taken away."""

from vxland.identity import ALTNAME_MARK
from vxland.observed import Abroad
from vxland.operations.operation import Guarding, Operation, Phase, Step


class TakeDown(Operation, frozen=True):
    """Set a device down, so that nothing is forwarded through it."""

    phase = Phase.QUIESCE
    attribute = "state"
    guards = True

    def __str__(self) -> str:
        return f"take {self.device} down"


class DeleteLink(Operation, frozen=True):
    """Delete a device of vxland's; a ``spare`` one's peer keeps another in the same overlay."""

    spare: bool = False

    phase = Phase.QUIESCE
    attribute = "existence"

    def __str__(self) -> str:
        return f"delete {self.device}"


class DeleteAbroad(Operation, frozen=True):
    """Delete a device of vxland's in the namespace that it was moved to: it holds its VNI here."""

    abroad: Abroad

    phase = Phase.QUIESCE
    attribute = "namespace"

    def __str__(self) -> str:
        return f"delete {self.device}, which was moved to network namespace {self.abroad.nsid}"


class RemoveAltname(Operation, frozen=True):
    """Take an altname off a device of vxland's: it is another one's name, or another one's mark."""

    altname: str

    phase = Phase.CREATE
    attribute = "altname"

    @property
    def step(self) -> Step:
        """A name before it is given; a mark once the right one, the alias, is there."""
        return Step.CHANGE if self.altname.startswith(ALTNAME_MARK) else Step.FREE

    def __str__(self) -> str:
        return f"take the altname {self.altname} off {self.device}"


class Rename(Operation, frozen=True):
    """Give a device its name back. Kernels before 6.2 want it down."""

    to: str

    phase = Phase.CREATE
    attribute = "name"

    step = Step.NAME  # before a new device takes the old name, after no altname is the new one

    def __str__(self) -> str:
        return f"rename {self.device} to {self.to}"


class SetAlias(Operation, frozen=True):
    """Write vxland's first mark."""

    alias: str

    phase = Phase.CREATE
    attribute = "alias"

    step = Step.MARK  # before anything else is done to a device that was just made

    def __str__(self) -> str:
        return f"mark {self.device} as {self.alias}"


class AddAltname(Operation, frozen=True):
    """Add vxland's second mark."""

    altname: str

    phase = Phase.CREATE
    attribute = "altname"

    step = Step.MARK_AGAIN  # once no other device has it

    def __str__(self) -> str:
        return f"give {self.device} the altname {self.altname}"


class SetMac(Operation, frozen=True):
    """Set a device's MAC address."""

    mac: str

    phase = Phase.CREATE
    attribute = "mac"

    def __str__(self) -> str:
        return f"set the MAC of {self.device} to {self.mac}"


class SetMtu(Operation, frozen=True):
    """Set a device's MTU, in bytes."""

    mtu: int

    phase = Phase.CREATE
    attribute = "mtu"

    def __str__(self) -> str:
        return f"set the MTU of {self.device} to {self.mtu}"


class NoLinkLocal(Operation, frozen=True):
    """Let the kernel give a tunnel no IPv6 link-local address (addrgenmode none)."""

    phase = Phase.CREATE
    step = Step.CHANGE
    attribute = "addrgenmode"

    def __str__(self) -> str:
        return f"keep IPv6 link-local addresses off {self.device}"


class Attach(Operation, frozen=True):
    """Make a device that is down a port of the bridge."""

    bridge: str

    phase = Phase.ATTACH
    step = Step.CHANGE
    attribute = "master"

    def __str__(self) -> str:
        return f"attach {self.device} to {self.bridge}"


class BringUp(Operation, frozen=True):
    """Set a tunnel's device up, if each of these guards was read back from the kernel."""

    guarding: Guarding

    phase = Phase.UP
    step = Step.CHANGE
    attribute = "state"

    @property
    def needs(self) -> tuple[Guarding, ...]:
        """The port's own guards."""
        return (self.guarding,)

    def __str__(self) -> str:
        return f"bring {self.device} up"


class ResetFlag(Operation, frozen=True):
    """Give a bridge port's flag the value that the kernel gives a new port."""

    flag: str

    phase = Phase.ISOLATE  # beside ClearFlag: of two tunnels one speaks as the other falls quiet
    attribute = "flag"

    @property
    def subject(self) -> tuple[str, str]:
        """Each flag is a subject of its own."""
        return (self.device, f"{self.attribute} {self.flag}")

    def __str__(self) -> str:
        return f"set the port flag {self.flag} of {self.device} back"


class ClearFlag(Operation, frozen=True):
    """Clear a flag of a quiet tunnel's port that the kernel sets in a new one.

    A port that learns no more forgets at once what it has learned.
    """

    flag: str

    phase = Phase.ISOLATE
    attribute = "flag"

    @property
    def forgets(self) -> bool:
        """Whether what was learned behind the port goes."""
        return self.flag == "learning"

    @property
    def subject(self) -> tuple[str, str]:
        """Each flag is a subject of its own."""
        return (self.device, f"{self.attribute} {self.flag}")

    def __str__(self) -> str:
        return f"clear the port flag {self.flag} of {self.device}"
