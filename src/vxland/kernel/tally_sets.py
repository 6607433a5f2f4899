"""The counters of the table that counts: elements of sets, by address, VNI and UDP port."""

import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from ipaddress import IPv4Address, IPv6Address

from vxland.addresses import IPAddress
from vxland.kernel.netlink import Netlink
from vxland.kernel.sets import (
    COUNTER,
    COUNTER_BYTES,
    COUNTER_PACKETS,
    DATA_VALUE,
    KEY,
    changes,
    elements,
    forms,
)
from vxland.kernel.transactions import TableMessages
from vxland.kernel.wire import ATTRIBUTE, attributes
from vxland.observed import Counted
from vxland.tally import KEYS
from vxland.traffic import Count

FORMS = forms(KEYS, counting=KEYS)
ADDRESS_OF: Mapping[int, type[IPAddress]] = {4: IPv4Address, 6: IPv6Address}
LAYOUTS = {4: struct.Struct(">4s3sxH2x"), 6: struct.Struct(">16s3sxH2x")}


def counters(
    table: TableMessages, kind: int, name: str, counted: Sequence[Counted]
) -> Iterator[bytes]:
    """Add or delete counters in a set."""
    return changes(table, kind, name, [*map(_key, counted)])


def counts(table: TableMessages, netlink: Netlink, name: str) -> Iterator[Mapping[Counted, Count]]:
    """What a set's elements have counted, piece by piece."""
    for piece in elements(table, netlink, name):
        yield dict(_read(int(name[-1]), piece))


def _key(counted: Counted) -> bytes:
    layout = LAYOUTS[counted.address.version]
    return layout.pack(counted.address.packed, counted.vni.to_bytes(3, "big"), counted.port)


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
