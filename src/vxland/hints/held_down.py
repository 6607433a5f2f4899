"""A bridge of somebody's that leads to peers, and whose MTU the tunnels in it hold down."""

from collections.abc import Iterator
from shlex import quote

from vxland.hints.large_bridge import for_good
from vxland.listing import some
from vxland.model import Overlay
from vxland.observed import Following, Observed
from vxland.ownership import is_own
from vxland.problems import Kind, Problem
from vxland.underlay.mtu import OVERHEAD, fragments, unheld

NAMED = 3


def held_down(overlay: Overlay, observed: Observed) -> Iterator[Problem]:
    """One hint for an overlay's tunnels that lead over such a bridge."""
    host = observed.host
    if not host.following:
        return
    held = [
        (tunnel, route)
        for tunnel in overlay.tunnels()
        if (route := host.routes.get(tunnel.address)) is not None
        and route.mtu < unheld(route, tunnel.address, host)
        and route.mtu < overlay.bridge.mtu + OVERHEAD[tunnel.address.version]
        and _by_tunnels(host.following[route.device].bridge, observed)
    ]
    if not held:
        return
    _, route = held[0]
    bridge = observed.links[host.following[route.device].bridge]
    follows = host.following.get(bridge.name, Following(bridge.name, None))
    mtu = follows.mtu or bridge.mtu
    commands = [f"ip link set {quote(bridge.name)} mtu {mtu}"] if follows.mtu else []
    if route.device != bridge.name:
        commands.append(f"ip link set {quote(route.device)} mtu {mtu} (or what its network takes)")
    cut = all(fragments(tunnel.vtep) for tunnel, _ in held)
    what = "go in two pieces each, which costs speed" if cut else "are lost"
    yield Problem(
        Kind.HINT,
        f"{route.device}, over which outer packets go to"
        f" {some([tunnel.peer for tunnel, _ in held], NAMED)}, has the tunnels' MTU of {route.mtu},"
        f" since bridge {bridge.name} follows its smallest port while nobody has set its MTU: those"
        f" of full size {what}",
        f"{'; '.join(commands)}. For good: {for_good(bridge.name, mtu)}",
        overlay=overlay.name,
        about="held down",
    )


def _by_tunnels(name: str, observed: Observed) -> bool:
    """Whether it is somebody's bridge, and tunnels are the smallest of its ports."""
    bridge = observed.links.get(name)
    if bridge is None or is_own(bridge):
        return False
    ports = list(observed.ports(name))
    lowest = min((port.mtu for port in ports), default=0)
    return any(port.is_tunnel and port.mtu == lowest for port in ports)
