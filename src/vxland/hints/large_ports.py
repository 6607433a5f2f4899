"""Guests whose MTU is larger than the overlay's: what is too large for the tunnels vanishes."""

from collections.abc import Iterator

from vxland.hints.guests import guests_of
from vxland.hints.loop import for_each
from vxland.listing import some
from vxland.model import Overlay
from vxland.observed import Observed
from vxland.ports import Large, foreign_ports
from vxland.problems import Kind, Problem

NAMED = 3
USUALLY = "eth0"  # the name of an interface that can't be seen


def large_ports(overlay: Overlay, observed: Observed) -> Iterator[Problem]:
    """One hint for all of an overlay's ports."""
    large = foreign_ports(overlay, observed).too_large
    if not large:
        return
    mtu = overlay.bridge.mtu
    names = some([f"{each.port.name} ({each.mtu})" for each in large], NAMED)
    known = [guests.mtu for each in large if (guests := guests_of(each.port.name))]
    ways = [way.format(mtu=mtu) for way in dict.fromkeys(known)]
    yield Problem(
        Kind.HINT,
        f"the MTU of guests in bridge {overlay.bridge.device} is larger than the {mtu} of overlay"
        f" {overlay.name}: {names}. Their large packets vanish on the way to other servers",
        f"{_now(large[:NAMED], mtu)}"
        f" For good: {'; '.join(ways) or f'give the guest an MTU of {mtu} where it is configured'}",
        overlay=overlay.name,
        about="mtu",
    )


def _now(large: tuple[Large, ...], mtu: int) -> str:
    """What helps at once. The guest comes first: a smaller port alone would lose its packets."""
    inside = {each.inside.name if each.inside else USUALLY for each in large}
    commands = "; or: ".join(f"ip link set {name} mtu {mtu}" for name in sorted(inside))
    unsure = "" if all(each.inside for each in large) else " (or as its interface is called)"
    ports = [each.port.name for each in large if each.port.mtu > mtu]
    here = f" Then here: {for_each(ports, 'ip link set', f'mtu {mtu}')}." if ports else ""
    return f"Inside the guest: {commands}{unsure}.{here}"
