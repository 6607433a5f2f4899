"""Reading addresses (include/uapi/linux/if_addr.h)."""

import struct
from collections.abc import Mapping
from ipaddress import IPv4Interface, IPv6Interface, ip_interface

from vxland.identity import ADDRESS_PROTOCOL
from vxland.kernel.netlink import HEADER, Netlink, attributes
from vxland.observed import BridgeAddress, LocalAddress

RTM_GETADDR = 22
IFADDR = struct.Struct("=BBBBI")  # struct ifaddrmsg: family, prefix length, flags, scope, index
(ADDRESS, LOCAL, PROTO) = (1, 2, 11)
PROTO_RA, PROTO_LL = 2, 3
IFA_F_SECONDARY = 0x01  # of an IPv4 address; for IPv6 the bit means something else


def dump_request() -> bytes:
    """Ask for every address of every device."""
    body = IFADDR.pack(0, 0, 0, 0, 0)
    return HEADER.pack(HEADER.size + len(body), RTM_GETADDR, 0, 0, 0) + body


def read_addresses(netlink: Netlink, devices: Mapping[int, str]) -> dict[str, set[BridgeAddress]]:
    """Every address by device, with whose it is as far as the kernel knows."""
    found: dict[str, set[BridgeAddress]] = {}
    for message in netlink.dump(dump_request()):
        _, prefix, flags, _, index = IFADDR.unpack_from(message, HEADER.size)
        seen = dict(attributes(message, HEADER.size + IFADDR.size))
        value = seen.get(LOCAL) or seen.get(ADDRESS)
        if value is None or index not in devices:
            continue
        interface = ip_interface((value, prefix))
        protocol = int.from_bytes(seen.get(PROTO, b""), "big")
        address = BridgeAddress(
            interface,
            own=protocol == ADDRESS_PROTOCOL,
            automatic=protocol in (PROTO_RA, PROTO_LL)
            or (isinstance(interface, IPv6Interface) and interface.ip.is_link_local),
            secondary=isinstance(interface, IPv4Interface) and bool(flags & IFA_F_SECONDARY),
        )
        found.setdefault(devices[index], set()).add(address)
    return found


def local_addresses(found: Mapping[str, set[BridgeAddress]]) -> tuple[LocalAddress, ...]:
    """The addresses by which a machine can be known to others, sorted by device."""
    return tuple(
        LocalAddress(address.interface, device)
        for device in sorted(found)
        for address in sorted(found[device], key=str)
        if not (address.interface.ip.is_loopback or address.interface.ip.is_link_local)
    )
