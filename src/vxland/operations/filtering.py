"""What is done to the table that lets only peers in. A failure here holds nothing else up."""

from collections.abc import Iterator

from vxland.observed import Element
from vxland.operations.operation import Operation, Phase


class MakeIngress(Operation, frozen=True):
    """Write the table that filters, in the place of what there is."""

    elements: tuple[Element, ...]
    replaces: bool  # there is a table of this name, which isn't as it should be

    phase = Phase.ARM
    attribute = "ingress"

    def __str__(self) -> str:
        again = " anew" if self.replaces else ""
        return f"write nftables table {self.device}{again} ({_vnis(self.elements)} filtered)"


class WriteIngressRules(Operation, frozen=True):
    """Write the rules that filter, in one transaction with the end of those there are."""

    phase = Phase.ARM
    attribute = "ingress"

    def __str__(self) -> str:
        return f"write the rules of nftables table {self.device}"


class ChangeIngress(Operation, frozen=True):
    """Change who gets in, in one transaction; what stays the same is not touched."""

    added: tuple[Element, ...]
    removed: tuple[Element, ...]

    phase = Phase.ARM
    attribute = "ingress"

    def __str__(self) -> str:
        parts = (
            _some(self.added, "let in", "filter"),
            _some(self.removed, "keep out", "no longer filter"),
            *_exclusive(self.added, "drop"),
            *_exclusive(self.removed, "no longer drop"),
        )
        return f"in {self.device} {', '.join(filter(None, parts))}"


class TrimIngress(Operation, frozen=True):
    """Filter VNIs no longer, nor all others of a port: once nothing has one any more."""

    removed: tuple[Element, ...]

    phase = Phase.DISARM
    attribute = "ingress"

    def __str__(self) -> str:
        ports = _exclusive(self.removed, "no longer drop")
        parts = (_some_vnis(self.removed, "no longer filter"), *ports)
        return f"in {self.device} {', '.join(filter(None, parts))}"


def _vnis(elements: tuple[Element, ...]) -> str:
    count = len({(element.vni, element.port) for element in elements if element.set == "vnis"})
    return f"{count} VNI{'' if count == 1 else 's'}"


def _some(elements: tuple[Element, ...], addresses: str, numbers: str) -> str:
    """The only address there is, or how many; without any what is left to be said."""
    there = {element.address for element in elements if element.address is not None}
    if there:
        return f"{addresses} {str(*there) if len(there) == 1 else f'{len(there)} peers'}"
    return _some_vnis(elements, numbers)


def _some_vnis(elements: tuple[Element, ...], verb: str) -> str:
    others = any(element.set != "exclusive" for element in elements)
    return f"{verb} {_vnis(elements)}" if others else ""


def _exclusive(elements: tuple[Element, ...], verb: str) -> Iterator[str]:
    ports = (element.port for element in elements if element.set == "exclusive")
    return (f"{verb} other VNIs on port {port}" for port in ports)
