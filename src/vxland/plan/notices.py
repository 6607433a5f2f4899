"""What a plan says to a person: why something isn't done, or what it means that it is."""

from collections.abc import Iterable, Iterator
from shlex import quote

from vxland.identity import SHARED
from vxland.model import Overlay, Vtep
from vxland.observed import Link, Observed
from vxland.ownership import Mark, own_links
from vxland.ports import foreign_ports
from vxland.problems import Kind, Problem

NAMED = 3  # guests


def idle(observed: Observed) -> Iterable[Problem]:
    """Why nothing is done without overlays."""
    if any(own_links(observed)):
        yield Problem(
            Kind.REFUSED,
            "the configuration has no overlay; what vxland made earlier stays as it is",
            "Write an [[overlay]], or remove what is there: vxland down",
        )
    else:
        yield Problem(
            Kind.HINT,
            "nothing to keep true: no [[overlay]] is configured",
            "Uncomment one and its [[peer]]s in the configuration, see vxland.toml(5)",
        )


def emptied(overlay: Overlay) -> Problem:
    """Why an overlay without peers stays as it is."""
    return Problem(
        Kind.REFUSED,
        f"overlay {overlay.name} has no peers in the configuration; its tunnels stay as they are",
        "Write its [[peer]]s, or remove the overlay with vxland down",
        overlay=overlay.name,
    )


def mode_changes(overlay: Overlay, marks: Iterable[Mark]) -> Iterator[Problem]:
    """What it means that an overlay's devices become one, or the one becomes many.

    ``marks`` are those of vxland's devices.
    """
    peers = {seen.peer for seen in marks if seen.overlay == overlay.name and seen.peer}
    devices = sum((peer in SHARED.values()) is not overlay.shared for peer in peers)
    if not devices:
        return
    old, new = ("mesh", "shared") if overlay.shared else ("shared", "mesh")
    place = "one for all" if overlay.shared else "one for each peer"
    yield Problem(
        Kind.HINT,
        f'overlay {overlay.name} goes from mode = "{old}" to "{new}": this node\'s tunnel'
        f" devices ({devices}) are deleted and {place} takes their place; peers still in the other"
        " mode aren't reached until they are changed too",
        "Change the file on every server, one right after the other",
        overlay=overlay.name,
    )


def lowered(overlay: Overlay, tunnels: Iterable[Link], observed: Observed) -> Iterator[Problem]:
    """What it means that tunnels which are taken over carry smaller packets from then on."""
    mtu = overlay.bridge.mtu
    most = max((link.mtu for link in tunnels), default=0)
    if most <= mtu:
        return
    large = foreign_ports(overlay, observed).too_large
    named = ", ".join(f"{each.port.name} ({each.mtu})" for each in large[:NAMED])
    more = " and others" if len(large) > NAMED else ""
    yield Problem(
        Kind.HINT,
        f"the MTU of overlay {overlay.name} goes from {most} down to {mtu} as its tunnels are taken"
        " over: what guests send in larger packets passes now, and is lost then"
        f"{f'; such guests: {named}{more}' if named else ''}",
        f"To keep it: mtu = {most} in overlay {overlay.name}, on every server. Else give the guests"
        f" an MTU of {mtu} before",
        overlay=overlay.name,
    )


def unguarded(overlay: Overlay, vtep: Vtep) -> Problem:
    """Why the second tunnel port of an overlay without a guard stays down."""
    return Problem(
        Kind.GUARD,
        f"overlay {overlay.name} has guard = [] and peers of both IPv4 and IPv6, so two tunnel"
        f" ports that could loop frames: {vtep.device} stays down",
        'Give it one: guard = ["isolated"]',
        overlay=overlay.name,
        peer=vtep.peer,
        device=vtep.device,
    )


def hazard(overlay: Overlay, link: Link) -> Problem:
    """What a tunnel of somebody's in the bridge means."""
    bridge = overlay.bridge.device
    return Problem(
        Kind.HAZARD,
        f"{link.name} ({link.kind}) in bridge {bridge} is a tunnel that isn't vxland's: frames"
        " could loop, so vxland's ports there are down",
        f"Take it out (ip link set {quote(link.name)} nomaster), or, if it can't loop, allow it:"
        f' allow_tunnel_ports = ["{link.name}"] in overlay {overlay.name}',
        overlay=overlay.name,
        device=link.name,
    )
