"""Which route leads to a peer, and its MTU (include/uapi/linux/rtnetlink.h)."""

import struct
from collections.abc import Iterable, Mapping

from vxland.addresses import IPAddress
from vxland.kernel.netlink import HEADER, Netlink, NetlinkError, attributes
from vxland.observed import Link, Route

RTM_GETROUTE = 26
RTMSG = struct.Struct("=BBBBBBBBI")  # family, dst and src length, tos, table, protocol, …, flags
# The route as configured, not a copy of it with a path MTU that somebody's ICMP brought down.
RTM_F_FIB_MATCH = 0x2000
RTN_UNICAST = 1
(DST, OIF, METRICS, MULTIPATH) = (1, 4, 8, 9)
RTAX_MTU = 2
FAMILY = {4: 2, 6: 10}
NEXTHOP_OIF = struct.Struct("=HBBi")  # struct rtnexthop: length, flags, hops, ifindex


def request(remote: IPAddress) -> bytes:
    """Ask for the route to an address."""
    body = RTMSG.pack(
        FAMILY[remote.version], remote.max_prefixlen, 0, 0, 0, 0, 0, 0, RTM_F_FIB_MATCH
    )
    body += struct.pack("=HH", 4 + len(remote.packed), DST) + remote.packed
    return HEADER.pack(HEADER.size + len(body), RTM_GETROUTE, 0, 0, 0) + body


def read_routes(
    netlink: Netlink,
    remotes: Iterable[IPAddress],
    names: Mapping[int, str],
    links: Mapping[str, Link],
) -> dict[IPAddress, Route]:
    """The routes to these addresses, as far as there are any."""
    wanted = sorted(remotes, key=lambda address: (address.version, address.packed))
    routes = {}
    for remote, answer in zip(wanted, netlink.ask([request(a) for a in wanted]), strict=True):
        route = None if isinstance(answer, NetlinkError) else _route(answer, names, links)
        if route is not None:
            routes[remote] = route
    return routes


def _route(message: bytes, names: Mapping[int, str], links: Mapping[str, Link]) -> Route | None:
    kind = RTMSG.unpack_from(message, HEADER.size)[7]
    seen = dict(attributes(message, HEADER.size + RTMSG.size))
    index = None
    if OIF in seen:
        index = struct.unpack("=I", seen[OIF])[0]
    elif MULTIPATH in seen:
        index = NEXTHOP_OIF.unpack_from(seen[MULTIPATH])[3]
    device = names.get(index) if index is not None else None
    if kind != RTN_UNICAST or device is None:
        return None
    metrics = dict(attributes(seen.get(METRICS, b""), 0))
    mtu = struct.unpack("=I", metrics[RTAX_MTU])[0] if RTAX_MTU in metrics else 0
    return Route(device, mtu or links[device].mtu)
