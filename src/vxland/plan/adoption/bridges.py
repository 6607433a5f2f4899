"""Whether an overlay's bridge, which something else made, is taken over with its tunnels."""

from vxland.model import Overlay
from vxland.observed import GUEST_KINDS, TUNNEL_KINDS, Link, Observed
from vxland.plan.obstacles import Register


def is_adoptable(bridge: Link, observed: Observed) -> bool:
    """Whether nothing makes it the machine's own: a port into its network, or peers behind it."""
    leads_out = (
        port.kind not in GUEST_KINDS | TUNNEL_KINDS for port in observed.ports(bridge.name)
    )
    to_peers = (route.device == bridge.name for route in observed.host.routes.values())
    return not any(leads_out) and not any(to_peers)


def is_usable(overlay: Overlay, register: Register) -> bool:
    """Whether the overlay can have a bridge: nothing else has its name, or vxland's mark of it."""
    bridge = overlay.bridge
    holder = register.name_holder(bridge.device)
    named = holder is None or (holder.kind == "bridge" and holder.name == bridge.device)
    return named and register.foreign(bridge.altname) is None
