"""Ports whose MTU is larger than the overlay's: what is too large for the tunnels vanishes."""

from collections.abc import Iterator

from vxland.changes import some
from vxland.hints.guests import guests_of
from vxland.hints.loop import for_each
from vxland.model import Overlay
from vxland.observed import Observed
from vxland.ports import foreign_ports
from vxland.problems import Kind, Problem

NAMED = 3


def large_ports(overlay: Overlay, observed: Observed) -> Iterator[Problem]:
    """One hint for all of an overlay's ports."""
    large = foreign_ports(overlay, observed).too_large
    if not large:
        return
    mtu = overlay.bridge.mtu
    command = for_each([port.name for port in large[:NAMED]], "ip link set", f"mtu {mtu}")
    names = some([f"{port.name} ({port.mtu})" for port in large], NAMED)
    known = [guests.mtu for port in large if (guests := guests_of(port.name))]
    ways = [way.format(mtu=mtu) for way in dict.fromkeys(known)]
    yield Problem(
        Kind.HINT,
        f"the MTU of ports in bridge {overlay.bridge.device} is larger than the {mtu} of overlay"
        f" {overlay.name}: {names}. Their large packets vanish on the way to other servers",
        # The guest first: a port that is smaller than it loses packets, and looks well.
        f"Inside the guest: ip link set eth0 mtu {mtu} (or as its interface is called)."
        f" Then here: {command}."
        f" For good: {'; '.join(ways) or f'give the guest an MTU of {mtu} where it is configured'}",
        overlay=overlay.name,
        about="mtu",
    )
