"""What was kept out, read when somebody asks: a look of its own."""

import errno
from collections.abc import Iterator, Mapping

from vxland.kernel.attributes import attribute
from vxland.kernel.ingress import FORMS, INGRESS, read_key
from vxland.kernel.netlink import NETLINK_NETFILTER, Netlink
from vxland.kernel.sets import COUNTER, COUNTER_PACKETS, KEY, elements
from vxland.kernel.wire import ATTRIBUTE, attributes, readable
from vxland.observed import Element
from vxland.tables.ingress import COUNTING, Dropped

NONE = attribute(COUNTER_PACKETS, bytes(8))  # as most are, so that it must be quick


def read_dropped() -> Dropped | None:
    """Packets by what they were dropped by, where any were; None where that can't be read.

    Where there is no table, nothing was.
    """
    dropped: dict[Element, int] = {}
    try:
        with readable(), Netlink(NETLINK_NETFILTER) as netlink:
            for name in COUNTING:
                for piece in elements(INGRESS, netlink, name):
                    dropped.update(_counts(name, piece))
    except OSError as error:
        return dropped if error.errno == errno.ENOENT else None
    return dropped


def _counts(name: str, piece: list[bytes]) -> Iterator[tuple[Element, int]]:
    """Keys and counters, by where the kernel puts them (nf_tables_fill_setelem)."""
    length = FORMS[name].length
    place = KEY + -(-length // 4) * 4 + 2 * ATTRIBUTE.size
    for element in piece:
        if element.endswith(NONE):
            continue
        if element.startswith(COUNTER, place):  # not in somebody's own set of this name
            counter: Mapping[int, bytes] = dict(
                attributes(element, place + len(COUNTER) + ATTRIBUTE.size)
            )
            packets = int.from_bytes(counter.get(COUNTER_PACKETS, b""), "big")
            yield read_key(name, element[KEY : KEY + length]), packets
