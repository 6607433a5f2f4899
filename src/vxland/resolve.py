"""From the configuration and what this machine is, to what this machine should look like."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Interface

from vxland import identity
from vxland.addresses import IPAddress
from vxland.model import Bridge, Desired, Overlay
from vxland.modes import MODES
from vxland.modes.seat import Seat
from vxland.mtu import automatic_mtu
from vxland.observed import Host, LocalAddress
from vxland.problems import Kind, Problem
from vxland.settings import SHARED, OverlaySettings, PeerSettings, Settings

POINT_TO_POINT = 2  # addresses of a network without a broadcast address (RFC 3021)


class Unresolved(Exception):  # noqa: N818 - a state, not a fault
    """The configuration is valid, but it doesn't say what this machine is to be."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Node:
    """This machine, as the other peers know it."""

    name: str
    address: IPAddress | None  # its VTEP address, where there is one for all
    peer: PeerSettings | None  # its own entry in the list


def identify(settings: Settings, addresses: Mapping[str, IPAddress], host: Host) -> Node:
    """Which machine this is: by ``[node]``, or by the peer whose address is on an interface.

    Raises Unresolved where no peer's address is here, or more than one's.
    """
    wanted = settings.node
    peers = {peer.name: peer for peer in settings.peers}
    if wanted.name is not None:
        peer = peers.get(wanted.name)
        address = wanted.address or addresses.get(wanted.name)
        if peer is None and address is None:
            raise Unresolved(_unknown_name(wanted.name, settings))
        return Node(wanted.name, address, peer)
    here = {local.interface.ip for local in host.addresses}
    if wanted.address is not None:
        here = {wanted.address}
    found = [name for name, address in addresses.items() if address in here]
    if len(found) == 1:
        return Node(found[0], wanted.address or addresses[found[0]], peers[found[0]])
    raise Unresolved(_not_found(host) if not found else _found_twice(found, addresses))


def _unknown_name(name: str, settings: Settings) -> Problem:
    known = ", ".join(peer.name for peer in settings.peers) or "none"
    return Problem(
        Kind.WAITING,
        f'[node] name = "{name}" is not among the peers ({known}) and no address is given',
        "Add a [[peer]] with this name, or set address in [node] too",
    )


def _not_found(host: Host) -> Problem:
    have = ", ".join(f"{a.interface.ip} on {a.device}" for a in host.addresses) or "none"
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
                prefix=identity.prefix(overlay.vni),
                reattach=overlay.reattach,
                peers_listed=len(settings.peers),
            )
            for overlay in settings.overlays
            if all(peer.takes_part_in(overlay.name) for peer in settings.peers)
        ),
    )


def resolve(settings: Settings, addresses: Mapping[str, IPAddress], host: Host) -> Desired:
    """The desired state of this node.

    ``addresses`` are the peers' by name, as far as the peer sources know them. Raises Unresolved
    where this machine isn't found among the peers.
    """
    if not settings.overlays:
        return Desired("", ())
    node = identify(settings, addresses, host)
    broadcast = list(_broadcasts(settings, addresses, host))
    if broadcast:
        raise Unresolved(*broadcast)
    return Desired(
        node.name,
        tuple(
            _overlay(overlay, settings, node, addresses, host)
            for overlay in settings.overlays
            if node.peer is None or node.peer.takes_part_in(overlay.name)
        ),
        tuple(_absent(node, host)),
    )


def _absent(node: Node, host: Host) -> Iterator[Problem]:
    """What has to come until tunnels carry traffic: they are laid out with that address already."""
    here = {local.interface.ip for local in host.addresses}
    if node.address is not None and node.address not in here:
        yield Problem(
            Kind.WAITING,
            f"this machine's underlay address {node.address} isn't on any interface yet",
            "Nothing, if it still comes: the tunnels work from that moment on. Otherwise set"
            " address in [node], or correct the peer's",
        )


def broadcast_addresses(host: Host) -> dict[IPAddress, LocalAddress]:
    """The broadcast addresses of this machine's networks, and its own address in each."""
    return {
        local.interface.network.broadcast_address: local
        for local in host.addresses
        if isinstance(local.interface, IPv4Interface)
        and local.interface.network.num_addresses > POINT_TO_POINT
    }


def _broadcasts(
    settings: Settings, addresses: Mapping[str, IPAddress], host: Host
) -> Iterator[Problem]:
    networks = broadcast_addresses(host)
    for peer in settings.peers:
        local = networks.get(addresses.get(peer.name))  # type: ignore[arg-type]
        if local is not None:
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
    order = tuple(peer.name for peer in listed if not peer.disabled and not off)
    remotes = {name: addresses[name] for name in order if name in addresses}
    locals_ = {name: _local(node, remote, host) for name, remote in remotes.items()}
    placed = {name: local for name, local in locals_.items() if local is not None}
    remotes = {name: remotes[name] for name in placed}
    ways = list(remotes.values())
    if overlay.mode == SHARED and node.address is not None:
        ways.append(node.address)  # others send this way, even where none of them is reached so
    mtu = overlay.mtu or automatic_mtu(settings.node.interface, ways, host)
    seat = Seat(overlay, node.name, order, remotes, placed, node.address, mtu)
    return Overlay(
        name=overlay.name,
        bridge=_bridge(overlay, node.name, mtu),
        vteps=MODES[overlay.mode](seat),
        shared=overlay.mode == SHARED,
        guards=overlay.guards,
        prefix=identity.prefix(overlay.vni),
        allow_tunnel_ports=overlay.allow_tunnel_ports,
        reattach=overlay.reattach,
        peers_listed=len(listed),
        waiting=tuple(
            _waiting(overlay.name, name, addresses) for name in order if name not in placed
        ),
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


def _local(node: Node, remote: IPAddress, host: Host) -> IPAddress | None:
    """This node's address towards a peer: its own, or, in the other family, the route's."""
    if node.address is not None and node.address.version == remote.version:
        return node.address
    route = host.routes.get(remote)
    candidates = sorted(
        local.interface.ip
        for local in host.addresses
        if local.interface.version == remote.version
        and not local.interface.ip.is_link_local
        and route
        and local.device == route.device
    )
    return candidates[0] if candidates else None


def _waiting(overlay: str, peer: str, addresses: Mapping[str, IPAddress]) -> Problem:
    if peer in addresses:
        family = f"IPv{addresses[peer].version}"
        text = f"this machine has no {family} address yet to reach peer {peer} ({addresses[peer]})"
        cure = f"Give it one, or set address in [node] to its {family} VTEP address"
    else:
        text, cure = (
            f"the address of peer {peer} isn't known yet",
            "Nothing, if it still comes",
        )
    return Problem(Kind.WAITING, text, cure, overlay=overlay, peer=peer)
