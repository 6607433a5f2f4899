"""From the configuration and what this machine is, to what this machine should look like."""

from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from vxland import identity
from vxland.addresses import IPAddress, needs_zone
from vxland.clashes import clashes
from vxland.model import Bridge, Desired, Overlay
from vxland.modes import MODES
from vxland.modes.seat import Seat
from vxland.observed import Host
from vxland.peers import families
from vxland.problems import Kind, Problem, Unresolved
from vxland.settings import SHARED, OverlaySettings, PeerSettings, Settings
from vxland.underlay.local import (
    apart_from,
    broadcast_addresses,
    local_addresses,
    most_mtus,
    waited_for,
    without_local,
)
from vxland.underlay.mtu import automatic_mtu
from vxland.underlay.whereabouts import Beyond


class Node(Struct, frozen=True):
    """This machine, as the other peers know it."""

    name: str
    address: IPAddress | None  # its VTEP address, where there is one for all
    peer: PeerSettings | None  # its own entry in the list
    others: tuple[IPAddress, ...] = ()  # that the file, or its name, gives it besides
    apart: frozenset[str] = frozenset()  # peers whose names have no IP version that it has


def identify(
    settings: Settings, addresses: Mapping[str, IPAddress], host: Host, before: str = ""
) -> Node:
    """Which machine this is: by ``[node]``, or by the peer whose address is on an interface.

    While no peer's is, it is the one that it was ``before``, if that is known. Raises Unresolved
    where no peer's address is here, or more than one's.
    """
    wanted = settings.node
    if wanted.name is not None:
        peer = _listed(wanted.name, settings)
        address = wanted.address or addresses.get(wanted.name)
        if peer is None and address is None:
            raise Unresolved(_unknown_name(wanted.name, settings))
        return Node(
            wanted.name, address, peer, tuple(a for n, a in addresses.items() if n == wanted.name)
        )
    here = {local.ip for local in host.addresses}
    if wanted.address is not None:
        here = {wanted.address}
    found = [name for name, address in addresses.items() if address in here]
    if not found and wanted.address is None and before in addresses:
        found = [before]
    if len(found) == 1:
        name = found[0]
        return Node(name, wanted.address or addresses[name], _listed(name, settings))
    raise Unresolved(_not_found(host) if not found else _found_twice(found, addresses))


def _listed(name: str, settings: Settings) -> PeerSettings | None:
    return next((peer for peer in settings.peers if peer.name == name), None)


def _unknown_name(name: str, settings: Settings) -> Problem:
    known = ", ".join(peer.name for peer in settings.peers) or "none"
    return Problem(
        Kind.WAITING,
        f'[node] name = "{name}" is not among the peers ({known}) and no address is given',
        "Add a [[peer]] with this name, or set address in [node] too",
    )


def _not_found(host: Host) -> Problem:
    told = (a for a in host.addresses if not needs_zone(a.ip))  # every interface has such a one
    have = ", ".join(f"{a.ip} on {a.device}" for a in told) or "none"
    return Problem(
        Kind.WAITING,
        f"this machine has none of the peers' addresses; it has: {have}",
        "Nothing, if its address still comes. Otherwise add it as a [[peer]], or say which one it"
        ' is: name = "..." in [node] (and its own address = "..." there, where it is behind NAT)',
    )


def _found_twice(found: list[str], addresses: Mapping[str, IPAddress]) -> Problem:
    which = ", ".join(f"{name} ({addresses[name]})" for name in found)
    return Problem(
        Kind.WAITING,
        f"this machine has the addresses of more than one peer: {which}",
        f'Say which one it is: name = "{found[0]}" in [node]',
    )


def unidentified(settings: Settings) -> Desired:
    """What is wanted before this machine finds itself among the peers: bridges, for its guests.

    Those of overlays that every peer takes part in, of which it will be one. They get a node's MAC
    address and MTU later, before there are tunnels.
    """
    return Desired(
        "",
        tuple(
            Overlay(
                name=overlay.name,
                bridge=_bridge(overlay, "", overlay.mtu or automatic_mtu(None, (), Host())),
                vteps=(),
                guards=overlay.guards,
                prefix=identity.prefix(overlay.schemes),
                reattach=overlay.reattach,
                peers_listed=len(settings.peers),
            )
            for overlay in settings.overlays
            if all(peer.takes_part_in(overlay.name) for peer in settings.peers)
        ),
    )


