"""An overlay's bridge: made if missing, kept true where it is vxland's, else used as it is."""

from collections.abc import Iterator
from ipaddress import IPv6Interface
from shlex import quote

from msgspec import Struct

from vxland.model import Overlay
from vxland.observed import Link, Observed
from vxland.operations import (
    AddAddress,
    AddAltname,
    CreateBridge,
    Operation,
    RaiseBridge,
    Reattach,
    Rename,
    SetAlias,
    SetMac,
    SetMtu,
    TakeDown,
)
from vxland.ownership import Mark, is_own, kept_mac, mark
from vxland.plan.addresses import kept, removals, taken_along
from vxland.plan.memory import Memory
from vxland.plan.obstacles import Register
from vxland.problems import Kind, Problem


class BridgePlan(Struct, frozen=True):
    """What is to be done about a bridge; ``usable`` says whether ports may be attached to it."""

    operations: tuple[Operation, ...]
    problems: tuple[Problem, ...]
    usable: bool
    link: Link | None  # the device that is the bridge, under whatever name


def plan_bridge(
    overlay: Overlay,
    observed: Observed,
    memory: Memory,
    register: Register,
    reserved: frozenset[str],
) -> BridgePlan:
    """Make the bridge, or mend it, or say why neither. ``reserved`` are all overlays' bridges."""
    bridge = overlay.bridge
    holder = register.name_holder(bridge.device)
    if holder is not None and (holder.kind != "bridge" or holder.name != bridge.device):
        if register.obstacle(bridge.device):
            problem = _taken(overlay, holder, bridge.device)
            return BridgePlan((), (problem,), usable=False, link=None)
        holder = None  # one of vxland's other devices, which loses the name in this plan
    returns = tuple(_reattachments(overlay, observed, memory))
    hints = tuple(_absentees(overlay, observed, memory))
    if holder is not None and not is_own(holder):
        operations = (*_addresses(overlay, holder, observed), *returns)
        problems = (*_waits(overlay, holder), *hints, *_kept(overlay, holder, observed))
        return BridgePlan(operations, problems, usable=True, link=holder)
    if holder is None:
        holder = _misnamed(overlay, observed, reserved)
    altname_holder = register.foreign(bridge.altname)
    if altname_holder is not None:
        problem = _taken(overlay, altname_holder, bridge.altname)
        return BridgePlan((), (problem,), usable=False, link=None)
    if holder is None:
        return BridgePlan((*_creation(overlay), *returns), hints, usable=True, link=None)
    operations = (*_repairs(overlay, holder, observed), *returns)
    problems = (*hints, *_kept(overlay, holder, observed))
    return BridgePlan(operations, problems, usable=True, link=holder)


def _misnamed(overlay: Overlay, observed: Observed, reserved: frozenset[str]) -> Link | None:
    """This overlay's own bridge under another name, unless another overlay wants it by that."""
    wanted = Mark(overlay.name)
    return next(
        (
            link
            for name, link in sorted(observed.links.items())
            if link.kind == "bridge" and mark(link) == wanted and name not in reserved
        ),
        None,
    )


def _taken(overlay: Overlay, holder: Link, name: str) -> Problem:
    what = f"a {holder.kind} device" if holder.kind else "a device"
    kind, whose = Kind.CONFLICT, "that isn't vxland's"
    if is_own(holder):
        kind, whose = Kind.WAITING, "that stays as it is for the reason given with it"
    return Problem(
        kind,
        f"the name {name}, wanted for the bridge of overlay {overlay.name}, is held by {what}"
        f" ({holder.name}) {whose}",
        f"Give the overlay another bridge, or remove it: ip link del {quote(holder.name)}",
        overlay=overlay.name,
        device=holder.name,
    )


def _waits(overlay: Overlay, holder: Link) -> Iterator[Problem]:
    if not holder.up:
        yield Problem(
            Kind.WAITING,
            f"bridge {holder.name} is down, and vxland didn't make it, so leaves it as it is",
            f"Set it up: ip link set {holder.name} up",
            overlay=overlay.name,
            device=holder.name,
        )


