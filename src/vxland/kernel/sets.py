"""Sets of a table of vxland's own, whose elements may count."""

import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property, lru_cache

from msgspec import Struct

from vxland.kernel import fields
from vxland.kernel.attributes import attribute, nested, number, read_number, read_text, text
from vxland.kernel.netlink import Netlink
from vxland.kernel.transactions import BEGIN, BODY, END, NEW, TableMessages
from vxland.kernel.wire import ATTRIBUTE, NLM_F_CREATE, attributes

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
KNOWN = 4096  # pairs of numbers, one for each tunnel of a mesh
AT_ONCE = 1000  # elements of a message, whose attributes have 64 KiB at most
BRACKETS = len(BEGIN) + len(END)


class SetForm(Struct, frozen=True, dict=True):
    """How a set is made: its key as nft writes it, and whether its elements count."""

    name: str
    key: str
    number: int  # among the sets of its table, from 1
    counts: bool = False

    @cached_property
    def length(self) -> int:
        """The bytes of a key."""
        return fields.length(fields.fields(self.key))

    def making(self, table: TableMessages) -> bytes:
        """Make the set."""
        key = fields.fields(self.key)
        counter = (attribute(EXPRESSION_NAME, COUNTER), nested(EXPRESSION_DATA))
        return table.message(
            NEWSET,
            text(SET_TABLE, table.name),
            text(SET_NAME, self.name),
            number(SET_FLAGS, 0),
            number(SET_KEY_TYPE, fields.kind(key)),
            number(SET_KEY_LENGTH, self.length),
            number(SET_ID, self.number),
            attribute(SET_USER_DATA, fields.user_data(key)),
            *((nested(SET_EXPRESSION, *counter),) if self.counts else ()),
            flags=NEW,
        )

    def is_seen(self, seen: Mapping[int, bytes]) -> bool:
        """Whether a set of this name is as it is made, by the kernel's attributes."""
        counts = dict(attributes(seen.get(SET_EXPRESSION, b""), 0))
        return (
            read_number(seen.get(SET_FLAGS, b"")) == 0
            and read_number(seen.get(SET_KEY_LENGTH, b"")) == self.length
            and counts.get(EXPRESSION_NAME, b"") == (COUNTER if self.counts else b"")
        )


def forms(keys: Mapping[str, str], counting: Iterable[str]) -> dict[str, SetForm]:
    """A table's sets by name, by their keys."""
    numbered = enumerate(keys.items(), 1)
    counting = frozenset(counting)
    return {name: SetForm(name, key, number, name in counting) for number, (name, key) in numbered}


def sets(table: TableMessages, netlink: Netlink, known: Mapping[str, SetForm]) -> Iterator[str]:
    """The names of the table's sets; of one that isn't as vxland makes it with a remark."""
    for message in netlink.dump(table.message(GETSET, text(SET_TABLE, table.name))):
        seen = dict(attributes(message, BODY))
        if read_text(seen.get(SET_TABLE, b"")) != table.name:
            continue
        name = read_text(seen.get(SET_NAME, b""))
        whole = name in known and known[name].is_seen(seen)
        yield name if whole else f"{name}, otherwise"


def changes(table: TableMessages, kind: int, name: str, keys: Sequence[bytes]) -> Iterator[bytes]:
    """Add or delete elements of a set, by their keys."""
    before, after = _around(keys[0]) if keys else (b"", b"")
    between = after + before
    for start in range(0, len(keys), AT_ONCE):
        elements = (before, between.join(keys[start : start + AT_ONCE]), after)
        where = (text(ELEMENTS_TABLE, table.name), text(ELEMENTS_SET, name))
        request = NLM_F_CREATE if kind == NEWSETELEM else 0
        yield table.message(kind, *where, nested(ELEMENTS, *elements), flags=request)


@lru_cache(KNOWN)
def number_key(vni: int | None, port: int) -> bytes:
    """The end of a key of several fields: a VNI, if it has one, and a UDP port, each filled up."""
    return (b"" if vni is None else vni.to_bytes(3, "big") + b"\0") + struct.pack(">H2x", port)


def elements(table: TableMessages, netlink: Netlink, name: str) -> Iterator[list[bytes]]:
    """A set's elements as the kernel has them, message by message."""
    where = (text(ELEMENTS_TABLE, table.name), text(ELEMENTS_SET, name))
    for message in netlink.dump(table.message(GETSETELEM, *where)):
        whole = dict(attributes(message, BODY)).get(ELEMENTS, b"")
        yield [element for _, element in attributes(whole, 0)]


def parted(messages: Iterable[bytes], room: int) -> Iterator[Sequence[bytes]]:
    """Transactions that a socket has room for, each: one, but for very many elements."""
    part: list[bytes] = []
    length = BRACKETS
    for message in messages:
        filled = (len(message) + 3) & ~3
        if part and length + filled > room:
            yield part
            part, length = [], BRACKETS
        part.append(message)
        length += filled
    if part:
        yield part


def _around(key: bytes) -> tuple[bytes, bytes]:
    """What stands in an element before its key and after it: the same for all keys of a set."""
    element = nested(LIST_ELEMENT, nested(ELEMENT_KEY, attribute(DATA_VALUE, key)))
    place = KEY + ATTRIBUTE.size
    return element[:place], element[place + len(key) :]
