"""What the kernel holds: the actual state, as plain values without interface indexes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum, IntEnum
from ipaddress import IPv4Address

from vxland.addresses import IPAddress, IPInterface, zone, zoned
from vxland.model import VniKey
from vxland.settings import VxlanOptions

# Kinds of links (IFLA_INFO_KIND) that lead to another machine's segment.
# A guest's tap or veth is not among them.
TUNNEL_KINDS = frozenset(
    {"vxlan", "geneve", "gretap", "ip6gretap", "erspan", "ip6erspan", "batadv", "bareudp"}
)

# The flags of a bridge port (ip-link(8), bridge_slave) and what the kernel gives a new port.
PORT_FLAGS = {
    "hairpin": False,
    "guard": False,
    "root_block": False,
    "fastleave": False,
    "learning": True,
    "flood": True,
    "proxy_arp": False,
    "mcast_flood": True,
    "mcast_to_unicast": False,
    "vlan_tunnel": False,
    "bcast_flood": True,
    "neigh_suppress": False,
    "locked": False,
}

NULL_MAC = "00:00:00:00:00:00"  # the FDB's key for the flood list


@dataclass(frozen=True, slots=True)
class VxlanState:
    """A VXLAN device's own attributes (IFLA_VXLAN_*)."""

    vni: int
    port: int
    local: IPAddress | None
    remote: IPAddress | None
    options: VxlanOptions
    underlay: str | None = None  # the device it was bound to with ``dev``
    plain: bool = True  # none of external, gbp, gpe, proxy, vnifilter: a VTEP as vxland makes them
    zero_csum6: bool = False  # outer UDP over IPv6 without checksums sent, or taken (RFC 6935)

    @property
    def key(self) -> VniKey:
        """The VNI as the kernel tells devices apart by it."""
        address = self.remote or self.local or IPv4Address(0)
        return VniKey(self.vni, self.port, address.version, zone(address))


@dataclass(frozen=True, slots=True)
class Link:
    """One network device of this namespace."""

    name: str
    kind: str | None = None
    alias: str = ""
    altnames: frozenset[str] = frozenset()
    group: int = 0
    mac: str = ""
    mtu: int = 1500
    up: bool = False  # administratively
    running: bool = False  # operationally
    master: str | None = None
    lower: str | None = None  # the device this one sits on: a VLAN's, a macvlan's
    isolated: bool = False  # bridge port flag
    odd_flags: frozenset[str] = frozenset()  # other port flags that aren't the kernel's default
    link_local: bool = True  # the kernel gives it an IPv6 link-local address
    vxlan: VxlanState | None = None

    @property
    def is_tunnel(self) -> bool:
        """Whether frames that go out here arrive at another machine."""
        return self.kind in TUNNEL_KINDS


@dataclass(frozen=True, slots=True)
class FdbEntry:
    """A VXLAN device's own forwarding entry: frames for this MAC go to this VTEP (bridge(8))."""

    mac: str
    destination: IPAddress
    static: bool = True  # not learnt from traffic
    port: int | None = None  # where they differ from the device's own
    vni: int | None = None
    via: int | None = None  # the number of the one underlay device it is bound to

    @property
    def floods(self) -> bool:
        """Whether this entry is one of the flood list."""
        return self.mac == NULL_MAC


@dataclass(frozen=True, slots=True)
class BridgeAddress:
    """An address on a device; ``own`` where it carries vxland's protocol number (IFA_PROTO)."""

    interface: IPInterface
    own: bool = False
    automatic: bool = False  # made by the kernel: link-local, autoconfigured
    secondary: bool = False  # goes with the first IPv4 address of its network, and takes none along


@dataclass(frozen=True, slots=True)
class PortRule:
    """A rule as far as vxland needs to understand it: names of bridge ports, and a verdict.

    ``text`` is what ebtables-save prints after ``-A CHAIN``, or how nft writes it. A rule with
    any other condition has ``known`` false, and no guard may rely on what it does.
    """

    text: str
    source: str | None = None  # a device's name, or a prefix ending in +
    target: str | None = None  # the same for the outgoing port
    verdict: str = ""
    known: bool = True


@dataclass(frozen=True, slots=True)
class EbtablesState:
    """The filter table of ebtables: vxland's chain, and what stands in FORWARD."""

    chain: tuple[PortRule, ...] | None = None  # None: there is no such chain
    policy: str = "RETURN"  # the chain's
    forward: tuple[PortRule, ...] = ()


class Owner(Enum):
    """Whose a table is by nftables' owner flag: nobody else can change it, or flush it."""

    NOBODY = "nobody"
    SELF = "the one who looks"
    OTHER = "another program"


@dataclass(frozen=True, slots=True)
class NftChain:
    """A chain of vxland's own table; ``hook`` is how nft declares it, empty for one without."""

    name: str
    hook: str


@dataclass(frozen=True, slots=True)
class NftTable:
    """vxland's own table of nftables' bridge family."""

    chains: frozenset[NftChain]
    rules: tuple[PortRule, ...]  # of the chain that guards
    dormant: bool = False  # its chains are hooked nowhere
    owner: Owner = Owner.NOBODY
    persistent: bool = False  # it stays when its owner ends


