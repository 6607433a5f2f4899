"""Rules of nftables as the kernel holds them: a list of expressions for a small machine.

The name of a port is loaded into a register and compared, by as many bytes as count: all 16 of a
whole name, those of the prefix of a prefix. Names and numbers are those of
include/uapi/linux/netfilter/nf_tables.h.
"""

import struct
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from vxland.guards.nftables import rule
from vxland.guards.wall import DROP, PLAIN_NAME, RETURN
from vxland.kernel.netlink import ATTRIBUTE, attributes
from vxland.observed import PortRule

NESTED = 0x8000  # NLA_F_NESTED
IFNAMSIZ = 16
LIST_ELEM = 1
EXPR_NAME, EXPR_DATA = 1, 2
META_DREG, META_KEY = 1, 2
IIFNAME, OIFNAME = 6, 7
CMP_SREG, CMP_OP, CMP_DATA = 1, 2, 3
EQUAL = 0
IMMEDIATE_DREG, IMMEDIATE_DATA = 1, 2
DATA_VALUE, DATA_VERDICT = 1, 2
VERDICT_CODE = 1
REG_VERDICT, REG_1 = 0, 1
VERDICTS = {DROP: 0, RETURN: 0xFFFFFFFB}  # NF_DROP, NFT_RETURN
CODES = {code: verdict for verdict, code in VERDICTS.items()}


class Meta(NamedTuple):
    """Something that is known of the frame, loaded into a register."""

    key: int
    register: int = REG_1


class Compare(NamedTuple):
    """The rule goes on where the register begins with this."""

    value: bytes
    register: int = REG_1
    operator: int = EQUAL


class Verdict(NamedTuple):
    """What becomes of the frame."""

    code: int
    register: int = REG_VERDICT


Expression = Meta | Compare | Verdict | None  # None: another one


def attribute(kind: int, payload: bytes) -> bytes:
    """A netlink attribute."""
    return ATTRIBUTE.pack(ATTRIBUTE.size + len(payload), kind) + payload + bytes(-len(payload) % 4)


def nested(kind: int, *parts: bytes) -> bytes:
    """An attribute made of attributes."""
    return attribute(kind | NESTED, b"".join(parts))


def number(kind: int, value: int) -> bytes:
    """An attribute that is a number, in the order of bytes that nftables has."""
    return attribute(kind, struct.pack(">I", value & 0xFFFFFFFF))


def text(kind: int, value: str) -> bytes:
    """An attribute that is a name."""
    return attribute(kind, value.encode() + b"\0")


def read_number(payload: bytes) -> int:
    """The number in an attribute."""
    return int.from_bytes(payload, "big")


def read_text(payload: bytes) -> str:
    """The name in an attribute."""
    return payload.rstrip(b"\0").decode(errors="replace")


def encode(wanted: PortRule) -> bytes:
    """The elements of the list of expressions that is this rule."""
    return b"".join(map(_element, _program(wanted)))


def decode(elements: bytes) -> PortRule:
    """What a list of expressions says, as far as vxland needs to understand it."""
    seen = [_expression(value) for _, value in attributes(elements, 0)]
    said = _said(seen)
    if said is not None and [*_program(said)] == seen:
        return said
    return PortRule(f"expressions {elements.hex()}", known=False)


def _program(wanted: PortRule) -> Iterator[Meta | Compare | Verdict]:
    for key, name in ((IIFNAME, wanted.source), (OIFNAME, wanted.target)):
        if name is not None:
            yield Meta(key)
            whole = name.encode().ljust(IFNAMSIZ, b"\0")
            yield Compare(name[:-1].encode() if name.endswith("+") else whole)
    yield Verdict(VERDICTS[wanted.verdict])


def _said(seen: Sequence[Expression]) -> PortRule | None:
    """The rule that these may be: whether they are, its program tells."""
    names: dict[int, str] = {}
    for load, compare in zip(seen[::2], seen[1::2], strict=False):
        if isinstance(load, Meta) and isinstance(compare, Compare):
            name = read_text(compare.value)
            if not PLAIN_NAME.fullmatch(name):
                return None
            names[load.key] = name if len(compare.value) == IFNAMSIZ else f"{name}+"
    last = seen[-1] if seen else None
    if not isinstance(last, Verdict) or last.code not in CODES:
        return None
    return rule(names.get(IIFNAME), names.get(OIFNAME), CODES[last.code])


def _element(expression: Meta | Compare | Verdict) -> bytes:
    if isinstance(expression, Meta):
        name = "meta"
        data = [number(META_DREG, expression.register), number(META_KEY, expression.key)]
    elif isinstance(expression, Compare):
        name = "cmp"
        data = [number(CMP_SREG, expression.register), number(CMP_OP, expression.operator)]
        data += [nested(CMP_DATA, attribute(DATA_VALUE, expression.value))]
    else:
        name = "immediate"
        verdict = nested(DATA_VERDICT, number(VERDICT_CODE, expression.code))
        data = [number(IMMEDIATE_DREG, expression.register), nested(IMMEDIATE_DATA, verdict)]
    return nested(LIST_ELEM, text(EXPR_NAME, name), nested(EXPR_DATA, *data))


def _expression(element: bytes) -> Expression:
    parts = dict(attributes(element, 0))
    name = read_text(parts.get(EXPR_NAME, b""))
    data = dict(attributes(parts.get(EXPR_DATA, b""), 0))
    try:
        if name == "meta":
            return Meta(read_number(data[META_KEY]), read_number(data[META_DREG]))
        if name == "cmp":
            value = dict(attributes(data[CMP_DATA], 0))[DATA_VALUE]
            return Compare(value, read_number(data[CMP_SREG]), read_number(data[CMP_OP]))
        if name == "immediate":
            verdict = dict(attributes(data[IMMEDIATE_DATA], 0))[DATA_VERDICT]
            code = read_number(dict(attributes(verdict, 0))[VERDICT_CODE])
            return Verdict(code, read_number(data[IMMEDIATE_DREG]))
    except KeyError:  # one that sets no verdict, or no register that vxland uses
        return None
    return None
