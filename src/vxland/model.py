"""What this node should look like: the desired state, as plain values."""

from collections.abc import Iterator

from msgspec import Struct
from msgspec.structs import replace

from vxland.addresses import IPAddress, IPInterface, unzoned, zone
from vxland.identity import IPV4, SHARED
from vxland.problems import Problem
from vxland.settings import VxlanOptions


class Remote(Struct, frozen=True):
    """A peer's VTEP, as the others reach it."""

    peer: str
    address: IPAddress


class Vtep(Struct, frozen=True):
    """One VXLAN device: a VXLAN tunnel end point (RFC 7348) and the bridge port it is.

    In a mesh it leads to one peer, which is its remote and its whole flood list. A shared one has
    no remote (``ip link`` calls it so) but a flood list, of peers of one address family. A peer
    has a second, quiet one where a mesh has two schemes of VNIs.
    """

    overlay: str
    peer: str  # whom it stands for: in shared mode one of identity.SHARED
    device: str
    altname: str
    alias: str
    mac: str
    vni: int
    port: int
    local: IPAddress
    remotes: tuple[Remote, ...]  # in a mesh exactly one
    mtu: int  # bytes, of the inner packet
    options: VxlanOptions
    common: bool = False  # any peer of the overlay may send to it: positions differ, node by node
    off: frozenset[str] = frozenset()  # flags of its bridge port that are on in a new one

    @property
    def quiet(self) -> bool:
        """Whether it is a peer's second one: it takes what comes, and nothing is flooded to it."""
        return bool(self.off)

    @property
    def shared(self) -> bool:
        """Whether it is one device for all peers."""
        return self.peer in SHARED.values()

    @property
    def remote(self) -> IPAddress | None:
        """Where it leads if it leads to one peer; a shared one has no remote."""
        return None if self.shared else self.remotes[0].address

    @property
    def flood(self) -> frozenset[IPAddress]:
        """The flood list: where broadcast and unknown unicast go (head-end replication)."""
        return frozenset(remote.address for remote in self.remotes)

    @property
    def outer(self) -> list[IPAddress]:
        """Its remotes' addresses as packets have them, which is without a zone."""
        addresses = [remote.address for remote in self.remotes]
        return addresses if self.local.version == IPV4 else [*map(unzoned, addresses)]

    @property
    def underlay(self) -> str | None:
        """The device that it is bound to: the zone of its addresses, if they are link-local."""
        return zone(self.local)

    @property
    def vni_key(self) -> "VniKey":
        """What the kernel wants to be unique in a namespace (vxlan_vni_in_use)."""
        return VniKey(self.vni, self.port, self.local.version, self.underlay)

    def tunnels(self) -> "Iterator[Tunnel]":
        """What leads to a peer each, in the file's order: nothing that is quiet."""
        remotes = () if self.quiet else self.remotes
        return (Tunnel(self, remote.peer, remote.address) for remote in remotes)


class Tunnel(Struct, frozen=True):
    """What leads to one peer: in a mesh a whole device, else one entry in its flood list."""

    vtep: Vtep
    peer: str
    address: IPAddress

    @property
    def key(self) -> tuple[str, str]:
        """What it is known by, whatever its device: overlay and peer."""
        return self.vtep.overlay, self.peer


class VniKey(Struct, frozen=True):
    """A VNI as the kernel tells devices apart by it: with UDP port and address family.

    Link-local ones have an interface of their own besides. One that has none meets them all: the
    kernel lets them be made after it, but not it after them, and what arrives is either's.
    """

    vni: int
    port: int
    family: int  # 4 or 6
    zone: str | None = None

    @property
    def everywhere(self) -> "VniKey":
        """The same without an interface."""
        return self if self.zone is None else replace(self, zone=None)

    def clashes(self, other: "VniKey") -> bool:
        """Whether there can't be both."""
        zones = {self.zone, other.zone}
        return self.everywhere == other.everywhere and (None in zones or len(zones) == 1)


class Bridge(Struct, frozen=True):
    """An overlay's bridge, as vxland makes it when it is missing."""

    device: str
    altname: str
    alias: str
    mac: str
    mtu: int
    addresses: frozenset[IPInterface]


class Overlay(Struct, frozen=True):
    """One Ethernet segment, as far as this node has a part in it."""

    name: str
    bridge: Bridge
    vteps: tuple[Vtep, ...]
    guards: tuple[str, ...]
    prefix: str  # what its devices' names begin with, and no other's should
    allow_tunnel_ports: frozenset[str] = frozenset()
    reattach: bool = False
    adopt: bool = False  # matching devices that something else made are taken over
    ingress: bool = True  # packets with its VNIs are taken from its peers alone
    exclusive: bool = False  # so are all others that come to its UDP port
    shared: bool = False  # one VTEP for all peers of a family
    # Of peers whose tunnels can't be laid out yet, and stay as they are.
    waiting: tuple[Problem, ...] = ()
    unknown: bool = False  # some peer's address isn't known, so that what leads there may be its
    peers_listed: int = 0  # other peers in the file, disabled ones too: 0 looks like half a file

    @property
    def unsettled(self) -> frozenset[str]:
        """Whom VTEPs stand for that can't be laid out yet, so that what there is of them stays."""
        if not self.shared:
            return frozenset(problem.peer for problem in self.waiting)
        wanted = (vtep.peer for vtep in self.vteps)
        return frozenset(SHARED.values()).difference(wanted) if self.waiting else frozenset()

    @property
    def filtered(self) -> bool:
        """Whether it can be told who its packets should come from.

        In shared mode a peer that is known by an address of one IP version, and knows this node by
        one of the other, sends from one that nobody wrote.
        """
        return self.ingress and not self.mixed

    @property
    def mixed(self) -> bool:
        """Whether it is shared over both IP versions."""
        return self.shared and len(self.vteps) > 1

    def tunnels(self) -> Iterator[Tunnel]:
        """Its tunnels, one for each peer."""
        for vtep in self.vteps:
            yield from vtep.tunnels()


class Desired(Struct, frozen=True):
    """Everything vxland wants of this network namespace."""

    node: str  # empty while this machine doesn't find itself: then only bridges are wanted
    overlays: tuple[Overlay, ...]
    waiting: tuple[Problem, ...] = ()  # what the whole node waits for
    known_by: frozenset[IPAddress] = frozenset()  # addresses that the other peers send to

    def vteps(self) -> Iterator[Vtep]:
        """Every VTEP of every overlay."""
        for overlay in self.overlays:
            yield from overlay.vteps

    def tunnels(self) -> Iterator[Tunnel]:
        """Every tunnel of every overlay: one for each overlay and peer."""
        for overlay in self.overlays:
            yield from overlay.tunnels()
