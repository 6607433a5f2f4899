"""Traffic counters of VXLAN devices, read when somebody asks (struct rtnl_link_stats64)."""

import struct
from dataclasses import dataclass

from vxland.kernel.links import IFINFO, IFNAME, RTM_GETLINK
from vxland.kernel.netlink import HEADER, Netlink, attributes

STATS64 = 23
STATS = struct.Struct("=8Q")  # the first eight of the structure


@dataclass(frozen=True, slots=True)
class Counters:
    """A device's counters since it was made: packets and bytes."""

    receive_packets: int
    transmit_packets: int
    receive_bytes: int
    transmit_bytes: int
    receive_errors: int
    transmit_errors: int
    receive_drops: int
    transmit_drops: int


def read_counters(netlink: Netlink) -> dict[str, Counters]:
    """Every device's counters, by name."""
    body = IFINFO.pack(0, 0, 0, 0, 0)
    request = HEADER.pack(HEADER.size + len(body), RTM_GETLINK, 0, 0, 0) + body
    found = {}
    for message in netlink.dump(request):
        seen = dict(attributes(message, HEADER.size + IFINFO.size))
        if STATS64 in seen and IFNAME in seen:
            name = seen[IFNAME].rstrip(b"\0").decode(errors="replace")
            found[name] = Counters(*STATS.unpack_from(seen[STATS64]))
    return found
