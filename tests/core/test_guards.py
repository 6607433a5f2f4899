"""Split horizon: what the chain should be, and when it is seen to guard."""

from collections.abc import Iterable
from typing import Any

import pytest
from msgspec.structs import replace

from tests.fake.drift import HOME
from tests.fake.table import parse_rule as parse_nft
from vxland.guards import GUARDS, armed, cut
from vxland.guards.ebtables import Ebtables
from vxland.guards.nftables import FORWARD, Nftables
from vxland.hazards import looping_pairs
from vxland.kernel.ebtables_text import parse_rule
from vxland.observed import (
    EbtablesState,
    Link,
    NftChain,
    NftTable,
    Observed,
    Owner,
    PortRule,
    TableState,
    Unavailable,
)

B, C = "vxl-lan-b", "vxl-lan-c"
DROP = "-i vxl-+ -o vxl-+ -j DROP"
JUMP = "-i vxl-+ -o vxl-+ -j VXLAND"
FORMER = "-j VXLAND"  # what earlier versions wrote
NFT_DROP = 'iifname "vxl-*" oifname "vxl-*" drop'


def texts(rules: Iterable[PortRule]) -> list[str]:
    """The rules as they are written."""
    return [rule.text for rule in rules]


def port(name: str, *, isolated: bool = False, own: bool = True, kind: str = "vxlan") -> Link:
    """A port of the bridge that is up."""
    alias = f"vxland:lan:{name}" if own else ""
    return Link(name, kind, alias=alias, master="vxbr0", up=True, isolated=isolated)


def seen(*links: Link, chain: list[str] | None = None, forward: list[str] = [JUMP]) -> Observed:  # noqa: B006
    """These ports and this chain."""
    rules = None if chain is None else tuple(map(parse_rule, chain))
    state = EbtablesState(rules, "RETURN", tuple(map(parse_rule, forward)))
    return Observed(links={link.name: link for link in links}, ebtables=state)


CHAINS = frozenset({FORWARD})


def tabled(table: NftTable | None) -> Observed:
    """Two ports and this table."""
    return replace(seen(port(B), port(C)), nftables=TableState(table))


@pytest.mark.parametrize(
    ("chain", "forward", "holds"),
    [
        ([DROP], [JUMP], True),
        ([DROP], [JUMP, "-j ACCEPT"], True),
        (None, [], False),
        ([], [JUMP], False),
        ([DROP], [], False),
        ([DROP], ["-j ACCEPT", JUMP], False),
        ([DROP], [FORMER], True),
        ([DROP], ["-j ACCEPT", FORMER], False),
        ([DROP], ["-i vxlan+ -o vxlan+ -j VXLAND", JUMP], True),
        ([DROP], ["-i vxlan+ -o vxlan+ -j VXLAND"], False),
        ([DROP], ["-i vxl-+ -j VXLAND"], True),
        ([DROP], [f"-i {B} -j VXLAND"], False),
        ([DROP], ["-i eth0 -j VXLAND"], False),
        ([DROP], ["-p IPv4 -j VXLAND"], False),
        ([DROP], ["-p IPv4 -j VXLAND", JUMP], False),
        (["-j ACCEPT", DROP], [JUMP], False),
        (["-p ARP -j ACCEPT", DROP], [JUMP], False),
        (["-i vxl-+ -j RETURN", DROP], [JUMP], False),
        ([f"-i {B} -j RETURN", DROP], [JUMP], False),
        (["-i vxl-foreign -j RETURN", "-o vxl-foreign -j RETURN", DROP], [JUMP], True),
        (["-i vxlan+ -o vxlan+ -j DROP", DROP], [JUMP], True),
        (["-i vxlan+ -o vxlan+ -j DROP"], [JUMP], False),
    ],
)
def test_the_chain_guards_only_where_nothing_comes_before_its_drop(
    chain: list[str] | None, forward: list[str], *, holds: bool
) -> None:
    """Whatever could let one of vxland's frames out earlier ends it."""
    observed = seen(port(B), port(C), chain=chain, forward=forward)
    assert armed(B, ("ebtables",), observed) is holds


@pytest.mark.parametrize(
    ("chain", "cuts"),
    [
        ([DROP], True),
        (None, False),
        ([f"-i {B} -o {C} -j DROP"], False),
        ([f"-i {B} -o {C} -j DROP", f"-i {C} -o {B} -j DROP"], True),
        (["-i vxl-foreign -j RETURN", DROP], True),
        (["-p ARP -j ACCEPT", DROP], False),
        (["-j DROP"], True),
        (["-i other -j DROP"], False),
    ],
)
def test_two_ports_are_cut_where_both_directions_are_dropped(
    chain: list[str] | None, *, cuts: bool
) -> None:
    """As the rules are walked, one after the other."""
    observed = seen(port(B), port(C), chain=chain)
    assert cut(observed.links[B], observed.links[C], observed) is cuts
    assert looping_pairs(observed) == (frozenset() if cuts else {frozenset({B, C})})


