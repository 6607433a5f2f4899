"""A wanted VTEP against the device that stands for it, if one does."""

from collections.abc import Iterator
from itertools import repeat

from msgspec import Struct
from msgspec.structs import replace

from vxland.addresses import NOWHERE
from vxland.guards.isolated import NAME as ISOLATED
from vxland.identity import HIGHEST
from vxland.model import Overlay, Vtep
from vxland.observed import Host, Link, Observed, VxlanState
from vxland.operations import (
    AddAltname,
    AppendFlood,
    Attach,
    BringUp,
    ClearFlag,
    CreateVtep,
    DeleteAbroad,
    DeleteLink,
    Guarding,
    NoLinkLocal,
    Operation,
    RemoveAddress,
    Rename,
    ResetFlag,
    SetAlias,
    SetLocal,
    SetMac,
    SetMtu,
    SetOption,
    SetRemote,
    TakeDown,
)
from vxland.ownership import is_own
from vxland.plan.forwarding import plan_forwarding
from vxland.plan.recreation import needs_recreation

IPV6_MINIMUM_MTU = 1280  # RFC 8200, section 5


class Place(Struct, frozen=True):
    """Where a VTEP is to be: its overlay, and whether it may forward there now."""

    overlay: Overlay
    bridge_now: str | None  # the bridge's name before this plan; None: it isn't there yet
    open: bool = True  # False: something keeps the port down


def plan_vtep(
    vtep: Vtep, link: Link | None, place: Place, observed: Observed
) -> Iterator[Operation]:
    """What makes the device what it should be; the guards' own operations are theirs."""
    if link is not None and _is_attached(link, place) and _lends_its_mac(link, observed):
        vtep = replace(vtep, mac=link.mac)
    if link is None:
        yield from _abroad(vtep, observed)
        yield from _creation(vtep, place)
    elif link.vxlan is None or needs_recreation(vtep, link, observed.host):
        yield from _abroad(vtep, observed)
        yield DeleteLink(vtep.overlay, link.name)
        yield from _creation(vtep, place)
    else:
        live = observed.host.renames_live
        yield from _repairs(vtep, link, link.vxlan, place, live=live)
        yield from _no_addresses(vtep, link, observed)
        entries = observed.fdb.get(link.name, frozenset())
        complete = not (vtep.shared and place.overlay.unknown)
        yield from plan_forwarding(vtep, link.vxlan, entries, complete=complete)
        yield from _state(vtep, link, place, live=live)


def stays_in_place(vtep: Vtep, link: Link | None, place: Place, host: Host) -> bool:
    """Whether the device goes on as the port it is, so that its port flags are kept."""
    return link is not None and not needs_recreation(vtep, link, host) and _is_attached(link, place)


def _is_attached(link: Link, place: Place) -> bool:
    return link.master is not None and link.master == place.bridge_now


def _lends_its_mac(link: Link, observed: Observed) -> bool:
    """Whether somebody's bridge has, as far as can be seen, its MAC address from this port.

    It may be the server's own one, by which a switch or a hosting company knows it. One that is as
    high as vxland's is but some tunnel's.
    """
    bridge = observed.links.get(link.master or "")
    if bridge is None or is_own(bridge):
        return False
    return bridge.mac == link.mac < f"{HIGHEST:x}"


def _abroad(vtep: Vtep, observed: Observed) -> Iterator[Operation]:
    for device in observed.abroad or ():
        if device.alias == vtep.alias or device.key.clashes(vtep.vni_key):
            yield DeleteAbroad(vtep.overlay, device.name, device)


def _creation(vtep: Vtep, place: Place) -> Iterator[Operation]:
    name, device = vtep.overlay, vtep.device
    yield CreateVtep(name, device, vtep)
    yield SetAlias(name, device, vtep.alias)
    yield AddAltname(name, device, vtep.altname)
    yield NoLinkLocal(name, device)
    yield Attach(name, device, place.overlay.bridge.device)
    yield from _flags(vtep, frozenset())
    if vtep.shared:  # with a remote the kernel makes the one entry itself
        addresses = (remote.address for remote in vtep.remotes)
        yield from map(AppendFlood, repeat(name), repeat(device), addresses)
    if place.open:
        yield _up(vtep, place)


