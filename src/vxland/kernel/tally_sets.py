"""The sets of the table that counts: an element is a key with a counter of its own.

A key is made of an address, a VNI and a UDP port, each filled up to a multiple of 4 bytes, as the
registers are that a packet's fields are loaded into.
"""

import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from ipaddress import IPv4Address, IPv6Address

from vxland.addresses import IPAddress
from vxland.kernel.attributes import attribute, nested, number, read_number, read_text, text
from vxland.kernel.netlink import ATTRIBUTE, NLM_F_CREATE, Netlink, attributes
from vxland.kernel.transactions import BODY, NEW, TableMessages
from vxland.observed import Counted
from vxland.tally import SENT, SETS
from vxland.traffic import Count

NEWSET, GETSET = 9, 10
NEWSETELEM, GETSETELEM, DELSETELEM = 12, 13, 14
SET_TABLE, SET_NAME, SET_FLAGS, SET_KEY_TYPE, SET_KEY_LENGTH, SET_ID = 1, 2, 3, 4, 5, 10
SET_USER_DATA, SET_EXPRESSION = 13, 17
ELEMENTS_TABLE, ELEMENTS_SET, ELEMENTS = 1, 2, 3
LIST_ELEMENT = 1
ELEMENT_KEY = 1
DATA_VALUE = 1
EXPRESSION_NAME, EXPRESSION_DATA = 1, 2
COUNTER_BYTES, COUNTER_PACKETS = 1, 2
COUNTER = b"counter\0"
KEY = 2 * ATTRIBUTE.size  # where an element's key begins

ADDRESS_OF: Mapping[int, type[IPAddress]] = {4: IPv4Address, 6: IPv6Address}
LAYOUTS = {4: struct.Struct(">4s3sxH2x"), 6: struct.Struct(">16s3sxH2x")}
AT_ONCE = 1000  # elements of a message, whose attributes have 64 KiB at most

# What nft keeps with a set to show it: numbers of its own, in the order of bytes of the machine.
ADDRESS, INTEGER, SERVICE = {4: 7, 6: 8}, 4, 13  # its data types
PAYLOAD, CONCATENATION = 7, 13  # its kinds of expressions
HEADER_OF, UDP = {4: 12, 6: 13}, 6  # its protocols, and of them the fields:
FIELD_OF = {(4, False): 11, (4, True): 12, (6, False): 8, (6, True): 9}  # source, destination
DESTINATION_PORT = 2
TRANSPORT, VNI_OFFSET, VNI_LENGTH = 3, 96, 24  # bits


def new_set(table: TableMessages, name: str) -> bytes:
    """Make a set that counts."""
    family = int(name[-1])
    kinds = (ADDRESS[family], INTEGER, SERVICE)
    return table.message(
        NEWSET,
        text(SET_TABLE, table.name),
        text(SET_NAME, name),
        number(SET_FLAGS, 0),
        number(SET_KEY_TYPE, kinds[0] << 12 | kinds[1] << 6 | kinds[2]),
        number(SET_KEY_LENGTH, LAYOUTS[family].size),
        number(SET_ID, sorted(SETS).index(name) + 1),
        attribute(SET_USER_DATA, _user_data(family, sent=name.startswith(SENT))),
        nested(SET_EXPRESSION, attribute(EXPRESSION_NAME, COUNTER), nested(EXPRESSION_DATA)),
        flags=NEW,
    )


def sets(table: TableMessages, netlink: Netlink) -> Iterator[str]:
    """The names of the table's sets; of one that isn't as vxland makes it with a remark."""
    for message in netlink.dump(table.message(GETSET, text(SET_TABLE, table.name))):
        seen = dict(attributes(message, BODY))
        if read_text(seen.get(SET_TABLE, b"")) != table.name:
            continue
        name = read_text(seen.get(SET_NAME, b""))
        counts = dict(attributes(seen.get(SET_EXPRESSION, b""), 0))
        facts = (
            read_number(seen.get(SET_FLAGS, b"")),
            read_number(seen.get(SET_KEY_LENGTH, b"")),
            counts.get(EXPRESSION_NAME, b""),
        )
        known = name in SETS and facts == (0, LAYOUTS[int(name[-1])].size, COUNTER)
        yield name if known else f"{name}, otherwise"


def changes(
    table: TableMessages, kind: int, name: str, counted: Sequence[Counted]
) -> Iterator[bytes]:
    """Add or delete elements of a set."""
    for start in range(0, len(counted), AT_ONCE):
        keys = (_element(key) for key in counted[start : start + AT_ONCE])
        where = (text(ELEMENTS_TABLE, table.name), text(ELEMENTS_SET, name))
        request = NLM_F_CREATE if kind == NEWSETELEM else 0
        yield table.message(kind, *where, nested(ELEMENTS, *keys), flags=request)


def counts(table: TableMessages, netlink: Netlink, name: str) -> Iterator[Mapping[Counted, Count]]:
    """What a set's elements have counted, piece by piece."""
    where = (text(ELEMENTS_TABLE, table.name), text(ELEMENTS_SET, name))
    for message in netlink.dump(table.message(GETSETELEM, *where)):
        elements = dict(attributes(message, BODY)).get(ELEMENTS, b"")
        yield dict(_read(int(name[-1]), (element for _, element in attributes(elements, 0))))


def _element(counted: Counted) -> bytes:
    layout = LAYOUTS[counted.address.version]
    key = layout.pack(counted.address.packed, counted.vni.to_bytes(3, "big"), counted.port)
    return nested(LIST_ELEMENT, nested(ELEMENT_KEY, attribute(DATA_VALUE, key)))


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


def _user_data(family: int, *, sent: bool) -> bytes:
    """How nft says ``typeof ip saddr . @th,96,24 . udp dport`` (libnftnl, udata.h)."""
    parts = (
        _of_header(HEADER_OF[family], FIELD_OF[family, sent]),
        _note(0, _word(PAYLOAD)) + _note(1, _raw()),
        _of_header(UDP, DESTINATION_PORT),
    )
    key = b"".join(_note(number, part) for number, part in enumerate(parts))
    of = _note(0, _word(CONCATENATION)) + _note(1, key)
    return _note(0, _word(0)) + _note(3, of)


def _of_header(protocol: int, field: int) -> bytes:
    return _note(0, _word(PAYLOAD)) + _note(1, _note(0, _word(protocol)) + _note(1, _word(field)))


def _raw() -> bytes:
    words = (0, 0, TRANSPORT, VNI_OFFSET, VNI_LENGTH)
    return b"".join(_note(number, _word(word)) for number, word in enumerate(words))


def _note(kind: int, value: bytes) -> bytes:
    return bytes((kind, len(value))) + value


def _word(value: int) -> bytes:
    return struct.pack("=I", value)