@pytest.mark.parametrize(
    ("forward", "cuts"),
    [
        ([JUMP], True),
        ([FORMER], True),
        ([f"-i {B} -j VXLAND", f"-i {C} -j VXLAND"], True),
        ([f"-i {B} -j VXLAND"], False),
        (["-i vxlan+ -o vxlan+ -j VXLAND"], False),
        (["-j ACCEPT", JUMP], False),
        ([], False),
    ],
)
def test_two_ports_are_cut_where_their_frames_come_to_the_chain(
    forward: list[str], *, cuts: bool
) -> None:
    """Before they come to others' rules."""
    observed = seen(port(B), port(C), chain=[DROP], forward=forward)
    assert cut(observed.links[B], observed.links[C], observed) is cuts
    assert looping_pairs(observed) == (frozenset() if cuts else {frozenset({B, C})})


@pytest.mark.parametrize(
    ("rules", "changes", "holds"),
    [
        ([NFT_DROP], {}, True),
        ([NFT_DROP], {"owner": Owner.OTHER}, True),
        ([NFT_DROP, "drop"], {}, True),
        ([NFT_DROP], {"chains": frozenset({*CHAINS, NftChain("mine", "")})}, True),
        ([], {}, False),
        ([NFT_DROP], {"dormant": True}, False),
        ([NFT_DROP], {"chains": frozenset({NftChain("forward", "")})}, False),
        ([NFT_DROP], {"chains": frozenset()}, False),
        (["accept", NFT_DROP], {}, False),
        (['iifname "vxl-*" return', NFT_DROP], {}, False),
        ([f'iifname "{B}" return', NFT_DROP], {}, False),
        (['iifname "vxl-foreign" return', NFT_DROP], {}, True),
    ],
)
def test_the_table_guards_only_where_frames_come_to_its_drop(
    rules: list[str], changes: dict[str, Any], *, holds: bool
) -> None:
    """Whatever could let one of vxland's frames out ends it, and no flag of who owns it."""
    observed = tabled(replace(NftTable(tuple(map(parse_nft, rules)), chains=CHAINS), **changes))
    assert armed(B, ("nftables",), observed) is holds
    assert cut(observed.links[B], observed.links[C], observed) is holds


def test_a_table_that_is_not_there_guards_nothing() -> None:
    """Nor one that can't be seen."""
    nothing = (tabled(None).nftables, Unavailable("not permitted"))
    for observed in (replace(tabled(None), nftables=state) for state in nothing):
        assert not armed(B, ("nftables",), observed)
        assert not cut(observed.links[B], observed.links[C], observed)


def test_what_can_not_be_seen_guards_nothing() -> None:
    """Fail closed."""
    observed = Observed({B: port(B)}, ebtables=Unavailable("not permitted"))
    assert not armed(B, ("ebtables",), observed)
    assert not GUARDS["ebtables"].cuts(port(B), port(C), observed)


def test_every_configured_guard_must_hold_and_one_at_least() -> None:
    """A port in no bridge, or gone, isn't guarded by a flag."""
    observed = seen(port(B, isolated=True), port(C), chain=[DROP])
    assert armed(B, ("isolated", "ebtables"), observed)
    assert not armed(C, ("isolated", "ebtables"), observed)
    assert armed(C, ("ebtables",), observed)
    assert not armed(B, (), observed)
    assert not armed("gone", ("isolated",), observed)


def test_isolated_ports_are_cut_and_one_alone_is_not() -> None:
    """A hazard has one of vxland's ports in it, and no port that is allowed."""
    apart = [port(B, isolated=True), port(C, isolated=True)]
    assert looping_pairs(seen(*apart)) == frozenset()
    theirs = port("gre0", own=False, kind="gretap")
    assert looping_pairs(seen(*apart, theirs)) == {frozenset({B, "gre0"}), frozenset({C, "gre0"})}
    assert looping_pairs(seen(*apart, theirs), frozenset({"gre0"})) == frozenset()
    assert looping_pairs(seen(theirs, port("gre1", own=False, kind="gretap"))) == frozenset()


def test_others_ports_that_are_named_alike_are_let_through() -> None:
    """In a bridge or not yet; but no tunnel that could loop, nor a name that is a pattern."""
    observed = seen(
        port(B),
        port("vxl-theirs", own=False, kind="veth"),
        port("vxl-odd+", own=False, kind="veth"),
        Link("vxl-loose", "veth"),
        port("vxl-tunnel", own=False),
        replace(port("vxl-faraway", own=False), master="their-bridge"),
        port("eth0", own=False, kind="veth"),
    )
    (overlay,) = HOME.overlays
    allowing = replace(overlay, allow_tunnel_ports=frozenset({"vxl-tunnel"}))
    for wanted, names in (
        (overlay, ["vxl-faraway", "vxl-loose", "vxl-theirs"]),
        (allowing, ["vxl-faraway", "vxl-loose", "vxl-theirs", "vxl-tunnel"]),
    ):
        rules = [f"-{side} {name} -j RETURN" for name in names for side in "io"]
        assert texts(Ebtables().exemptions("vxl-", [wanted], observed)) == rules
        rules = [f'{side}ifname "{name}" return' for name in names for side in "io"]
        assert texts(Nftables().exemptions("vxl-", [wanted], observed)) == rules
    assert Ebtables().drop("vxl-").text == DROP
    assert Nftables().drop("vxl-").text == NFT_DROP
