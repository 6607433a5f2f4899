"""What this node should look like: the desired state, as plain values."""

from collections.abc import Iterator
from dataclasses import dataclass

from vxland.addresses import IPAddress, IPInterface
from vxland.problems import Problem
from vxland.settings import VxlanOptions


@dataclass(frozen=True, slots=True)
class Vtep:
    """One VXLAN device: a VXLAN tunnel end point (RFC 7348) and the bridge port it is.

    In a mesh it leads to one peer, which is its remote and its whole flood list.
    """

    overlay: str
    peer: str
    device: str
    altname: str
    alias: str
    mac: str
    vni: int
    port: int
    local: IPAddress
    remote: IPAddress
    mtu: int  # bytes, of the inner packet
    options: VxlanOptions

    @property
    def flood(self) -> frozenset[IPAddress]:
        """The flood list: where broadcast and unknown unicast go (head-end replication)."""
        return frozenset({self.remote})

    @property
    def vni_key(self) -> "VniKey":
        """What the kernel wants to be unique in a namespace (vxlan_vni_in_use)."""
        return VniKey(self.vni, self.port, self.remote.version)


@dataclass(frozen=True, slots=True)
class VniKey:
    """A VNI as the kernel tells devices apart by it: with UDP port and address family."""

    vni: int
    port: int
    family: int  # 4 or 6


@dataclass(frozen=True, slots=True)
class Bridge:
    """An overlay's bridge, as vxland makes it when it is missing."""

    device: str
    altname: str
    alias: str
    mac: str
    mtu: int
    addresses: frozenset[IPInterface]


@dataclass(frozen=True, slots=True)
class Overlay:
    """One Ethernet segment, as far as this node has a part in it."""

    name: str
    bridge: Bridge
    vteps: tuple[Vtep, ...]
    guards: tuple[str, ...]
    prefix: str  # what its devices' names begin with, and no other's should
    allow_tunnel_ports: frozenset[str] = frozenset()
    reattach: bool = False
    waiting: tuple[
        Problem, ...
    ] = ()  # peers whose tunnels can't be laid out yet, and stay as they are
    peers_listed: int = 0  # other peers in the file, disabled ones too: 0 looks like half a file


@dataclass(frozen=True, slots=True)
class Desired:
    """Everything vxland wants of this network namespace."""

    node: str  # empty while this machine doesn't find itself: then only bridges are wanted
    overlays: tuple[Overlay, ...]
    waiting: tuple[Problem, ...] = ()  # what the whole node waits for

    def vteps(self) -> Iterator[Vtep]:
        """Every VTEP of every overlay."""
        for overlay in self.overlays:
            yield from overlay.vteps
