"""Reading links: the few attributes that are compared, straight from the kernel's bytes.

A message that says what it said in the last dump isn't read again. Numbers are those of
include/uapi/linux/if_link.h.
"""

import struct
import sys
from collections.abc import Sequence
from ipaddress import ip_address

from msgspec import Struct

from vxland.kernel.netlink import Netlink
from vxland.kernel.wire import ATTRIBUTE, HEADER, NetlinkError, attributes, by_kind
from vxland.observed import PORT_FLAGS, Link, VxlanState
from vxland.settings import Df, VxlanOptions

RTM_GETLINK = 18
IFINFO = struct.Struct("=BxHiII")  # struct ifinfomsg: family, type, index, flags, change
IFF_UP, IFF_RUNNING = 0x1, 0x40
RTEXT_FILTER_SKIP_STATS = 8
AF_INET6 = 10
ADDR_GEN_MODE_NONE = 1

(ADDRESS, IFNAME, MTU, LINK, MASTER, LINKINFO) = (1, 3, 4, 5, 10, 18)
(IFALIAS, AF_SPEC, GROUP, EXT_MASK, LINK_NETNSID, TARGET_NETNSID) = (20, 26, 27, 29, 37, 46)
(PROP_LIST, ALT_IFNAME) = (52, 53)
(INFO_KIND, INFO_DATA, INFO_SLAVE_KIND, INFO_SLAVE_DATA) = (1, 2, 4, 5)
BRPORT_ISOLATED = 33
ISOLATED = ATTRIBUTE.pack(ATTRIBUTE.size + 1, BRPORT_ISOLATED)
BRPORT_FLAGS = {  # IFLA_BRPORT_*, by ip's names
    "hairpin": 4,
    "guard": 5,
    "root_block": 6,
    "fastleave": 7,
    "learning": 8,
    "flood": 9,
    "proxy_arp": 10,
    "mcast_flood": 27,
    "mcast_to_unicast": 28,
    "vlan_tunnel": 29,
    "bcast_flood": 30,
    "neigh_suppress": 32,
    "locked": 39,
}
INET6_ADDR_GEN_MODE = 8

(VX_ID, VX_GROUP, VX_LINK, VX_LOCAL, VX_TTL, VX_TOS) = (1, 2, 3, 4, 5, 6)
(VX_LEARNING, VX_AGEING, VX_PROXY, VX_RSC, VX_PORT) = (7, 8, 11, 12, 15)
(VX_GROUP6, VX_LOCAL6, VX_UDP_CSUM, VX_ZERO_CSUM6_TX, VX_ZERO_CSUM6_RX) = (16, 17, 18, 19, 20)
(VX_GBP, VX_COLLECT_METADATA, VX_GPE) = (23, 25, 27)
(VX_TTL_INHERIT, VX_DF, VX_VNIFILTER) = (28, 29, 30)

EXTRAS = (VX_PROXY, VX_RSC, VX_COLLECT_METADATA, VX_VNIFILTER)  # numbers; a plain VTEP has none set
FLAGS = (VX_GBP, VX_GPE)  # there or not


class Indexed(Struct, frozen=True):
    """A link with the numbers that only the kernel's side of the program needs."""

    index: int
    link: Link  # without the names of other devices
    master: int
    lower: int
    underlay: int  # what a VXLAN device is bound to
    far: tuple[int, int] | None = None  # a veth's other end: its namespace's number here, its index

    @property
    def name(self) -> str:
        """The link's."""
        return self.link.name


def dump_request(nsid: int | None = None) -> bytes:
    """Ask for every link without IPv6's statistics, of this or another network namespace."""
    body = IFINFO.pack(0, 0, 0, 0, 0) + struct.pack("=HHI", 8, EXT_MASK, RTEXT_FILTER_SKIP_STATS)
    if nsid is not None:
        body += struct.pack("=HHi", 8, TARGET_NETNSID, nsid)
    return HEADER.pack(HEADER.size + len(body), RTM_GETLINK, 0, 0, 0) + body


def link_request(index: int, nsid: int | None = None) -> bytes:
    """Ask for one link, of this or another network namespace, without IPv6's statistics."""
    body = IFINFO.pack(0, 0, index, 0, 0) + struct.pack(
        "=HHI", 8, EXT_MASK, RTEXT_FILTER_SKIP_STATS
    )
    if nsid is not None:
        body += struct.pack("=HHi", 8, TARGET_NETNSID, nsid)
    return HEADER.pack(HEADER.size + len(body), RTM_GETLINK, 0, 0, 0) + body


def read_indexes(netlink: Netlink, names: Sequence[str]) -> dict[str, int]:
    """The numbers of these devices, of those that there are; an altname isn't a device's name."""
    found = {}
    for name, answer in zip(
        names, netlink.ask([named_request(name) for name in names]), strict=True
    ):
        if not isinstance(answer, NetlinkError):
            seen = by_kind(answer, HEADER.size + IFINFO.size)
            if read_text(seen.get(IFNAME, b"")) == name:
                found[name] = IFINFO.unpack_from(answer, HEADER.size)[2]
    return found


