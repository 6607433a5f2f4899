"""What VXLAN devices have counted, read when somebody asks: a look of its own, cheap at 1,000.

Only the few attributes that are told are looked at (struct rtnl_link_stats64 among them). Of
forwarding entries, of which a busy segment has ten thousands, the fixed header alone is read.
"""

import struct
from collections import Counter
from dataclasses import replace

from vxland.kernel import fdb
from vxland.kernel.links import (
    IFALIAS,
    IFF_RUNNING,
    IFF_UP,
    IFINFO,
    IFNAME,
    INFO_KIND,
    LINKINFO,
    MTU,
    RTM_GETLINK,
)
from vxland.kernel.netlink import ATTRIBUTE, HEADER, Netlink
from vxland.traffic import Seen, Traffic

AF_UNSPEC = 0
STATS64 = 23
STATS = struct.Struct("=8Q")  # the first eight of the structure
TOLD = frozenset({IFNAME, MTU, IFALIAS, STATS64})
LEARNED = 0x02 | 0x04  # NUD_REACHABLE, NUD_STALE: a bridge's entries that nobody set by hand
ENTRY = struct.Struct(HEADER.format + fdb.NDMSG.format.lstrip("="))


def read_traffic(netlink: Netlink) -> dict[str, Seen]:
    """Every VXLAN device of this namespace, by name."""
    learned = _learned(netlink)
    found = {}
    for message in netlink.dump(_dump_request()):
        seen = read_device(message)
        if seen is not None:
            count = learned[seen.incarnation]
            found[seen.name] = replace(seen, learned_macs=count) if count else seen
    return found


def read_device(message: bytes) -> Seen | None:
    """What a message of the kernel's says of a device (RTM_NEWLINK, RTM_DELLINK)."""
    family, _, index, flags, _ = IFINFO.unpack_from(message, HEADER.size)
    found: dict[int, bytes] = {}
    offset, end = HEADER.size + IFINFO.size, len(message) - ATTRIBUTE.size
    while offset <= end and len(found) < len(TOLD):
        length, kind = ATTRIBUTE.unpack_from(message, offset)
        if length < ATTRIBUTE.size:
            break
        if kind in TOLD:
            found[kind] = message[offset + ATTRIBUTE.size : offset + length]
        offset += (length + 3) & ~3
    if family != AF_UNSPEC or STATS64 not in found:  # a bridge tells of its ports without them
        return None
    return Seen(
        name=_text(found.get(IFNAME, b"")),
        alias=_text(found.get(IFALIAS, b"")),
        incarnation=index,
        up=bool(flags & IFF_UP),
        running=bool(flags & IFF_RUNNING),
        mtu=struct.unpack("=I", found[MTU])[0] if MTU in found else 0,
        traffic=Traffic(*STATS.unpack_from(found[STATS64])),
    )


def _learned(netlink: Netlink) -> Counter[int]:
    """By the port's index, how many addresses bridges have learned to be behind it.

    What a VXLAN device has learned for itself are the same addresses once more (NTF_SELF).
    """
    return Counter(
        index
        for *_, index, state, flags, _ in map(ENTRY.unpack_from, netlink.dump(fdb.dump_request()))
        if state & LEARNED and not flags & (fdb.NTF_SELF | fdb.NTF_EXT_LEARNED)
    )


def _dump_request() -> bytes:
    """Ask for VXLAN devices, with their statistics."""
    kind = _attribute(INFO_KIND, b"vxlan\0")
    body = IFINFO.pack(AF_UNSPEC, 0, 0, 0, 0) + _attribute(LINKINFO, kind)
    return HEADER.pack(HEADER.size + len(body), RTM_GETLINK, 0, 0, 0) + body


def _attribute(kind: int, value: bytes) -> bytes:
    length = ATTRIBUTE.size + len(value)
    return ATTRIBUTE.pack(length, kind) + value + bytes(-length % 4)


def _text(value: bytes) -> str:
    return value.rstrip(b"\0").decode(errors="replace")