def _repairs(
    vtep: Vtep, link: Link, state: VxlanState, place: Place, *, live: bool
) -> Iterator[Operation]:
    name, device = vtep.overlay, vtep.device
    if _must_go_down(vtep, link, place, live=live):
        yield TakeDown(name, link.name)
    if link.name != device:
        yield Rename(name, link.name, device)
    yield from _marks(vtep, link)
    if link.mac != vtep.mac:
        yield SetMac(name, device, vtep.mac)
    if link.mtu != vtep.mtu:
        yield SetMtu(name, device, vtep.mtu)
    if link.link_local or _regains_ipv6(vtep, link):
        yield NoLinkLocal(name, device)
    yield from _outer(vtep, state)
    if not _is_attached(link, place):
        yield Attach(name, device, place.overlay.bridge.device)
        yield from _flags(vtep, frozenset())  # a new port's
    else:
        yield from _flags(vtep, link.odd_flags)


def _flags(vtep: Vtep, odd: frozenset[str]) -> Iterator[Operation]:
    """A new port's, but for what is off where it is quiet."""
    if odd == vtep.off:
        return
    for flag in sorted(odd - vtep.off):
        yield ResetFlag(vtep.overlay, vtep.device, flag)
    for flag in sorted(vtep.off - odd):
        yield ClearFlag(vtep.overlay, vtep.device, flag)


def _no_addresses(vtep: Vtep, link: Link, observed: Observed) -> Iterator[Operation]:
    """A tunnel that was up while the kernel was to give it IPv6 addresses keeps them."""
    for address in sorted(observed.addresses.get(link.name, frozenset()), key=str):
        if address.automatic:
            yield RemoveAddress(vtep.overlay, link.name, address.interface)


def _marks(vtep: Vtep, link: Link) -> Iterator[Operation]:
    if link.alias != vtep.alias:
        yield SetAlias(vtep.overlay, vtep.device, vtep.alias)
    if vtep.altname not in link.altnames:
        yield AddAltname(vtep.overlay, vtep.device, vtep.altname)


def _outer(vtep: Vtep, state: VxlanState) -> Iterator[Operation]:
    """What the outer packets carry."""
    if state.remote != vtep.remote:
        nowhere = NOWHERE[vtep.local.version]
        yield SetRemote(vtep.overlay, vtep.device, vtep.remote or nowhere)
    if state.local != vtep.local:
        yield SetLocal(vtep.overlay, vtep.device, vtep.local)
    yield from _options(vtep, state)


def _options(vtep: Vtep, state: VxlanState) -> Iterator[Operation]:
    wanted, actual = vtep.options, state.options
    pairs = {
        "ttl": (wanted.ttl, actual.ttl),
        "tos": (wanted.tos, actual.tos),
        "df": (wanted.df.value, actual.df.value),
        "ageing": (wanted.ageing, actual.ageing),
        "learning": (int(wanted.learning), int(actual.learning)),
    }
    for option, (want, have) in pairs.items():
        if want != have:
            yield SetOption(vtep.overlay, vtep.device, option, want)


def _must_go_down(vtep: Vtep, link: Link, place: Place, *, live: bool) -> bool:
    """Whether something can't be put right while it is up.

    Its name can where the kernel renames ``live``, and a guard that doesn't go by names holds.
    """
    named = link.name == vtep.device or (
        live and link.isolated and ISOLATED in place.overlay.guards
    )
    settled = named and _is_attached(link, place)
    return link.up and not (place.open and settled and not _regains_ipv6(vtep, link))


def _regains_ipv6(vtep: Vtep, link: Link) -> bool:
    """Whether the MTU to come gives it IPv6 again, and, if it is up, a link-local address."""
    return link.mtu < IPV6_MINIMUM_MTU <= vtep.mtu


def _state(vtep: Vtep, link: Link, place: Place, *, live: bool) -> Iterator[Operation]:
    if place.open and (not link.up or _must_go_down(vtep, link, place, live=live)):
        yield _up(vtep, place)


def _up(vtep: Vtep, place: Place) -> Operation:
    return BringUp(vtep.overlay, vtep.device, Guarding(vtep.device, place.overlay.guards))