def _creation(overlay: Overlay) -> Iterator[Operation]:
    bridge = overlay.bridge
    yield CreateBridge(overlay.name, bridge.device, bridge)
    yield SetAlias(overlay.name, bridge.device, bridge.alias)
    yield AddAltname(overlay.name, bridge.device, bridge.altname)
    # Once set, the MTU no longer follows the ports' (net/bridge/br_device.c, br_change_mtu).
    yield SetMtu(overlay.name, bridge.device, bridge.mtu)
    for address in sorted(bridge.addresses, key=str):
        yield AddAddress(overlay.name, bridge.device, address)
    yield RaiseBridge(overlay.name, bridge.device)


def _repairs(overlay: Overlay, link: Link, observed: Observed) -> Iterator[Operation]:
    bridge = overlay.bridge
    name = overlay.name
    if link.name != bridge.device:
        if link.up:
            yield TakeDown(name, link.name)
        yield Rename(name, link.name, bridge.device)
    if link.alias != bridge.alias:
        yield SetAlias(name, bridge.device, bridge.alias)
    if bridge.altname not in link.altnames:
        yield AddAltname(name, bridge.device, bridge.altname)
    mac = kept_mac(link, bridge.altname) or bridge.mac
    if link.mac != mac:
        yield SetMac(name, bridge.device, mac)
    if link.mtu != bridge.mtu:
        yield SetMtu(name, bridge.device, bridge.mtu)
    yield from _addresses(overlay, link, observed)
    if not link.up or link.name != bridge.device:
        yield RaiseBridge(name, bridge.device)


def _addresses(overlay: Overlay, link: Link, observed: Observed) -> Iterator[Operation]:
    wanted = overlay.bridge.addresses
    present = observed.addresses.get(link.name, frozenset())
    going = [*removals(overlay.name, link.name, present, wanted)]
    yield from going
    if not wanted:  # as in most bridges; of the others each address is looked at
        return
    # Taken down to be renamed, it loses its IPv6 addresses (net/ipv6/addrconf.c, addrconf_ifdown).
    goes_down = link.up and link.name != overlay.bridge.device
    leaving = [operation.address for operation in going]
    staying = {
        address.interface
        for address in present
        if not (goes_down and isinstance(address.interface, IPv6Interface))
        and not taken_along(address.interface, leaving)
    }
    for interface in sorted(wanted - staying, key=str):
        yield AddAddress(overlay.name, overlay.bridge.device, interface)


def _kept(overlay: Overlay, link: Link, observed: Observed) -> Iterator[Problem]:
    present = observed.addresses.get(link.name, frozenset())
    return kept(overlay.name, link.name, present, overlay.bridge.addresses)


def _homeless(overlay: Overlay, observed: Observed, memory: Memory) -> Iterator[str]:
    """Others' ports that were in this bridge before it went. A tunnel among them could loop."""
    for port in sorted(memory.homeless.get(overlay.bridge.device, frozenset())):
        link = observed.links.get(port)
        allowed = port in overlay.allow_tunnel_ports
        if link is not None and link.master is None and (allowed or not link.is_tunnel):
            yield port


def _reattachments(overlay: Overlay, observed: Observed, memory: Memory) -> Iterator[Operation]:
    if overlay.reattach:
        for port in _homeless(overlay, observed, memory):
            yield Reattach(overlay.name, port, overlay.bridge.device)


def _absentees(overlay: Overlay, observed: Observed, memory: Memory) -> Iterator[Problem]:
    if overlay.reattach:
        return
    bridge = overlay.bridge.device
    for port in _homeless(overlay, observed, memory):
        yield Problem(
            Kind.HINT,
            f"{port} was in bridge {bridge} before that was deleted and made again",
            f"Put it back: ip link set {port} master {bridge}"
            f" (or let vxland do it: reattach = true in overlay {overlay.name})",
            overlay=overlay.name,
            device=port,
        )
