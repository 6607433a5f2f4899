"""Addresses that a name may well have, and that no tunnel of this machine's can lead to."""

from collections.abc import Callable

from vxland.addresses import IPAddress
from vxland.observed import Host
from vxland.settings import PeerSettings, Settings
from vxland.underlay.local import broadcast_addresses

Doubt = Callable[[PeerSettings, IPAddress], str | None]  # what is wrong with it; None: nothing


def doubts(settings: Settings, host: Host) -> Doubt:
    """What to ask of each address of each peer, on this machine as it is.

    Servers often have their addresses in the overlay under the same name: there the tunnels would
    lead through themselves. As in routing, the longest network counts of those that are here.
    """
    broadcast = frozenset(broadcast_addresses(host))
    bridges = {overlay.bridge: overlay.name for overlay in settings.overlays}
    inner = {(address.network, o.name) for o in settings.overlays for address in o.addresses}
    outer = set()
    for local in host.addresses:
        if local.device in bridges:
            inner.add((local.interface.network, bridges[local.device]))
        else:
            outer.add(local.interface.network)

    def doubt(peer: PeerSettings, address: IPAddress) -> str | None:
        if address in broadcast:
            return "a broadcast address of this machine's"
        within = [(n, o) for n, o in inner if address in n and peer.takes_part_in(o)]
        if not within:
            return None
        network, overlay = max(within, key=lambda found: found[0].prefixlen)
        if any(address in other and other.prefixlen >= network.prefixlen for other in outer):
            return None
        return f"in the network {network} of overlay {overlay} itself"

    return doubt