def resolve(
    settings: Settings,
    addresses: Mapping[str, IPAddress],
    host: Host,
    beyond: Beyond = Beyond(),
) -> Desired:
    """The desired state of this node.

    ``addresses`` are the peers' by name, as far as the peer sources know them. Raises Unresolved
    where this machine isn't found among the peers, or two of its tunnels can't both be.
    """
    if not settings.overlays:
        return Desired("", ())
    node = identify(settings, addresses, host, beyond.before)
    others = (*node.others, *sorted(beyond.mine, key=int))
    node = replace(node, others=others, apart=beyond.apart)
    broadcast = list(_broadcasts(settings, addresses, host))
    if broadcast:
        raise Unresolved(*broadcast)
    overlays = tuple(
        _overlay(overlay, settings, node, addresses, host)
        for overlay in settings.overlays
        if node.peer is None or node.peer.takes_part_in(overlay.name)
    )
    vteps = [vtep for overlay in overlays for vtep in overlay.vteps]
    clashing = tuple(clashes(node.name, vteps))
    if clashing:
        raise Unresolved(*clashing)
    waiting = waited_for(node.address, settings.node, vteps, host)
    return Desired(node.name, overlays, tuple(waiting), _known_by(node, addresses, beyond))


def _known_by(
    node: Node, addresses: Mapping[str, IPAddress], beyond: Beyond
) -> frozenset[IPAddress]:
    """The addresses that the file, or its name, gives this node; none where it isn't listed."""
    listed = {addresses[node.name]} if node.name in addresses else set()
    return frozenset(listed | beyond.mine)


def _broadcasts(
    settings: Settings, addresses: Mapping[str, IPAddress], host: Host
) -> Iterator[Problem]:
    networks = broadcast_addresses(host)
    meant = {name: a for name, a in addresses.items() if a in networks}
    for peer in settings.peers if meant else ():
        if peer.name in meant:
            local = networks[meant[peer.name]]
            yield Problem(
                Kind.REFUSED,
                f"peer {peer.name}: {peer.address} is the broadcast address of"
                f" {local.interface.network} on {local.device}",
                "Write the address of the one machine that is meant",
                peer=peer.name,
            )


def _overlay(
    overlay: OverlaySettings,
    settings: Settings,
    node: Node,
    addresses: Mapping[str, IPAddress],
    host: Host,
) -> Overlay:
    listed = [
        peer
        for peer in settings.peers
        if peer.name != node.name and peer.takes_part_in(overlay.name)
    ]
    off = node.peer is not None and node.peer.disabled
    order = () if off else tuple([peer.name for peer in listed if not peer.disabled])
    apart = {} if overlay.mode == SHARED else {peer.name: peer for peer in _apart(node, listed)}
    known = {name: at for name in order if (at := addresses.get(name)) is not None}
    remotes = {name: known[name] for name in known if name not in apart} if apart else known
    placed = local_addresses((node.address, *node.others), settings.node, remotes, host)
    if len(placed) < len(remotes):
        remotes = {name: remotes[name] for name in placed}
    ways = list(remotes.values())
    if overlay.mode == SHARED and node.address is not None:
        ways.append(node.address)  # others send this way, even where none of them is reached so
    bridges = {one.bridge for one in settings.overlays}
    mtu = overlay.mtu or automatic_mtu(settings.node.interface, ways, host, bridges)
    seat = Seat(
        overlay, node.name, order, remotes, placed, node.address, mtu, most_mtus(placed, host)
    )
    return Overlay(
        name=overlay.name,
        bridge=_bridge(overlay, node.name, mtu),
        vteps=MODES[overlay.mode](seat),
        shared=overlay.mode == SHARED,
        guards=overlay.guards,
        prefix=identity.prefix(overlay.schemes),
        allow_tunnel_ports=overlay.allow_tunnel_ports,
        reattach=overlay.reattach,
        adopt=overlay.adopt,
        ingress=overlay.ingress,
        exclusive=overlay.exclusive,
        peers_listed=len(listed),
        unknown=len(known) < len(order),
        waiting=tuple(
            replace(apart_from(apart[name]), overlay=overlay.name)
            if name in apart
            else _waiting(overlay.name, name, addresses, host)
            for name in order
            if name not in placed
        )
        if len(placed) < len(order)
        else (),
    )


def _bridge(overlay: OverlaySettings, node: str, mtu: int) -> Bridge:
    return Bridge(
        device=overlay.bridge,
        altname=identity.bridge_altname(overlay.name),
        alias=identity.bridge_alias(overlay.name),
        mac=identity.mac(node, overlay.name),
        mtu=mtu,
        addresses=frozenset(overlay.addresses),
    )


def _apart(node: Node, listed: Iterable[PeerSettings]) -> Iterator[PeerSettings]:
    """Peers with no IP version that this machine has: a mesh's device is of one."""
    own = None if node.peer is None else families(node.peer.address)
    for peer in listed:
        if peer.name in node.apart or (own and own.isdisjoint(families(peer.address))):
            yield peer


def _waiting(overlay: str, peer: str, addresses: Mapping[str, IPAddress], host: Host) -> Problem:
    if peer in addresses:
        return without_local(overlay, peer, addresses[peer], host)
    text = f"the address of peer {peer} isn't known yet"
    return Problem(Kind.WAITING, text, "Nothing, if it still comes", overlay=overlay, peer=peer)
