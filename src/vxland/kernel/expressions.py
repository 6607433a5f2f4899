"""Rules of nftables as the kernel holds them: a list of expressions for a small machine.

Something of a packet is loaded into a register, and compared or looked up. Names and numbers are
those of include/uapi/linux/netfilter/nf_tables.h.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from vxland.kernel.attributes import attribute, nested, number, read_number, read_text, text
from vxland.kernel.wire import attributes

LIST_ELEM = 1
EXPR_NAME, EXPR_DATA = 1, 2
DATA_VALUE, DATA_VERDICT = 1, 2
VERDICT_CODE = 1
EQUAL = 0
REG_VERDICT, REG_1 = 0, 1
KNOWN = 256  # of a table's some hundred expressions most come several times


class Meta(NamedTuple):
    """Something that is known of the packet, loaded into a register."""

    key: int
    register: int = REG_1


class Compare(NamedTuple):
    """The rule goes on where the register begins with this."""

    value: bytes
    register: int = REG_1
    operator: int = EQUAL


class Verdict(NamedTuple):
    """What becomes of the packet."""

    code: int
    register: int = REG_VERDICT


class Payload(NamedTuple):
    """Bytes of the packet, loaded into a register: counted from the beginning of a header."""

    base: int
    offset: int
    length: int
    register: int = REG_1


class Lookup(NamedTuple):
    """The rule goes on where what begins in the register is an element of the set."""

    set: str
    register: int = REG_1
    flags: int = 0


class Notrack(NamedTuple):
    """Connection tracking passes the packet by. The name tells it from nothing at all."""

    name: str = "notrack"


Expression = Meta | Compare | Verdict | Payload | Lookup | Notrack
Data = Mapping[int, bytes]


def _value(data: bytes) -> bytes:
    return dict(attributes(data, 0))[DATA_VALUE]


def _code(data: bytes) -> int:
    return read_number(dict(attributes(dict(attributes(data, 0))[DATA_VERDICT], 0))[VERDICT_CODE])


def _verdict(kind: int, code: int) -> bytes:
    return nested(kind, nested(DATA_VERDICT, number(VERDICT_CODE, code)))


def _compared(kind: int, value: bytes) -> bytes:
    return nested(kind, attribute(DATA_VALUE, value))


class Field(NamedTuple):
    """Where a value is among an expression's attributes, and how it is written and read."""

    kind: int
    write: Callable[[int, Any], bytes] = number
    read: Callable[[bytes], Any] = read_number


# By kind: its name, and its attributes in the order of the kernel, by the value's name.
FORMS: dict[type[Expression], tuple[str, dict[str, Field]]] = {
    Meta: ("meta", {"register": Field(1), "key": Field(2)}),
    Compare: (
        "cmp",
        {"register": Field(1), "operator": Field(2), "value": Field(3, _compared, _value)},
    ),
    Verdict: ("immediate", {"register": Field(1), "code": Field(2, _verdict, _code)}),
    Payload: (
        "payload",
        {"register": Field(1), "base": Field(2), "offset": Field(3), "length": Field(4)},
    ),
    Lookup: (
        "lookup",
        {"set": Field(1, text, read_text), "register": Field(2), "flags": Field(5)},
    ),
    Notrack: ("notrack", {}),
}
KINDS = {name: kind for kind, (name, _) in FORMS.items()}


def encode(program: Iterable[Expression]) -> bytes:
    """The elements of the list of expressions."""
    return b"".join(map(_element, program))


def decode(elements: bytes) -> list[Expression | None]:
    """What is in a list of expressions; None for one that vxland doesn't use."""
    return [_expression(value) for _, value in attributes(elements, 0)]


@lru_cache(KNOWN, typed=True)  # rules have most of theirs in common
def _element(expression: Expression) -> bytes:
    name, fields = FORMS[type(expression)]
    data = [field.write(field.kind, getattr(expression, key)) for key, field in fields.items()]
    return nested(LIST_ELEM, text(EXPR_NAME, name), nested(EXPR_DATA, *data))


def _expression(element: bytes) -> Expression | None:
    parts = dict(attributes(element, 0))
    kind = KINDS.get(read_text(parts.get(EXPR_NAME, b"")))
    data = dict(attributes(parts.get(EXPR_DATA, b""), 0))
    if kind is None:
        return None
    try:
        return kind(**{key: field.read(data[field.kind]) for key, field in FORMS[kind][1].items()})
    except KeyError:  # one that sets no verdict, or no register that vxland uses
        return None
