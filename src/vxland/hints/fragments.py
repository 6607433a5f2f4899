"""An MTU larger than the underlay's: outer packets are fragmented, or lost where they aren't."""

from collections.abc import Iterator
from ipaddress import IPv6Address

from vxland.listing import some
from vxland.model import Overlay
from vxland.observed import Host, Observed
from vxland.problems import Kind, Problem
from vxland.underlay.mtu import Tight, fragments, tight

NAMED = 3


def lost_fragments(overlay: Overlay, observed: Observed) -> Iterator[Problem]:
    """One hint for all of an overlay's tunnels."""
    if all(map(fragments, overlay.vteps)):  # mostly: no route has to be looked up then
        return
    lossy = [way for way in tight(overlay, observed.host) if not way.fragments]
    if not lossy:
        return
    fits = min(way.fits for way in lossy)
    version6 = any(isinstance(way.tunnel.address, IPv6Address) for way in lossy)
    why = "over IPv6" if version6 else 'with df = "set"'
    other = "" if version6 else 'df = "unset", or '
    yield Problem(
        Kind.HINT,
        f"the mtu of overlay {overlay.name} is {overlay.bridge.mtu}, and {fits} fit into one packet"
        f" to {_peers(lossy)}. Outer packets aren't fragmented {why}, so what is larger is lost"
        " where its sender isn't told, as with UDP that may be fragmented",
        f'Set {other}mtu = "auto" in overlay {overlay.name}, and {fits} in its guests',
        overlay=overlay.name,
        about="fragments",
    )


def fragmenting(overlay: Overlay, host: Host) -> Iterator[Problem]:
    """What such an MTU means where it works. Told by ``check`` alone, since it may be meant."""
    ways = [way for way in tight(overlay, host) if way.fragments]
    if ways:
        yield Problem(
            Kind.HINT,
            f"the mtu of overlay {overlay.name} is {overlay.bridge.mtu}, and"
            f" {min(way.fits for way in ways)} fit into one packet to {_peers(ways)}: TCP adapts,"
            " and what is larger and may be fragmented goes in several packets, which costs speed",
            f'Nothing, if that is meant (docs/mtu.md). Otherwise mtu = "auto" in {overlay.name}',
            overlay=overlay.name,
        )


def _peers(ways: list[Tight]) -> str:
    return some([way.tunnel.peer for way in ways], NAMED)
