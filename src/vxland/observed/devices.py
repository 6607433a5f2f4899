"""Network devices: links, what VXLAN devices are, their forwarding entries and addresses."""

from ipaddress import IPv4Address

from msgspec import Struct

from vxland.addresses import IPAddress, IPInterface, zone
from vxland.model import VniKey
from vxland.settings import VxlanOptions

# Kinds of links (IFLA_INFO_KIND) that lead to another machine's segment.
# A guest's tap or veth is not among them.
TUNNEL_KINDS = frozenset(
    {"vxlan", "geneve", "gretap", "ip6gretap", "erspan", "ip6erspan", "batadv", "bareudp"}
)

# Those of ports that lead to guests, or nowhere.
GUEST_KINDS = frozenset({"veth", "tun", "dummy"})

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

FLOOD_FLAGS = frozenset({"flood", "mcast_flood", "bcast_flood"})  # what isn't for one known port

NULL_MAC = "00:00:00:00:00:00"  # the FDB's key for the flood list


class VxlanState(Struct, frozen=True):
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
        address = self._address
        return VniKey(self.vni, self.port, address.version, zone(address))

    @property
    def family(self) -> int:
        """The IP version of its outer packets."""
        return self._address.version

    @property
    def _address(self) -> IPAddress:
        return self.remote or self.local or IPv4Address(0)


class Link(Struct, frozen=True):
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


class FdbEntry(Struct, frozen=True):
    """A VXLAN device's own forwarding entry: frames for this MAC go to this VTEP (bridge(8))."""

    mac: str
    destination: IPAddress
    static: bool = True  # not learnt from traffic
    port: int | None = None  # where they differ from the device's own
    vni: int | None = None
    via: int | None = None  # the number of the one underlay device it is bound to
    bound: bool = False  # which is the one that the device itself is bound to

    @property
    def floods(self) -> bool:
        """Whether this entry is one of the flood list."""
        return self.mac == NULL_MAC


class BridgeAddress(Struct, frozen=True):
    """An address on a device; ``own`` where it carries vxland's protocol number (IFA_PROTO)."""

    interface: IPInterface
    own: bool = False
    automatic: bool = False  # made by the kernel: link-local, autoconfigured
    secondary: bool = False  # goes with the first IPv4 address of its network, and takes none along


class FarEnd(Struct, frozen=True):
    """The other end of a port that is a veth: a container's own interface."""

    name: str
    mtu: int


class Abroad(Struct, frozen=True):
    """A device of vxland's that was moved to another network namespace and keeps its VNI here."""

    name: str
    alias: str  # what its alias is, or would be by its altname
    nsid: int  # this namespace's number for the other one
    key: VniKey
