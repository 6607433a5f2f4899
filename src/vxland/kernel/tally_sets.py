"""The counters of the table that counts: elements of sets, by address, VNI and UDP port."""

import struct
from collections.abc import Iterable, Iterator, Mapping
from ipaddress import IPv4Address, IPv6Address

from vxland.addresses import IPAddress
from vxland.kernel.netlink import Netlink
from vxland.kernel.sets import (
    COUNTER,
    COUNTER_BYTES,
    COUNTER_PACKETS,
    DATA_VALUE,
    KEY,
    elements,
    forms,
    number_key,
)
from vxland.kernel.transactions import TableMessages
from vxland.kernel.wire import ATTRIBUTE, attributes
from vxland.observed import Counted
from vxland.tables.tally import KEYS
from vxland.traffic import Count

FORMS = forms(KEYS, counting=KEYS)
ADDRESS_OF: Mapping[int, type[IPAddress]] = {4: IPv4Address, 6: IPv6Address}
LAYOUTS = {4: struct.Struct(">4s3sxH2x"), 6: struct.Struct(">16s3sxH2x")}


def keys(counted: Iterable[Counted]) -> dict[int, list[bytes]]:
    """The keys of these, by IP version."""
    found: dict[int, list[bytes]] = {family: [] for family in LAYOUTS}
    for one in counted:
        found[one.address.version].append(one.address.packed + number_key(one.vni, one.port))
    return found


def counts(table: TableMessages, netlink: Netlink, name: str) -> Iterator[Mapping[Counted, Count]]:
    """What a set's elements have counted, piece by piece."""
    for piece in elements(table, netlink, name):
        yield dict(_read(int(name[-1]), piece))


def _read(family: int, elements: Iterable[bytes]) -> Iterator[tuple[Counted, Count]]:
    """Keys and counters, by where the kernel puts them (nf_tables_fill_setelem), for speed."""
    layout, of = LAYOUTS[family], ADDRESS_OF[family]
    value = ATTRIBUTE.pack(ATTRIBUTE.size + layout.size, DATA_VALUE)
    name = KEY + layout.size + 2 * ATTRIBUTE.size
    for element in elements:
        if not (element.startswith(value, ATTRIBUTE.size) and element.startswith(COUNTER, name)):
            continue  # in somebody's own set of this name
        address, vni, port = layout.unpack_from(element, KEY)
        counter = dict(attributes(element, name + len(COUNTER) + ATTRIBUTE.size))
        yield (
            Counted(of(address), int.from_bytes(vni, "big"), port),
            Count(
                int.from_bytes(counter.get(COUNTER_PACKETS, b""), "big"),
                int.from_bytes(counter.get(COUNTER_BYTES, b""), "big"),
            ),
        )
