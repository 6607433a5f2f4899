"""How this machine reaches its peers: from which address, and what is waited for until it can."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cache
from ipaddress import IPv4Interface, IPv6Network

from vxland.addresses import OF_IPV4, IPAddress, are_ipv4, way, zone
from vxland.listing import some
from vxland.model import Tunnel, Vtep
from vxland.observed import Host, LocalAddress, Standing
from vxland.problems import Kind, Problem
from vxland.settings import NodeSettings, PeerSettings
from vxland.underlay.mtu import OVERHEAD

UNIQUE_LOCAL = IPv6Network("fc00::/7")  # RFC 4193
NAMED = 3
POINT_TO_POINT = 2  # addresses of a network without a broadcast address (RFC 3021)


def local_addresses(
    given: Collection[IPAddress | None],
    node: NodeSettings,
    remotes: Mapping[str, IPAddress],
    host: Host,
) -> dict[str, IPAddress]:
    """This machine's address towards each peer, by the peer's name; of none for which none will do.

    ``given`` is what the file and its own host name give it, the best first. Where there is none of
    a peer's family, the route's counts; also where it isn't on any interface, but ``[node]`` says
    which peer this is (behind NAT).
    """
    here = by_address(host)

    @cache
    def near(there: tuple[int, str | None]) -> tuple[list[IPAddress], IPAddress | None]:
        own = [a for a in given if a is not None and way(a) == there]
        return own, next((a for a in own if a == node.address or a in here), None)

    if are_ipv4(remotes.values()) and (sure := near(OF_IPV4)[1]) is not None:
        return dict.fromkeys(remotes, sure)  # as nearly everywhere
    found = {}
    for name, remote in remotes.items():
        own, sure = near(there := way(remote))
        _, device = there
        if device is not None and device not in host.mtus:
            continue
        address = sure or _unsure(own, node, remote, host)
        if address is not None:
            found[name] = address
    return found


def _unsure(
    own: Iterable[IPAddress], node: NodeSettings, remote: IPAddress, host: Host
) -> IPAddress | None:
    """Where none of the ``own`` addresses is on an interface."""
    preferred = None
    if not own or node.name is not None:
        preferred = _preferred(remote, node.interface, host)
    return preferred or next(iter(own), None)


def _preferred(remote: IPAddress, interface: str | None, host: Host) -> IPAddress | None:
    """Of the addresses on the way to a peer the kernel's choice, if no other one lasts longer."""
    route = host.routes.get(remote)
    device = zone(remote) or interface or (route.device if route else None)
    source = route.source if route else None
    candidates = [
        local
        for local in host.addresses
        if way(local.ip) == way(remote)
        and local.ip.is_link_local == remote.is_link_local
        and local.standing <= Standing.PASSING
        and (local.device == device or (local.ip == source and not interface))
    ]

    def rank(local: LocalAddress) -> tuple[int, bool, bool, int, int]:
        other_scope = (local.ip in UNIQUE_LOCAL) != (remote in UNIQUE_LOCAL)
        far = (int(local.ip) ^ int(remote)).bit_length()
        return (local.standing, local.ip != source, other_scope, far, int(local.ip))

    return min(candidates, key=rank).ip if candidates else None


def by_address(host: Host) -> dict[IPAddress, LocalAddress]:
    """The addresses that are on an interface."""
    return {local.ip: local for local in host.addresses}


def broadcast_addresses(host: Host) -> dict[IPAddress, LocalAddress]:
    """The broadcast addresses of this machine's networks, and its own address in each."""
    return {
        local.interface.network.broadcast_address: local
        for local in host.addresses
        if isinstance(local.interface, IPv4Interface)
        and local.interface.network.num_addresses > POINT_TO_POINT
    }


def most_mtus(placed: Mapping[str, IPAddress], host: Host) -> dict[str, int]:
    """The largest MTUs that the kernel lets devices have which are bound to others, by peer.

    ``placed`` are this machine's addresses towards the peers.
    """
    if are_ipv4(placed.values()):
        return {}
    most = {
        local: host.mtus[device] - OVERHEAD[local.version]
        for local in {*placed.values()}
        if (device := zone(local)) is not None
    }
    return {name: most[local] for name, local in placed.items() if local in most}


def apart_from(peer: PeerSettings) -> Problem:
    """What a peer waits for that has no IP version in common with this machine."""
    return Problem(
        Kind.WAITING,
        f"peer {peer.name} ({peer.address}) and this machine have no IP version in common, by their"
        " addresses in the file or what their names stand for",
        "Give both an address of the same version; or one of them a host name that has both, in DNS"
        " or in /etc/hosts of every server",
        peer=peer.name,
    )


