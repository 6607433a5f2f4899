"""What arms and disarms the guards."""

from dataclasses import dataclass

from vxland.operations.operation import Guarding, Operation, Phase


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
class Isolate(Operation):
    """Set the bridge port's isolated flag: isolated ports exchange no frames."""

    phase = Phase.ISOLATE
    attribute = "isolated"
    guards = True

    def __str__(self) -> str:
        return f"isolate {self.device}"


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
