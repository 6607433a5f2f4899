"""What is done to the table that lets only peers in. A failure here holds nothing else up."""

from dataclasses import dataclass

from vxland.observed import Element
from vxland.operations.operation import Operation, Phase


@dataclass(frozen=True, slots=True)
class MakeIngress(Operation):
    """Write the table that filters, in the place of what there is."""

    elements: tuple[Element, ...]
    replaces: bool  # there is a table of this name, which isn't as it should be

    phase = Phase.ARM
    attribute = "ingress"

    def __str__(self) -> str:
        again = " anew" if self.replaces else ""
        return f"write nftables table {self.device}{again} ({_vnis(self.elements)} filtered)"


@dataclass(frozen=True, slots=True)
class WriteIngressRules(Operation):
    """Write the rules that filter, in one transaction with the end of those there are."""

    phase = Phase.ARM
    attribute = "ingress"

    def __str__(self) -> str:
        return f"write the rules of nftables table {self.device}"


@dataclass(frozen=True, slots=True)
class ChangeIngress(Operation):
    """Change who gets in, in one transaction; what stays the same is not touched."""

    added: tuple[Element, ...]
    removed: tuple[Element, ...]

    phase = Phase.ARM
    attribute = "ingress"

    def __str__(self) -> str:
        parts = (("take", self.added), ("no longer", self.removed))
        said = (f"{word} {_some(elements)}" for word, elements in parts if elements)
        return f"in {self.device} {', '.join(said)}"


def _vnis(elements: tuple[Element, ...]) -> str:
    count = len({(element.vni, element.port) for element in elements if element.set == "vnis"})
    return f"{count} VNI{'' if count == 1 else 's'}"


def _some(elements: tuple[Element, ...]) -> str:
    """The only address there is, or how many; without any what it is that is left."""
    addresses = {element.address for element in elements if element.address is not None}
    if not addresses:
        return _vnis(elements)
    return f"from {str(*addresses) if len(addresses) == 1 else f'{len(addresses)} peers'}"
