"""Devices of vxland's that somebody moved to another network namespace.

They keep their VNI in the namespace they were made in, so that making them again is refused
(EEXIST). Only namespaces that have a number here can be looked into (RTM_GETNSID).

A device elsewhere tells the number of the namespace that it was made in (rtnl_fill_link_netnsid);
by being asked it gives this one a number too, if it had none.
"""

import struct
from collections.abc import Iterator
from pathlib import Path

from vxland.identity import vtep_alias
from vxland.kernel.links import IFINFO, LINK_NETNSID, dump_request, read_link
from vxland.kernel.netlink import Netlink
from vxland.kernel.wire import HEADER, NetlinkError, attributes
from vxland.observed import Abroad
from vxland.ownership import mark

RTM_GETNSID = 90
NSID, NSID_FD = 1, 3
HERE = Path("/proc/thread-self/ns/net")


def find_abroad(netlink: Netlink) -> Iterator[tuple[Abroad, int]]:
    """Every marked VXLAN device that was made here and is elsewhere, with its index there."""
    for nsid in _namespaces(netlink):
        try:
            messages = netlink.dump(dump_request(nsid))
        except NetlinkError:  # the namespace is gone, or not ours to look into
            continue
        here = _own_number(netlink)
        for message in messages:
            seen = dict(attributes(message, HEADER.size + IFINFO.size))
            if here is None or seen.get(LINK_NETNSID) != here:
                continue
            found = read_link(message)
            link, says = found.link, mark(found.link)
            if link.vxlan is not None and says is not None:
                alias = vtep_alias(says.overlay, says.peer)
                yield Abroad(link.name, alias, nsid, link.vxlan.key), found.index


def _own_number(netlink: Netlink) -> bytes | None:
    """This namespace's number for itself, as a device elsewhere would give it."""
    try:
        namespace = HERE.open("rb")
    except OSError:  # no descriptors: what needs no look elsewhere goes on
        return None
    with namespace:
        body = bytes(4) + struct.pack("=HHI", 8, NSID_FD, namespace.fileno())
        answer = netlink.ask([HEADER.pack(HEADER.size + len(body), RTM_GETNSID, 0, 0, 0) + body])[0]
    if isinstance(answer, NetlinkError):
        return None
    return dict(attributes(answer, HEADER.size + 4)).get(NSID)


def _namespaces(netlink: Netlink) -> Iterator[int]:
    body = bytes(4)  # struct rtgenmsg: any family
    request = HEADER.pack(HEADER.size + len(body), RTM_GETNSID, 0, 0, 0) + body
    for message in netlink.dump(request):
        for kind, value in attributes(message, HEADER.size + 4):
            nsid = struct.unpack("=i", value[:4])[0] if kind == NSID else -1
            if nsid >= 0:
                yield nsid
