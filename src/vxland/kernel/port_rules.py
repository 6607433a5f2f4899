"""Rules of the nftables guard as expressions.

The name of a port is loaded into a register and compared, by as many bytes as count: all 16 of a
whole name, those of the prefix of a prefix.
"""

from collections.abc import Iterator, Sequence

from vxland.guards.nftables import rule
from vxland.guards.wall import DROP, PLAIN_NAME, RETURN
from vxland.kernel import expressions
from vxland.kernel.attributes import read_text
from vxland.kernel.expressions import Compare, Expression, Meta, Verdict
from vxland.observed import PortRule

IFNAMSIZ = 16
IIFNAME, OIFNAME = 6, 7
VERDICTS = {DROP: 0, RETURN: 0xFFFFFFFB}  # NF_DROP, NFT_RETURN
CODES = {code: verdict for verdict, code in VERDICTS.items()}


def encode(wanted: PortRule) -> bytes:
    """The elements of the list of expressions that is this rule."""
    return expressions.encode(_program(wanted))


def decode(elements: bytes) -> PortRule:
    """What a list of expressions says, as far as vxland needs to understand it."""
    seen = expressions.decode(elements)
    said = _said(seen)
    if said is not None and [*_program(said)] == seen:
        return said
    return PortRule(f"expressions {elements.hex()}", known=False)


def _program(wanted: PortRule) -> Iterator[Expression]:
    for key, name in ((IIFNAME, wanted.source), (OIFNAME, wanted.target)):
        if name is not None:
            yield Meta(key)
            whole = name.encode().ljust(IFNAMSIZ, b"\0")
            yield Compare(name[:-1].encode() if name.endswith("+") else whole)
    yield Verdict(VERDICTS[wanted.verdict])


def _said(seen: Sequence[Expression | None]) -> PortRule | None:
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
