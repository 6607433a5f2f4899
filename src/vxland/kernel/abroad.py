"""Devices of vxland's that somebody moved to another network namespace.

They keep their VNI in the namespace they were made in, so that making them again is refused
(EEXIST). Only namespaces that have a number here can be looked into (RTM_GETNSID).
"""

import struct
from collections.abc import Iterator

from vxland.identity import ALIAS_MARK
from vxland.kernel.links import IFINFO, LINK_NETNSID, dump_request, read_link
from vxland.kernel.netlink import HEADER, Netlink, NetlinkError, attributes
from vxland.observed import Abroad

RTM_GETNSID = 90
NSID = 1


def find_abroad(netlink: Netlink) -> Iterator[tuple[Abroad, int]]:
    """Every marked VXLAN device that is elsewhere, with its index there."""
    for nsid in _namespaces(netlink):
        try:
            messages = netlink.dump(dump_request(nsid))
        except NetlinkError:  # the namespace is gone, or not ours to look into
            continue
        for message in messages:
            seen = dict(attributes(message, HEADER.size + IFINFO.size))
            if LINK_NETNSID not in seen:  # made there, so not from here
                continue
            found = read_link(message)
            link = found.link
            if link.vxlan is not None and link.alias.startswith(ALIAS_MARK):
                yield Abroad(link.name, link.alias, link.mac, nsid, link.vxlan.key), found.index


def _namespaces(netlink: Netlink) -> Iterator[int]:
    body = bytes(4)  # struct rtgenmsg: any family
    request = HEADER.pack(HEADER.size + len(body), RTM_GETNSID, 0, 0, 0) + body
    for message in netlink.dump(request):
        for kind, value in attributes(message, HEADER.size + 4):
            nsid = struct.unpack("=i", value[:4])[0] if kind == NSID else -1
            if nsid >= 0:
                yield nsid
