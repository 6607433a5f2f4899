"""Reading the VXLAN devices' forwarding entries: flood lists, and what somebody added or taught.

Numbers are those of include/uapi/linux/neighbour.h. A dump holds the bridges' entries too, of
which a busy segment has thousands; they are told apart by the fixed header alone.
"""

import struct
from collections.abc import Container, Iterable, Mapping
from ipaddress import ip_address

from msgspec.structs import replace

from vxland.addresses import zone, zoned
from vxland.kernel.netlink import Netlink
from vxland.kernel.wire import ATTRIBUTE, HEADER, attributes
from vxland.observed import FdbEntry

RTM_GETNEIGH = 30
AF_BRIDGE = 7
NDMSG = struct.Struct("=BBHiHBB")  # family, pad, pad, ifindex, state, flags, type
NTF_SELF, NTF_EXT_LEARNED = 0x02, 0x10
NUD_NOARP, NUD_PERMANENT = 0x40, 0x80
(DST, LLADDR, CACHEINFO, PORT, VNI, IFINDEX) = (1, 2, 3, 6, 7, 8)
TIMES_SIZE = 16  # struct nda_cacheinfo
TIMES = ATTRIBUTE.pack(ATTRIBUTE.size + TIMES_SIZE, CACHEINFO)


def dump_request(device: int = 0) -> bytes:
    """Ask for every forwarding entry of every device, or of this one and its bridge."""
    body = NDMSG.pack(AF_BRIDGE, 0, 0, device, 0, 0, 0)
    return HEADER.pack(HEADER.size + len(body), RTM_GETNEIGH, 0, 0, 0) + body


def destination(message: bytes) -> bytes | None:
    """The address of the VTEP that an entry leads to."""
    return dict(attributes(message, HEADER.size + NDMSG.size)).get(DST)


class FdbTable:
    """The own entries of VXLAN devices; what hasn't changed since last time isn't read again."""

    def __init__(self) -> None:
        self._devices: dict[int, tuple[frozenset[bytes], frozenset[FdbEntry]]] = {}
        self._read: dict[bytes, FdbEntry | None] = {}
        self.decoded = 0  # messages read so far, to be counted in tests

    def refresh(
        self,
        netlink: Netlink,
        devices: Mapping[int, str],
        names: Mapping[int, str],
        underlays: Mapping[int, int],
    ) -> dict[str, frozenset[FdbEntry]]:
        """Dump the entries, and give those of these devices that lead to a VTEP.

        ``names`` are all devices'; both are names by index. ``underlays`` are what devices are
        bound to. What an entry with a link-local destination is bound to is that address's zone.
        """
        raw = _own(netlink, dump_request(), devices) if devices else {}
        before, read = self._devices, self._read
        self._devices, self._read = {}, {}
        for index, bodies in raw.items():
            whole = frozenset(bodies)
            seen = before.get(index)
            if seen is not None and seen[0] == whole:
                whole = seen[0]  # so that the same bytes aren't kept twice, and anew each time
            self._read |= {body: read[body] for body in whole if body in read}
            if seen is None or seen[0] is not whole:
                seen = (whole, frozenset(filter(None, map(self._entry, whole))))
            self._devices[index] = seen
        seen_on = {index: entries for index, (_, entries) in self._devices.items()}
        return _by_name(seen_on, devices, names, underlays)

    def refresh_some(
        self,
        netlink: Netlink,
        devices: Mapping[int, str],
        names: Mapping[int, str],
        underlays: Mapping[int, int],
    ) -> dict[str, frozenset[FdbEntry]]:
        """Ask for the entries of these devices alone, one by one, and give theirs."""
        seen_on = {}
        for index in devices:
            bodies = _own(netlink, dump_request(index), devices).get(index, ())
            whole = frozenset(bodies)
            before, _ = self._devices.get(index, (frozenset[bytes](), None))
            for body in before - whole:
                self._read.pop(body, None)
            seen_on[index] = frozenset(filter(None, map(self._entry, whole)))
            self._devices[index] = whole, seen_on[index]
        return _by_name(seen_on, devices, names, underlays)

    def forget(self, devices: Iterable[int]) -> None:
        """These have gone: what is made anew has a new number."""
        for index in devices:
            bodies, _ = self._devices.pop(index, (frozenset[bytes](), None))
            for body in bodies:
                self._read.pop(body, None)

    def _entry(self, body: bytes) -> FdbEntry | None:
        if body not in self._read:
            self._read[body] = _entry(body)
            self.decoded += 1
        return self._read[body]


def _own(netlink: Netlink, request: bytes, devices: Container[int]) -> dict[int, list[bytes]]:
    """What is in these devices' own tables, without times."""

    def own(message: bytes) -> tuple[int, bytes] | None:
        _, _, _, index, _, flags, _ = NDMSG.unpack_from(message, HEADER.size)
        if flags & NTF_SELF and index in devices:
            return index, _without_times(message[HEADER.size :])
        return None

    raw: dict[int, list[bytes]] = {}
    for index, body in filter(None, netlink.dump_as(own, request)):
        raw.setdefault(index, []).append(body)
    return raw


def _by_name(
    seen: Mapping[int, frozenset[FdbEntry]],
    devices: Mapping[int, str],
    names: Mapping[int, str],
    underlays: Mapping[int, int],
) -> dict[str, frozenset[FdbEntry]]:
    return {
        devices[index]: _zoned(entries, names, underlays.get(index))
        for index, entries in seen.items()
        if entries
    }


def _zoned(
    entries: frozenset[FdbEntry], names: Mapping[int, str], underlay: int | None
) -> frozenset[FdbEntry]:
    """The same, with zones: the name of a device may change while the entry doesn't."""
    if all(entry.via is None for entry in entries):
        return entries
    return frozenset(_with_zone(entry, names, underlay) for entry in entries)


def _with_zone(entry: FdbEntry, names: Mapping[int, str], underlay: int | None) -> FdbEntry:
    destination = zoned(entry.destination, names.get(entry.via) if entry.via else None)
    via = None if zone(destination) else entry.via
    bound = via is not None and via == underlay
    return replace(entry, destination=destination, via=via, bound=bound)


def _without_times(body: bytes) -> bytes:
    """An entry without the times at its end (struct nda_cacheinfo), which change by themselves."""
    rest = len(body) - len(TIMES) - TIMES_SIZE
    return body[:rest] if body.startswith(TIMES, rest) else body


def _entry(body: bytes) -> FdbEntry | None:
    _, _, _, _, state, flags, _ = NDMSG.unpack_from(body)
    static = bool(state & (NUD_NOARP | NUD_PERMANENT) or flags & NTF_EXT_LEARNED)
    seen = dict(attributes(body, NDMSG.size))
    if DST not in seen or LLADDR not in seen:
        return None
    return FdbEntry(
        mac=seen[LLADDR].hex(":"),
        destination=ip_address(seen[DST]),
        static=static,
        port=int.from_bytes(seen[PORT], "big") if PORT in seen else None,
        vni=struct.unpack("=I", seen[VNI])[0] if VNI in seen else None,
        via=struct.unpack("=I", seen[IFINDEX])[0] if IFINDEX in seen else None,
    )
