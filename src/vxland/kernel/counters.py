"""Traffic counters of VXLAN devices, read when somebody asks (struct rtnl_link_stats64)."""

import struct

from vxland.kernel.links import IFINFO, IFNAME, RTM_GETLINK
from vxland.kernel.netlink import HEADER, Netlink, attributes
from vxland.traffic import Traffic

STATS64 = 23
STATS = struct.Struct("=8Q")  # the first eight of the structure


def read_counters(netlink: Netlink) -> dict[str, Traffic]:
    """Every device's counters, by name."""
    body = IFINFO.pack(0, 0, 0, 0, 0)
    request = HEADER.pack(HEADER.size + len(body), RTM_GETLINK, 0, 0, 0) + body
    found = {}
    for message in netlink.dump(request):
        seen = dict(attributes(message, HEADER.size + IFINFO.size))
        if STATS64 in seen and IFNAME in seen:
            name = seen[IFNAME].rstrip(b"\0").decode(errors="replace")
            found[name] = Traffic(*STATS.unpack_from(seen[STATS64]))
    return found