def without_local(overlay: str, peer: str, remote: IPAddress, host: Host) -> Problem:
    """What a peer waits for while no address of this machine's will do to reach it."""
    device = zone(remote)
    family = f"IPv{remote.version}"
    text = f"this machine has no {family} address yet to reach peer {peer} ({remote})"
    cure = f"Give it one, or set address in [node] to its {family} VTEP address"
    if device is not None and device not in host.mtus:
        text = f"there is no interface {device} yet to reach peer {peer} ({remote})"
        cure = "Nothing, if it still comes. Otherwise correct what stands behind the %"
    elif device is not None:
        text = f"{device} has no link-local address yet to reach peer {peer} ({remote})"
        cure = f"Nothing, if it still comes. Otherwise see: ip -6 address show dev {device}"
    return Problem(Kind.WAITING, text, cure, overlay=overlay, peer=peer)


def waited_for(
    own: IPAddress | None, node: NodeSettings, vteps: Iterable[Vtep], host: Host
) -> Iterator[Problem]:
    """What has to come until tunnels carry traffic: they are laid out already."""
    vteps = tuple(vteps)
    here = by_address(host)
    used = {vtep.local: None for vtep in vteps if vtep.remotes}
    if not used and own is not None:
        used[own] = None
    for address in used:
        yield from _absent(address, here.get(address))
    if own is not None and node.address is None and own not in here and own not in used:
        yield from _translated(own, node, [*used])
    if node.interface is not None and node.interface not in host.mtus:
        yield Problem(
            Kind.WAITING,
            f"there is no interface {node.interface}, which [node] names",
            "Nothing, if it still comes: until then the routes' devices count. Otherwise correct"
            " interface in [node]",
        )
    if host.unreachable:
        tunnels = (tunnel for vtep in vteps if vtep.local in here for tunnel in vtep.tunnels())
        yield from _without_route(tunnels, host)


def _absent(address: IPAddress, local: LocalAddress | None) -> Iterator[Problem]:
    if local is None:
        yield Problem(
            Kind.WAITING,
            f"this machine's underlay address {address} isn't on any interface yet",
            "Nothing, if it still comes: the tunnels work from that moment on. Otherwise set"
            " address in [node], or correct the peer's",
        )
    elif local.standing is Standing.DUPLICATE:
        yield Problem(
            Kind.WAITING,
            f"this machine's underlay address {address} on {local.device} isn't used, since"
            " another machine on the link has it, too",
            "Give one of the two another address, or take it from the other one; then remove and"
            f" add it here: ip -6 address show dev {local.device} dadfailed",
        )


def _translated(own: IPAddress, node: NodeSettings, used: list[IPAddress]) -> Iterator[Problem]:
    """Where the file doesn't say that this machine is behind NAT, it may be a mistake."""
    instead = [address for address in used if address.version == own.version]
    if instead and node.interface is None:
        yield Problem(
            Kind.HINT,
            f"this machine's underlay address {own} isn't on any interface, so the tunnels go out"
            f" from {some([*map(str, instead)], NAMED)}, as behind NAT",
            "Nothing, if it still comes. Behind NAT set interface in [node] to the device that"
            " leads out, whose address is taken then, or address to the private address itself",
            about="nat",
        )


def _without_route(tunnels: Iterable[Tunnel], host: Host) -> Iterator[Problem]:
    """One problem for each reason: a lost default route is one thing, however many peers."""
    reasons: dict[str, list[Tunnel]] = {}
    for tunnel in tunnels:
        if (reason := host.unreachable.get(tunnel.address)) is not None:
            reasons.setdefault(reason, []).append(tunnel)
    for reason, cut_off in sorted(reasons.items()):
        first = cut_off[0]
        peers = {tunnel.peer: tunnel.address for tunnel in cut_off}
        overlays = {tunnel.vtep.overlay for tunnel in cut_off}
        whom = some([f"{peer} ({address})" for peer, address in peers.items()], NAMED)
        alone = len(peers) == 1
        yield Problem(
            Kind.WAITING,
            f"{reason} to peer{'' if alone else 's'} {whom}",
            "Nothing, if it still comes: the tunnels stay, and work from that moment on. Otherwise"
            f" see: ip route get {first.address} from {first.vtep.local}",
            overlay=first.vtep.overlay if len(overlays) == 1 else "",
            peer=first.peer if alone else "",
            about=f"route: {reason}",
        )
