"""Rules by sets or kinds of packets: from nft's words to expressions, as nft makes them."""

import re
from collections.abc import Iterable, Iterator, Sequence

from vxland.kernel.expressions import (
    Compare,
    Expression,
    Lookup,
    Meta,
    Notrack,
    Payload,
    Verdict,
    decode,
)
from vxland.kernel.fields import IPV6, Field, fields

NFPROTO, L4PROTO = 15, 16  # NFT_META_…
UDP = b"\x11"
MATCH = re.compile(r"(?P<key>.+?) (?P<but>!= )?@(?P<set>\w+)(?: |$)")
INVERTED = 1  # NFT_LOOKUP_F_INV
UNEQUAL = 1  # NFT_CMP_NEQ
KINDS: dict[str, Sequence[Expression]] = {
    "meta l4proto udp": (Meta(L4PROTO), Compare(UDP)),
    "meta l4proto != udp": (Meta(L4PROTO), Compare(UDP, operator=UNEQUAL)),
    "meta nfproto ipv6": (Meta(NFPROTO), Compare(IPV6)),
}
ENDS: dict[str, Sequence[Expression]] = {
    "": (),
    "accept": (Verdict(1),),  # NF_ACCEPT
    "drop": (Verdict(0),),  # NF_DROP
    "notrack accept": (Notrack(), Verdict(1)),
}
QUAD = 16  # bytes of a register; each is four of 4 bytes, too, which are numbered from 8 on


def program(rule: str) -> list[Expression]:
    """The expressions of a rule: lookups or a kind, and what becomes of a packet with all that."""
    kind, _, end = rule.rpartition(" ")
    return [*KINDS[kind], *ENDS[end]] if kind in KINDS else [*_lookups(rule)]


def named(rules: Iterable[bytes], chain: str, known: dict[str, list[Expression]]) -> Iterator[str]:
    """A chain's rules as text, each after the chain's name; of unknown ones the expressions."""
    for expressions in rules:
        seen = decode(expressions)
        alike = (rule for rule, program in known.items() if program == seen)
        rule = next((rule for rule in alike if rule.startswith(f"{chain} ")), None)
        yield rule or f"{chain} expressions {expressions.hex()}"


def _lookups(rule: str) -> Iterator[Expression]:
    told: set[Expression] = set()
    end = 0
    for match in MATCH.finditer(rule):
        end = match.end()
        key = fields(match["key"])
        for needed in _needed(key):
            if needed[1] not in told:
                told.add(needed[1])
                yield from needed
        place = 0
        for field in key:
            yield Payload(field.base, field.offset, field.length, _register(place))
            place += field.width
        yield Lookup(match["set"], flags=INVERTED if match["but"] else 0)
    yield from ENDS[rule[end:]]


def _needed(key: Sequence[Field]) -> Iterator[tuple[Expression, Expression]]:
    """What a packet must be to have these fields."""
    for field in key:
        if field.family:
            yield Meta(NFPROTO), Compare(field.family)
        if field.udp:
            yield Meta(L4PROTO), Compare(UDP)


def _register(place: int) -> int:
    """Where so many bytes of a key stand before."""
    return 8 + place // 4 if place % QUAD else 1 + place // QUAD
