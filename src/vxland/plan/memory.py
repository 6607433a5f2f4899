"""What one look at the kernel can't tell: what was seen earlier, and was decided because of it."""

from collections.abc import Mapping

from msgspec import Struct, field
from msgspec.structs import replace

from vxland.model import Desired
from vxland.observed import Observed
from vxland.ownership import is_own


class Ports(Struct, frozen=True):
    """Others' ports of a bridge, and whether the bridge was vxland's."""

    own_bridge: bool
    names: frozenset[str]


class Memory(Struct, frozen=True):
    """What the reconciler remembers for the planner."""

    seen: Mapping[str, Ports] = field(default_factory=dict)  # by bridge
    homeless: Mapping[str, frozenset[str]] = field(default_factory=dict)  # by bridge that went away
    grounded: frozenset[str] = frozenset()  # devices whose guard somebody keeps taking away

    def after(self, observed: Observed, desired: Desired) -> "Memory":
        """The memory once this was seen too.

        A bridge was deleted, and perhaps made again, where it is missing or became somebody
        else's. Its ports are remembered until they are in a bridge again, or gone.
        """
        seen = {}
        homeless = {}
        for overlay in desired.overlays:
            bridge = overlay.bridge.device
            before, now = self.seen.get(bridge), _ports(bridge, observed)
            lost = self.homeless.get(bridge, frozenset())
            if before is not None and (now is None or now.own_bridge != before.own_bridge):
                lost |= before.names
            if now is not None:
                seen[bridge] = now
            lost = frozenset(name for name in lost if _is_homeless(name, observed))
            if lost:
                homeless[bridge] = lost
        return replace(self, seen=seen, homeless=homeless)


def _ports(bridge: str, observed: Observed) -> Ports | None:
    link = observed.links.get(bridge)
    if link is None or link.kind != "bridge":
        return None
    names = (port.name for port in observed.ports(bridge) if not is_own(port))
    return Ports(is_own(link), frozenset(names))


def _is_homeless(name: str, observed: Observed) -> bool:
    link = observed.links.get(name)
    return link is not None and link.master is None
