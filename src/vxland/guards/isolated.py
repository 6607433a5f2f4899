"""The ``isolated`` guard: the kernel forwards nothing between two isolated ports of a bridge.

net/bridge/br_private.h, br_skb_isolated(). The flag goes when the port leaves its bridge.
"""

from collections.abc import Callable, Hashable, Iterator, Sequence

from vxland.guards.port import Port
from vxland.model import Overlay
from vxland.observed import Link, Observed
from vxland.operations import Guarding, Isolate, Operation, Unisolate
from vxland.problems import Problem

NAME = "isolated"


class Isolated:
    """Split horizon by a flag on each port."""

    name = NAME

    def operations(
        self, seats: Sequence[tuple[Overlay, Sequence[Port]]], observed: Observed
    ) -> Iterator[Operation]:
        """Set the flag where it is wanted and missing, clear it where it isn't wanted."""
        del observed
        for overlay, ports in seats:
            for port in ports:
                is_set = port.link is not None and port.link.isolated
                if NAME in overlay.guards and not is_set:
                    yield Isolate(overlay.name, port.device)
                elif NAME not in overlay.guards and is_set:
                    guarding = Guarding(port.device, port.guards)
                    yield Unisolate(overlay.name, port.device, guarding)

    def missing(self, overlay: Overlay, observed: Observed) -> Problem | None:
        """Nothing: every kernel from 4.18 on has the flag."""
        del overlay, observed
        return None

    def reaches(self, device: str, overlay: Overlay) -> bool:
        """It goes by the port, whatever its name."""
        del device, overlay
        return True

    def arms(self, observed: Observed) -> Callable[[str], bool]:
        """The flag, which ports carry."""

        def is_isolated(device: str) -> bool:
            link = observed.links.get(device)
            return link is not None and link.master is not None and link.isolated

        return is_isolated

    def cuts(self, one: Link, other: Link, observed: Observed) -> bool:
        """Whether frames between these two ports are dropped."""
        del observed
        return one.isolated and other.isolated

    def trait(self, port: Link, observed: Observed) -> Hashable:
        """The flag."""
        del observed
        return port.isolated
