"""Reading the VXLAN devices' forwarding entries: flood lists, and what somebody added or taught.

Numbers are those of include/uapi/linux/neighbour.h. A dump holds the bridges' entries too, of
which a busy segment has thousands; they are told apart by the fixed header alone.
"""

import struct
from collections.abc import Mapping
from ipaddress import ip_address

from vxland.addresses import zone, zoned
from vxland.kernel.netlink import HEADER, Netlink, attributes
from vxland.observed import FdbEntry

RTM_GETNEIGH = 30
AF_BRIDGE = 7
NDMSG = struct.Struct("=BBHiHBB")  # family, pad, pad, ifindex, state, flags, type
NTF_SELF, NTF_EXT_LEARNED = 0x02, 0x10
NUD_NOARP, NUD_PERMANENT = 0x40, 0x80
(DST, LLADDR, PORT, VNI, IFINDEX) = (1, 2, 6, 7, 8)


def dump_request() -> bytes:
    """Ask for every forwarding entry of every device."""
    body = NDMSG.pack(AF_BRIDGE, 0, 0, 0, 0, 0, 0)
    return HEADER.pack(HEADER.size + len(body), RTM_GETNEIGH, 0, 0, 0) + body


def read_fdb(
    netlink: Netlink, devices: Mapping[int, str], names: Mapping[int, str]
) -> dict[str, frozenset[FdbEntry]]:
    """The own entries of these devices that lead to a VTEP; ``names`` are all devices'.

    Both are names by index. The device that an entry with a link-local destination is bound to is
    that address's zone.
    """
    entries: dict[str, set[FdbEntry]] = {}
    for message in netlink.dump(dump_request()):
        _, _, _, index, state, flags, _ = NDMSG.unpack_from(message, HEADER.size)
        if flags & NTF_SELF and index in devices:
            static = bool(state & (NUD_NOARP | NUD_PERMANENT) or flags & NTF_EXT_LEARNED)
            entry = _entry(message, names, static=static)
            if entry is not None:
                entries.setdefault(devices[index], set()).add(entry)
    return {name: frozenset(found) for name, found in entries.items()}


def _entry(message: bytes, names: Mapping[int, str], *, static: bool) -> FdbEntry | None:
    seen = dict(attributes(message, HEADER.size + NDMSG.size))
    if DST not in seen or LLADDR not in seen:
        return None
    via = struct.unpack("=I", seen[IFINDEX])[0] if IFINDEX in seen else None
    destination = zoned(ip_address(seen[DST]), names.get(via) if via else None)
    return FdbEntry(
        mac=seen[LLADDR].hex(":"),
        destination=destination,
        static=static,
        port=int.from_bytes(seen[PORT], "big") if PORT in seen else None,
        vni=struct.unpack("=I", seen[VNI])[0] if VNI in seen else None,
        via=None if zone(destination) else via,
    )
