"""What VXLAN devices have counted, read when somebody asks: a look of its own, cheap at 1,000.

Only the few attributes that are told are looked at (struct rtnl_link_stats64 among them). Of
bridges' forwarding entries, of which a busy segment has ten thousands, the fixed header alone is.
"""

import struct
from collections import Counter
from collections.abc import Callable, Mapping
from ipaddress import ip_address

from msgspec import Struct

from vxland.addresses import IPAddress
from vxland.kernel import fdb
from vxland.kernel.links import (
    EXT_MASK,
    IFALIAS,
    IFF_RUNNING,
    IFF_UP,
    IFINFO,
    IFNAME,
    INFO_KIND,
    LINKINFO,
    MTU,
    RTEXT_FILTER_SKIP_STATS,
    RTM_GETLINK,
)
from vxland.kernel.netlink import Netlink
from vxland.kernel.wire import ATTRIBUTE, HEADER, readable
from vxland.traffic import Seen, Traffic

AF_UNSPEC = 0
STATS64 = 23
STATS = struct.Struct("=8Q")  # the first eight of the structure
TOLD = frozenset({IFNAME, MTU, IFALIAS, STATS64})
LEARNED = 0x02 | 0x04  # NUD_REACHABLE, NUD_STALE: a device's remote is reachable, and permanent
ENTRY = struct.Struct(HEADER.format + fdb.NDMSG.format.lstrip("="))


@readable()
def read_traffic(netlink: Netlink, give_way: Callable[[], None] = lambda: None) -> dict[str, Seen]:
    """Every VXLAN device of this namespace, by name, with pauses for whoever goes first."""
    learned = _learned(netlink, give_way)

    def read(message: bytes) -> Seen | None:
        give_way()
        return read_device(message, learned)

    seen = netlink.dump_as(read, _dump_request())
    return {device.name: device for device in seen if device is not None}


class Learned(Struct, frozen=True):
    """How many addresses were learned, by the index of the device that they were learned by."""

    ports: Mapping[int, int]  # by bridges, to be behind these ports of theirs
    vteps: Mapping[int, Mapping[IPAddress, int]]  # by VXLAN devices, by where they lead to


NOTHING = Learned({}, {})


def read_device(message: bytes, learned: Learned = NOTHING) -> Seen | None:
    """What a message of the kernel's says of a device (RTM_NEWLINK, RTM_DELLINK)."""
    family, _, index, flags, _ = IFINFO.unpack_from(message, HEADER.size)
    found: dict[int, bytes] = {}
    read, wanted = ATTRIBUTE.unpack_from, len(TOLD)
    offset, end = HEADER.size + IFINFO.size, len(message) - ATTRIBUTE.size
    while wanted and offset <= end:
        length, kind = read(message, offset)
        if length < ATTRIBUTE.size:
            break
        if kind in TOLD:
            found[kind] = message[offset + ATTRIBUTE.size : offset + length]
            wanted -= 1
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
        learned_macs=learned.ports.get(index, 0),
        learned_from=learned.vteps.get(index, {}),
    )


def _learned(netlink: Netlink, give_way: Callable[[], None]) -> Learned:
    """What was: VXLAN devices' entries (NTF_SELF) and bridges' are the same addresses, twice."""

    def read(message: bytes) -> tuple[int, bytes | None] | None:
        """The device, and where it leads to, if it does; of what wasn't learned, nothing."""
        give_way()
        *_, index, state, flags, _ = ENTRY.unpack_from(message)
        if not state & LEARNED or state & fdb.NUD_PERMANENT or flags & fdb.NTF_EXT_LEARNED:
            return None
        if not flags & fdb.NTF_SELF:
            return index, None
        address = fdb.destination(message)
        return None if address is None else (index, address)

    ports: Counter[int] = Counter()
    vteps: dict[int, Counter[bytes]] = {}
    for index, address in filter(None, netlink.dump_as(read, fdb.dump_request())):
        if address is None:
            ports[index] += 1
        else:
            vteps.setdefault(index, Counter())[address] += 1
    return Learned(
        ports,
        {
            index: {ip_address(address): count for address, count in found.items()}
            for index, found in vteps.items()
        },
    )


def _dump_request() -> bytes:
    """Ask for VXLAN devices with their own statistics, and without IPv6's."""
    kind = _attribute(INFO_KIND, b"vxlan\0")
    body = IFINFO.pack(AF_UNSPEC, 0, 0, 0, 0) + _attribute(LINKINFO, kind)
    body += _attribute(EXT_MASK, struct.pack("=I", RTEXT_FILTER_SKIP_STATS))
    return HEADER.pack(HEADER.size + len(body), RTM_GETLINK, 0, 0, 0) + body


def _attribute(kind: int, value: bytes) -> bytes:
    length = ATTRIBUTE.size + len(value)
    return ATTRIBUTE.pack(length, kind) + value + bytes(-length % 4)


def _text(value: bytes) -> str:
    return value.rstrip(b"\0").decode(errors="replace")
