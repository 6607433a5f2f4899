"""What ebtables-nft keeps in the kernel, read by netlink: a process takes thirty times as long.

Understood are rules as vxland writes them: names of ports, a counter, a verdict. Where anything
else stands in the two chains, ebtables-save has to say what it is.
"""

from collections.abc import Iterator

from vxland.guards import ebtables
from vxland.guards.wall import DROP, PLAIN_NAME, RETURN
from vxland.identity import CHAIN
from vxland.kernel.attributes import read_number, read_text, text
from vxland.kernel.expressions import EXPR_DATA, EXPR_NAME, VERDICT_CODE
from vxland.kernel.netlink import Netlink
from vxland.kernel.port_rules import IIFNAME, OIFNAME, VERDICTS
from vxland.kernel.transactions import (
    BODY,
    GETRULE,
    RULE_CHAIN,
    RULE_EXPRESSIONS,
    RULE_TABLE,
    TableMessages,
)
from vxland.kernel.wire import NetlinkError, attributes
from vxland.observed import EbtablesState, PortRule

FILTER = TableMessages("bridge", "filter")
FORWARD = "FORWARD"
RULE_USERDATA = 7  # a policy, which is a rule then, or a remark
META_KEY, CMP_OPERATOR, CMP_DATA, IMMEDIATE_DATA = 2, 2, 3, 2
EQUAL = 0
DATA_VALUE, DATA_VERDICT, VERDICT_CHAIN = 1, 2, 2
JUMP = 0xFFFFFFFD  # NFT_JUMP
PORTS = {IIFNAME: "source", OIFNAME: "target"}
CODES = {VERDICTS[verdict]: verdict for verdict in (DROP, RETURN)}


class Strange(Exception):
    """A rule has something that vxland doesn't write."""


def read_chains(netlink: Netlink) -> EbtablesState | None:
    """vxland's chain, which is there, and FORWARD.

    None where they aren't understood whole, or can't be read.
    """
    try:
        chain, forward = (tuple(_rules(netlink, name)) for name in (CHAIN, FORWARD))
    except (Strange, NetlinkError):
        return None
    return EbtablesState(chain, ebtables.POLICY, forward)


def _rules(netlink: Netlink, chain: str) -> Iterator[PortRule]:
    where = (text(RULE_TABLE, FILTER.name), text(RULE_CHAIN, chain))
    for message in netlink.dump(FILTER.message(GETRULE, *where)):
        seen = dict(attributes(message, BODY))
        if RULE_USERDATA in seen:
            raise Strange
        yield read_rule(seen.get(RULE_EXPRESSIONS, b""))


def read_rule(listed: bytes) -> PortRule:
    """The rule that a list of expressions is. Raises Strange."""
    names: dict[str, str] = {}
    port = verdict = ""
    for _, element in attributes(listed, 0):
        parts = dict(attributes(element, 0))
        kind = read_text(parts.get(EXPR_NAME, b""))
        data = dict(attributes(parts.get(EXPR_DATA, b""), 0))
        if kind == "meta" and not port:
            port = PORTS.get(read_number(data.get(META_KEY, b"")), "")
        elif kind == "cmp" and port and read_number(data.get(CMP_OPERATOR, b"")) == EQUAL:
            names[port], port = _name(data.get(CMP_DATA, b"")), ""
        elif kind == "immediate" and not verdict:
            verdict = _verdict(data.get(IMMEDIATE_DATA, b""))
        elif kind != "counter":
            raise Strange
    if port or not verdict:
        raise Strange
    return ebtables.Ebtables().rule(names.get("source"), names.get("target"), verdict)


def _name(data: bytes) -> str:
    """A port's name, which ends with NUL, or how names begin."""
    value = dict(attributes(data, 0)).get(DATA_VALUE, b"")
    name = read_text(value)
    if not PLAIN_NAME.fullmatch(name):
        raise Strange
    return name if value.endswith(b"\0") else f"{name}+"


def _verdict(data: bytes) -> str:
    said = dict(attributes(dict(attributes(data, 0)).get(DATA_VERDICT, b""), 0))
    code = read_number(said.get(VERDICT_CODE, b""))
    if code == JUMP:
        return read_text(said.get(VERDICT_CHAIN, b""))
    if code not in CODES or VERDICT_CODE not in said:
        raise Strange
    return CODES[code]