@dataclass(frozen=True, slots=True)
class NftablesState:
    """vxland's own table, and whether the one who looks stays to own it, and the kernel can."""

    table: NftTable | None = None
    keeps: bool = False


@dataclass(frozen=True, slots=True)
class Counted:
    """Packets that a counter counts: from or to this address, with this VNI, to this UDP port."""

    address: IPAddress
    vni: int
    port: int


@dataclass(frozen=True, slots=True)
class TallyTable:
    """vxland's own table of nftables' inet family, which counts what peers send and get."""

    chains: frozenset[NftChain]
    rules: tuple[str, ...]  # sorted, each after its chain's name
    sets: frozenset[str]  # the names of those that are as they should be
    received: frozenset[Counted] = frozenset()  # what there are counters for
    sent: frozenset[Counted] = frozenset()
    dormant: bool = False  # its chains are hooked nowhere
    owner: Owner = Owner.NOBODY
    persistent: bool = False  # it stays when its owner ends


@dataclass(frozen=True, slots=True)
class TallyState:
    """The table that counts, and whether the one who looks stays to own it, and the kernel can."""

    table: TallyTable | None = None
    keeps: bool = False


@dataclass(frozen=True, slots=True)
class ForwardChain:
    """A chain that drops what hosts forward, by policy, and is passed by what bridges forward.

    So br_netfilter has it (net.bridge.bridge-nf-call-iptables).
    """

    family: str  # as nft names it: ip, ip6 or inet
    table: str
    name: str
    chains: frozenset[str] = frozenset()  # itself, and those that it leads to
    accepts: frozenset[str] = frozenset()  # ports, or beginnings ending in +, that pass it

    def lets_through(self, bridge: str) -> bool:
        """Whether some rule accepts what goes through this bridge."""
        return any(
            bridge == name or (name.endswith("+") and bridge.startswith(name[:-1]))
            for name in self.accepts
        )


@dataclass(frozen=True, slots=True)
class FarEnd:
    """The other end of a port that is a veth: a container's own interface."""

    name: str
    mtu: int


@dataclass(frozen=True, slots=True)
class Unavailable:
    """Something that can't be seen or used here, why, and what to do about it."""

    reason: str
    cure: str = ""


@dataclass(frozen=True, slots=True)
class Abroad:
    """A device of vxland's that was moved to another network namespace and keeps its VNI here."""

    name: str
    alias: str  # what its alias is, or would be by its altname
    nsid: int  # this namespace's number for the other one
    key: VniKey


class Standing(IntEnum):
    """How well an address will do to be known by; the less, the better."""

    LASTING = 1
    PASSING = 2  # deprecated, or a temporary one (RFC 8981), which will be
    TENTATIVE = 3  # whether somebody on the link has it, too, is still being found out (RFC 4862)
    DUPLICATE = 4  # somebody has; it isn't used


@dataclass(frozen=True, slots=True)
class LocalAddress:
    """An address of this machine, and the device that carries it."""

    interface: IPInterface
    device: str
    standing: Standing = Standing.LASTING

    @property
    def ip(self) -> IPAddress:
        """The address alone; a link-local IPv6 one with the device for its zone."""
        return zoned(self.interface.ip, self.device)


@dataclass(frozen=True, slots=True)
class Route:
    """How the underlay reaches a peer: the device, and the MTU of this route in bytes."""

    device: str
    mtu: int
    source: IPAddress | None = None  # what packets that have none yet go out from


@dataclass(frozen=True, slots=True)
class Host:
    """What the machine has apart from the overlays: addresses, and routes to the peers."""

    addresses: tuple[LocalAddress, ...] = ()
    routes: Mapping[IPAddress, Route] = field(default_factory=dict)
    unreachable: Mapping[IPAddress, str] = field(default_factory=dict)  # why there is no route
    mtus: Mapping[str, int] = field(default_factory=dict)  # by device


@dataclass(frozen=True, slots=True)
class Observed:
    """One look at the kernel."""

    links: Mapping[str, Link] = field(default_factory=dict)
    fdb: Mapping[str, frozenset[FdbEntry]] = field(default_factory=dict)  # by VXLAN device
    addresses: Mapping[str, frozenset[BridgeAddress]] = field(default_factory=dict)  # by device
    ebtables: EbtablesState | Unavailable = EbtablesState()
    nftables: NftablesState | Unavailable = NftablesState()
    tally: TallyState | Unavailable = TallyState()
    abroad: tuple[Abroad, ...] | None = None  # None: nobody looked
    host: Host = Host()
    forward: tuple[ForwardChain, ...] = ()  # what drops frames between ports of bridges
    far_ends: Mapping[str, FarEnd] = field(default_factory=dict)  # by port, as far as can be seen

    def ports(self, bridge: str) -> Iterator[Link]:
        """The bridge's ports."""
        return (link for link in self.links.values() if link.master == bridge)