def named_request(name: str) -> bytes:
    """Ask for the link that has this name or altname, without IPv6's statistics."""
    value = name.encode() + b"\0"
    body = IFINFO.pack(0, 0, 0, 0, 0) + struct.pack("=HHI", 8, EXT_MASK, RTEXT_FILTER_SKIP_STATS)
    body += struct.pack("=HH", 4 + len(value), IFNAME) + value + bytes(-len(value) % 4)
    return HEADER.pack(HEADER.size + len(body), RTM_GETLINK, 0, 0, 0) + body


def read_link(message: bytes) -> Indexed:
    """One link from one RTM_NEWLINK message."""
    _, _, index, flags, _ = IFINFO.unpack_from(message, HEADER.size)
    seen = by_kind(message, HEADER.size + IFINFO.size)
    info = by_kind(seen.get(LINKINFO, b""))
    kind = read_text(info[INFO_KIND]) if INFO_KIND in info else None
    data = by_kind(info.get(INFO_DATA, b"")) if kind == "vxlan" else {}
    port = {}
    if info.get(INFO_SLAVE_KIND, b"").startswith(b"bridge"):
        port = by_kind(info.get(INFO_SLAVE_DATA, b""))
    link = Link(
        name=read_text(seen.get(IFNAME, b"")),
        kind=kind,
        alias=read_text(seen.get(IFALIAS, b"")),
        altnames=read_altnames(seen),
        group=read_number(seen.get(GROUP)),
        mac=seen.get(ADDRESS, b"").hex(":"),
        mtu=read_number(seen.get(MTU)),
        up=bool(flags & IFF_UP),
        running=bool(flags & IFF_RUNNING),
        isolated=bool(read_number(port.get(BRPORT_ISOLATED))),
        odd_flags=frozenset(
            flag
            for flag, number in BRPORT_FLAGS.items()
            if number in port and bool(read_number(port[number])) != PORT_FLAGS[flag]
        ),
        link_local=_has_link_local(seen.get(AF_SPEC, b"")),
        vxlan=_vxlan(data) if kind == "vxlan" else None,
    )
    far = None
    if kind == "veth" and LINK_NETNSID in seen:
        far = (
            int.from_bytes(seen[LINK_NETNSID], sys.byteorder, signed=True),
            read_number(seen[LINK]),
        )
    # A lower device in another namespace has a number that means nothing here.
    lower = 0 if LINK_NETNSID in seen else read_number(seen.get(LINK))
    underlay = read_number(data.get(VX_LINK))
    return Indexed(index, link, read_number(seen.get(MASTER)), lower, underlay, far)


def read_text(value: bytes) -> str:
    """A string of the kernel's, which ends with NUL."""
    return value.rstrip(b"\0").decode(errors="replace")


def read_isolated(port: bytes) -> bool:
    """The flag ``isolated`` among a bridge port's own attributes.

    There is always one (Linux 4.18): what looks like its beginning is it, if nothing else does.
    """
    if port.count(ISOLATED) == 1:
        after = port.index(ISOLATED) + len(ISOLATED)
        return port[after : after + 1] > b"\0"
    return bool(read_number(by_kind(port).get(BRPORT_ISOLATED)))


def read_number(value: bytes | None) -> int:
    """A number in the machine's order of bytes; 0 where there is none."""
    return int.from_bytes(value, sys.byteorder) if value else 0


def read_altnames(link: dict[int, bytes]) -> frozenset[str]:
    """The altnames in a link's attributes."""
    return frozenset(
        read_text(value)
        for number, value in attributes(link.get(PROP_LIST, b""), 0)
        if number == ALT_IFNAME
    )


def _has_link_local(af_spec: bytes) -> bool:
    inet6 = by_kind(af_spec).get(AF_INET6)
    if inet6 is None:
        return False
    mode = by_kind(inet6).get(INET6_ADDR_GEN_MODE)
    return mode is not None and read_number(mode) != ADDR_GEN_MODE_NONE


def _vxlan(data: dict[int, bytes]) -> VxlanState:
    remote = data.get(VX_GROUP) or data.get(VX_GROUP6)
    local = data.get(VX_LOCAL) or data.get(VX_LOCAL6)
    underlay = read_number(data.get(VX_LINK))
    options = VxlanOptions(
        ttl=read_number(data.get(VX_TTL)),
        ttl_inherit=bool(read_number(data.get(VX_TTL_INHERIT))),
        tos=read_number(data.get(VX_TOS)),
        df=Df(read_number(data.get(VX_DF))),
        ageing=read_number(data.get(VX_AGEING)),
        udp_csum=bool(read_number(data.get(VX_UDP_CSUM))),
        learning=bool(read_number(data.get(VX_LEARNING))),
    )
    return VxlanState(
        vni=read_number(data.get(VX_ID)),
        port=int.from_bytes(data.get(VX_PORT, b""), "big"),
        local=ip_address(local) if local else None,
        remote=ip_address(remote) if remote else None,
        options=options,
        underlay=f"#{underlay}" if underlay else None,
        plain=not any(read_number(data.get(n)) for n in EXTRAS)
        and not any(n in data for n in FLAGS),
        zero_csum6=any(read_number(data.get(n)) for n in (VX_ZERO_CSUM6_TX, VX_ZERO_CSUM6_RX)),
    )
