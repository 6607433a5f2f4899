"""Split horizon: what keeps frames from one tunnel out of the others. One module a guard."""

from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Protocol

from vxland.guards.ebtables import Ebtables
from vxland.guards.isolated import Isolated
from vxland.guards.nftables import Nftables
from vxland.guards.port import Port
from vxland.model import Overlay
from vxland.observed import Link, Observed
from vxland.operations import Operation
from vxland.problems import Problem


class Guard(Protocol):
    """A way to keep tunnels of a bridge from each other."""

    name: str

    def operations(
        self, seats: Sequence[tuple[Overlay, Sequence[Port]]], observed: Observed
    ) -> Iterator[Operation]:
        """What arms this guard where it is configured, and disarms it where it isn't."""

    def missing(self, overlay: Overlay, observed: Observed) -> Problem | None:
        """Why the guard can't be had on this machine; None where it can."""

    def reaches(self, device: str, overlay: Overlay) -> bool:
        """Whether it can keep a port of this name from the overlay's others."""

    def arms(self, observed: Observed) -> Callable[[str], bool]:
        """What tells of each port, by name, whether the kernel was seen to guard it."""

    def cuts(self, one: Link, other: Link, observed: Observed) -> bool:
        """Whether the guard keeps two ports from each other, as the kernel has it."""

    def trait(self, port: Link, observed: Observed) -> Hashable:
        """What of a port ``cuts`` goes by: ports of one trait are cut from the same others."""


GUARDS: dict[str, Guard] = {guard.name: guard for guard in (Isolated(), Ebtables(), Nftables())}


def port_in(overlay: Overlay, device: str, link: Link | None) -> Port:
    """A port of an overlay's bridge, with the guards that can reach it."""
    reaching = [name for name in overlay.guards if GUARDS[name].reaches(device, overlay)]
    return Port(device, link, tuple(reaching))


def arms(observed: Observed) -> Callable[[str, Sequence[str]], bool]:
    """What tells of a port whether every one of these guards was seen to guard it.

    At least one is needed. What all ports have in common is looked at once.
    """
    each = {name: guard.arms(observed) for name, guard in GUARDS.items()}
    return lambda device, guards: bool(guards) and all(each[name](device) for name in guards)


def armed(device: str, guards: Sequence[str], observed: Observed) -> bool:
    """Whether every one of these guards was seen to guard this port."""
    return arms(observed)(device, guards)


def traits(port: Link, observed: Observed) -> Hashable:
    """What of a port ``cut`` goes by."""
    return tuple(guard.trait(port, observed) for guard in GUARDS.values())


def cut(one: Link, other: Link, observed: Observed) -> bool:
    """Whether any guard keeps two ports from each other."""
    return any(guard.cuts(one, other, observed) for guard in GUARDS.values())
