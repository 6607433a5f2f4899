"""What arms and disarms the guards."""

from collections.abc import Sized

from vxland.observed import PortRule
from vxland.operations.operation import Guarding, Operation, Phase, Step


class WriteChain(Operation, frozen=True):
    """Write vxland's ebtables chain and put its jumps first in FORWARD, in one transaction."""

    rules: tuple[str, ...]
    jumps: tuple[str, ...]
    former: tuple[str, ...]  # jumps to the chain that there are already, and that these replace

    phase = Phase.ARM
    attribute = "ebtables"
    guards = True

    def __str__(self) -> str:
        return f"write ebtables chain {self.device} ({_count(self.rules)}), first in FORWARD"


class MakeTable(Operation, frozen=True):
    """Write vxland's own nftables table, in one transaction with the end of what has its name."""

    rules: tuple[PortRule, ...]
    replaces: bool  # there is a table of this name, which isn't as it should be

    phase = Phase.ARM
    attribute = "nftables"
    guards = True

    def __str__(self) -> str:
        again = " anew" if self.replaces else ""
        return f"write nftables table {self.device}{again} ({_count(self.rules)})"


class FillTable(Operation, frozen=True):
    """Write the rules of the table's chain, in one transaction with the end of those there are."""

    rules: tuple[PortRule, ...]

    phase = Phase.ARM
    attribute = "nftables"
    guards = True

    def __str__(self) -> str:
        return f"write the rules of nftables table {self.device} ({_count(self.rules)})"


class ClaimTable(Operation, frozen=True):
    """Become the owner of the table, so that others can neither change nor flush it."""

    phase = Phase.ARM
    attribute = "owner"

    def __str__(self) -> str:
        return f"own nftables table {self.device}, so that nobody else can flush it"


class Isolate(Operation, frozen=True):
    """Set the bridge port's isolated flag: isolated ports exchange no frames."""

    phase = Phase.ISOLATE
    step = Step.CHANGE
    attribute = "isolated"
    guards = True

    def __str__(self) -> str:
        return f"isolate {self.device}"


class Unisolate(Operation, frozen=True):
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


class _Succeeded:
    """What ends only once other guards were read back in its place."""

    __slots__ = ()
    successors: tuple[Guarding, ...]  # the ports that other guards take over

    @property
    def needs(self) -> tuple[Guarding, ...]:
        """The guards that take over."""
        return self.successors


class TrimChain(_Succeeded, Operation, frozen=True):
    """Write the chain without the rules that are no longer wanted."""

    rules: tuple[str, ...]
    jumps: tuple[str, ...]  # those that led to these rules
    successors: tuple[Guarding, ...]

    phase = Phase.DISARM
    attribute = "ebtables"

    def __str__(self) -> str:
        return f"take what is no longer wanted out of ebtables chain {self.device}"


class RemoveChain(_Succeeded, Operation, frozen=True):
    """Remove vxland's ebtables chain and the jumps to it."""

    jumps: tuple[str, ...]  # all there are
    successors: tuple[Guarding, ...]

    phase = Phase.DISARM
    attribute = "ebtables"

    def __str__(self) -> str:
        return f"remove ebtables chain {self.device}"


class RetireRules(_Succeeded, Operation, frozen=True):
    """Take rules that vxland's guards make needless out of ebtables' FORWARD.

    One that stands there twice is to be named twice. One that has gone by then is gone.
    """

    rules: tuple[str, ...]  # as ebtables-save prints them, in the order in which they stand
    successors: tuple[Guarding, ...]

    phase = Phase.DISARM
    attribute = "rules"

    def __str__(self) -> str:
        return f"remove {_count(self.rules)} that vxland's guards replace from {self.device}"


class TrimTable(_Succeeded, Operation, frozen=True):
    """Write the table's rules without those that are no longer wanted."""

    rules: tuple[PortRule, ...]
    successors: tuple[Guarding, ...]

    phase = Phase.DISARM
    attribute = "nftables"

    def __str__(self) -> str:
        return f"take what is no longer wanted out of nftables table {self.device}"


class RemoveTable(_Succeeded, Operation, frozen=True):
    """Remove vxland's own nftables table."""

    successors: tuple[Guarding, ...]

    phase = Phase.DISARM
    attribute = "nftables"

    def __str__(self) -> str:
        return f"remove nftables table {self.device}"


def _count(rules: Sized) -> str:
    return f"{len(rules)} rule{'s' * (len(rules) != 1)}"
