"""Reading addresses (include/uapi/linux/if_addr.h)."""

import struct
from collections.abc import Mapping
from functools import lru_cache
from ipaddress import IPv4Interface, IPv6Interface, ip_interface

from msgspec import Struct, field

from vxland.addresses import IPInterface
from vxland.identity import ADDRESS_PROTOCOL
from vxland.kernel.netlink import Netlink
from vxland.kernel.wire import HEADER, attributes
from vxland.observed import BridgeAddress, LocalAddress, Standing

RTM_GETADDR = 22
IFADDR = struct.Struct("=BBBBI")  # struct ifaddrmsg: family, prefix length, flags, scope, index
(ADDRESS, LOCAL, FLAGS, PROTO) = (1, 2, 8, 11)
PROTO_RA, PROTO_LL = 2, 3
IFA_F_SECONDARY = IFA_F_TEMPORARY = 0x01  # of an IPv4 address, and of an IPv6 one
IFA_F_OPTIMISTIC, IFA_F_DADFAILED, IFA_F_DEPRECATED, IFA_F_TENTATIVE = 0x04, 0x08, 0x20, 0x40

NONE: frozenset[BridgeAddress] = frozenset()


class Addresses(Struct):
    """Every address, as a bridge's, and as one by which this machine is known to others."""

    by_device: dict[str, set[BridgeAddress]] = field(default_factory=dict)
    local: list[LocalAddress] = field(default_factory=list)

    def on(self, device: str) -> frozenset[BridgeAddress]:
        """Those that a device has: of thousands of tunnels none, and all the same none."""
        return frozenset(self.by_device[device]) if device in self.by_device else NONE


def dump_request() -> bytes:
    """Ask for every address of every device."""
    body = IFADDR.pack(0, 0, 0, 0, 0)
    return HEADER.pack(HEADER.size + len(body), RTM_GETADDR, 0, 0, 0) + body


def read_addresses(netlink: Netlink, devices: Mapping[int, str]) -> Addresses:
    """Every address by device, with whose it is and how it stands, as far as the kernel knows."""
    found = Addresses()
    for message in netlink.dump(dump_request()):
        _, prefix, flags, _, index = IFADDR.unpack_from(message, HEADER.size)
        seen = dict(attributes(message, HEADER.size + IFADDR.size))
        value = seen.get(LOCAL) or seen.get(ADDRESS)
        if value is None or index not in devices:
            continue
        interface, device = _interface(value, prefix), devices[index]
        if FLAGS in seen:
            flags = struct.unpack("=I", seen[FLAGS])[0]
        protocol = int.from_bytes(seen.get(PROTO, b""), "big")
        address = BridgeAddress(
            interface,
            own=protocol == ADDRESS_PROTOCOL,
            automatic=protocol in (PROTO_RA, PROTO_LL)
            or (isinstance(interface, IPv6Interface) and interface.ip.is_link_local),
            secondary=isinstance(interface, IPv4Interface) and bool(flags & IFA_F_SECONDARY),
        )
        found.by_device.setdefault(device, set()).add(address)
        if not interface.ip.is_loopback:
            found.local.append(LocalAddress(interface, device, _standing(interface, flags)))
    found.local.sort(key=lambda local: (local.device, str(local.interface)))
    return found


@lru_cache
def _interface(address: bytes, prefix: int) -> IPInterface:
    """This machine's are few, and the same look by look."""
    return ip_interface((address, prefix))


def _standing(interface: IPInterface, flags: int) -> Standing:
    if flags & IFA_F_DADFAILED:
        return Standing.DUPLICATE
    if flags & IFA_F_TENTATIVE and not flags & IFA_F_OPTIMISTIC:
        return Standing.TENTATIVE
    passing = IFA_F_DEPRECATED
    if isinstance(interface, IPv6Interface):
        passing |= IFA_F_TEMPORARY
    return Standing.PASSING if flags & passing else Standing.LASTING
