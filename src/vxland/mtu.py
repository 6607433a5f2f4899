"""How large a packet inside of a tunnel may be, so that the underlay carries it in one piece."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from vxland.addresses import IPAddress, zone
from vxland.model import Overlay, Tunnel
from vxland.observed import Host
from vxland.settings import Df

ETHERNET_MTU = 1500
OVERHEAD = {4: 50, 6: 70}  # outer IP, UDP and VXLAN headers and the inner Ethernet header, bytes


def automatic_mtu(interface: str | None, remotes: Iterable[IPAddress], host: Host) -> int:
    """One MTU for an overlay: the smallest route's to its peers, at most 1500, minus overhead.

    Where no route is known yet, 1500 minus overhead.
    """
    sizes = []
    for remote in remotes:
        device = zone(remote) or interface
        size = host.mtus.get(device) if device else None
        route = host.routes.get(remote)
        if size is None:
            size = route.mtu if route else ETHERNET_MTU
        sizes.append(min(size, ETHERNET_MTU) - OVERHEAD[remote.version])
    return min(sizes, default=ETHERNET_MTU - OVERHEAD[4])


@dataclass(frozen=True, slots=True)
class Tight:
    """A tunnel whose route doesn't take the overlay's largest packets in one piece."""

    tunnel: Tunnel
    fits: int  # bytes of the inner packet that it does take

    @property
    def fragments(self) -> bool:
        """Whether larger outer packets go in fragments; those that don't are lost.

        Measured: a VXLAN device's packets over IPv6 never do (net/ipv6/ip6_output.c, ip6_fragment).
        """
        vtep = self.tunnel.vtep
        return vtep.local.version == 4 and vtep.options.df is not Df.SET  # noqa: PLR2004


def tight(overlay: Overlay, host: Host) -> Iterator[Tight]:
    """Such tunnels of an overlay: ``mtu = "auto"`` has none, a number may."""
    for tunnel in overlay.tunnels():
        route = host.routes.get(tunnel.address)
        if route is None:
            continue
        fits = route.mtu - OVERHEAD[tunnel.address.version]
        if fits < overlay.bridge.mtu:  # a bound device's own MTU is no larger than fits
            yield Tight(tunnel, fits)
