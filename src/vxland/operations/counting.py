"""What is done to the table that counts for peers. A failure here holds nothing else up."""

from vxland.observed import Counted
from vxland.operations.operation import Operation, Phase


class MakeTally(Operation, frozen=True):
    """Write the table that counts, with these counters at zero, in the place of what there is."""

    counted: tuple[Counted, ...]
    replaces: bool  # there is a table of this name, which isn't as it should be

    phase = Phase.ARM
    attribute = "counters"

    def __str__(self) -> str:
        again = " anew" if self.replaces else ""
        return f"write nftables table {self.device}{again} (peers counted: {len(self.counted)})"


class WriteTallyRules(Operation, frozen=True):
    """Write the rules that count, in one transaction with the end of those there are."""

    phase = Phase.ARM
    attribute = "counters"

    def __str__(self) -> str:
        return f"write the rules of nftables table {self.device}"


class AddCounters(Operation, frozen=True):
    """Begin to count for these peers; the others' counters go on."""

    received: tuple[Counted, ...]
    sent: tuple[Counted, ...]

    phase = Phase.ARM
    attribute = "counters"

    def __str__(self) -> str:
        return f"count in {self.device} for {_some(self.received, self.sent)}"


class RemoveCounters(Operation, frozen=True):
    """Count for these no more; the others' counters go on."""

    received: tuple[Counted, ...]
    sent: tuple[Counted, ...]

    phase = Phase.ARM
    attribute = "counters"

    def __str__(self) -> str:
        return f"count in {self.device} no more for {_some(self.received, self.sent)}"


def _some(received: tuple[Counted, ...], sent: tuple[Counted, ...]) -> str:
    """The only one there is, or how many."""
    addresses = {counted.address for counted in (*received, *sent)}
    return str(*addresses) if len(addresses) == 1 else f"{len(addresses)} peers"
