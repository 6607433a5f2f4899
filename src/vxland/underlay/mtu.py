"""How large a packet inside of a tunnel may be, so that the underlay carries it in one piece."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from ipaddress import IPv4Address
from itertools import groupby

from msgspec import Struct

from vxland.addresses import OF_IPV4, IPAddress, are_ipv4, way
from vxland.model import Overlay, Tunnel, Vtep
from vxland.observed import GUEST_KINDS, Following, Host, Link, Route
from vxland.ownership import is_own
from vxland.settings import Df

ETHERNET_MTU = 1500
OVERHEAD = {4: 50, 6: 70}  # outer IP, UDP and VXLAN headers and the inner Ethernet header, bytes


def automatic_mtu(
    interface: str | None,
    remotes: Iterable[IPAddress],
    host: Host,
    bridges: Collection[str] = frozenset(),
) -> int:
    """One MTU for an overlay: the smallest route's to its peers, at most 1500, minus overhead.

    Where no route is known yet, 1500 minus overhead. ``bridges`` are the overlays': if one leads
    to peers and follows its ports, what follows from this MTU mustn't be what it is computed from.
    """
    remotes = tuple(remotes)
    ways = [OF_IPV4] * len(remotes) if are_ipv4(remotes) else [*map(way, remotes)]
    routes = map(host.routes.get, remotes)
    sizes = [  # those that come one after the other mostly go the same way
        min(_size(device or interface, version, route, host, bridges), ETHERNET_MTU)
        - OVERHEAD[version]
        for ((version, device), route), _ in groupby(zip(ways, routes, strict=True))
    ]
    return min(sizes, default=ETHERNET_MTU - OVERHEAD[4])


def _size(
    device: str | None, version: int, route: Route | None, host: Host, bridges: Collection[str]
) -> int:
    """What the way to a peer takes."""
    size = host.mtus.get(device) if device else None
    if size is None:
        if route is None:
            return ETHERNET_MTU
        device, size = None if route.fixed else route.device, route.mtu
    follows = host.following.get(device) if device else None
    if follows is None or follows.bridge not in bridges:
        return size
    return _unheld(size, follows, version)


def following(links: Mapping[str, Link]) -> dict[str, Following]:
    """Which devices' MTUs follow a bridge's ports: the bridge itself, and what sits on it.

    A bridge has its smallest port's MTU until one is set (net/bridge/br_if.c, br_mtu_auto_adjust),
    which nothing tells but that it has another one then. A VLAN on it shrinks with it, and doesn't
    grow again.
    """
    ports: dict[str, list[Link]] = {}
    for link in links.values():
        if link.master is not None and link.master in links:
            ports.setdefault(link.master, []).append(link)
    bridges = {
        name: Following(name, size)
        for name, members in ports.items()
        if links[name].kind == "bridge" and links[name].mtu == min(port.mtu for port in members)
        if (size := _leading_out(links[name], members)) is not None
    }
    uppers = {
        link.name: Following(link.lower, None)
        for link in links.values()
        if link.lower is not None
        and any(port.is_tunnel and port.mtu == link.mtu for port in ports.get(link.lower, ()))
    }
    return bridges | uppers


def _leading_out(bridge: Link, ports: Iterable[Link]) -> int | None:
    """What the ports take that lead to the bridge's own network.

    In a container a network card is a veth, as a guest's port is: of these the largest counts.
    Guests are made as small as the overlay, and there may be nothing else in a bridge of vxland's.
    """
    others = [port for port in ports if not port.is_tunnel]
    cards = [port.mtu for port in others if port.kind not in GUEST_KINDS]
    guests = [] if is_own(bridge) else [port.mtu for port in others]
    return min(cards) if cards else max(guests, default=None)


def _unheld(size: int, follows: Following, version: int) -> int:
    """What a way would take if no tunnel held its device's MTU down.

    What that of a VLAN was, nobody knows any more: the tunnel's was right when it was made.
    """
    return size + OVERHEAD[version] if follows.mtu is None else follows.mtu


def unheld(route: Route, remote: IPAddress, host: Host) -> int:
    """The MTU of the route to a peer, or what it would be if no tunnel held it down."""
    follows = None if route.fixed else host.following.get(route.device)
    return route.mtu if follows is None else _unheld(route.mtu, follows, remote.version)


def fragments(vtep: Vtep) -> bool:
    """Whether outer packets larger than the way takes go in fragments; else they are lost.

    Measured: a VXLAN device's packets over IPv6 never do (net/ipv6/ip6_output.c, ip6_fragment).
    """
    return isinstance(vtep.local, IPv4Address) and vtep.options.df is not Df.SET


class Tight(Struct, frozen=True):
    """A tunnel whose route doesn't take the overlay's largest packets in one piece."""

    tunnel: Tunnel
    fits: int  # bytes of the inner packet that it does take

    @property
    def fragments(self) -> bool:
        """Whether larger outer packets go in fragments; those that don't are lost."""
        return fragments(self.tunnel.vtep)


def tight(overlay: Overlay, host: Host) -> Iterator[Tight]:
    """Such tunnels of an overlay: ``mtu = "auto"`` has none, a number may."""
    for tunnel in overlay.tunnels():
        route = host.routes.get(tunnel.address)
        if route is None:
            continue
        fits = unheld(route, tunnel.address, host) - OVERHEAD[tunnel.address.version]
        if fits < overlay.bridge.mtu:  # a bound device's own MTU is no larger than fits
            yield Tight(tunnel, fits)
