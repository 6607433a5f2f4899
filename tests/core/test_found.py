"""What was found before it was put right, said in a few words."""

import inspect
from ipaddress import ip_address, ip_interface

import pytest
from msgspec.structs import replace

from vxland import operations as ops
from vxland.guards.nftables import rule
from vxland.history.found import FOUND, found
from vxland.identity import INGRESS_TABLE, TABLE, TALLY_TABLE
from vxland.model import Bridge, VniKey
from vxland.observed import (
    NULL_MAC,
    Abroad,
    Counted,
    EbtablesState,
    Element,
    FdbEntry,
    IngressTable,
    Link,
    NftTable,
    Observed,
    PortRule,
    TableState,
    TallyTable,
    Unavailable,
    VxlanState,
)
from vxland.operations import Guarding, Operation
from vxland.settings import Df, VxlanOptions

PEER, OTHER = ip_address("192.0.2.2"), ip_address("192.0.2.9")
STATE = VxlanState(7, 4789, OTHER, PEER, VxlanOptions(ttl=5, df=Df.SET, learning=True))
LINK = Link("t", "vxlan", alias="foo", mac="02:00:00:00:00:01", master="br9", vxlan=STATE)
SEEN = Observed(
    links={"t": LINK, "bare": Link("bare")},
    ebtables=EbtablesState((PortRule("-j A"),)),
)
GUARDING = Guarding("t", ("isolated",))
BRIDGE = Bridge("vxbr0", "", "", "", 1450, frozenset())
ADDRESS = ip_interface("10.0.0.1/24")
MADE = ops.MakeTable("", TABLE, (), replaces=True)
ABROAD = Abroad("t", "", 3, VniKey(7, 4789, 4))


def chain(*rules: str, former: tuple[str, ...] = ("-j VXLAND",)) -> ops.WriteChain:
    """What writes the chain."""
    return ops.WriteChain("", "VXLAND", rules, (), former)


CASES: list[tuple[Operation, str]] = [
    (ops.AddAddress("lan", "vxbr0", ADDRESS), "address 10.0.0.1/24 missing"),
    (ops.AddAltname("lan", "t", "vxland-lan+b"), "altname vxland-lan+b missing"),
    (ops.Adopt("lan", "t", "vxland-lan+b", "b", "br9", ()), "not vxland's yet"),
    (ops.AdoptBridge("lan", "vxbr0", "vxland-lan=02"), "not vxland's yet"),
    (ops.PinMac("lan", "vxbr0", "02"), "with a MAC that may follow its ports'"),
    (ops.AppendFlood("lan", "t", PEER), "192.0.2.2 not in its flood list"),
    (ops.Attach("lan", "t", "vxbr0"), "in bridge br9 instead of vxbr0"),
    (ops.Attach("lan", "bare", "vxbr0"), "not in bridge vxbr0"),
    (ops.Attach("lan", "gone", "vxbr0"), "not in bridge vxbr0"),
    (ops.BringUp("lan", "t", GUARDING), "down"),
    (ops.CreateBridge("lan", "vxbr0", BRIDGE), "missing"),
    (ops.DeleteAbroad("lan", "t", ABROAD), "moved to network namespace 3"),
    (ops.DeleteLink("lan", "t"), "not wanted as it was"),
    (ops.Isolate("lan", "t"), "not isolated"),
    (ops.NoLinkLocal("lan", "t"), "with IPv6 link-local addresses"),
    (ops.RaiseBridge("lan", "vxbr0"), "down"),
    (ops.Reattach("lan", "veth1", "vxbr0"), "not in bridge vxbr0"),
    (ops.RemoveAddress("lan", "vxbr0", ADDRESS), "address 10.0.0.1/24 too many"),
    (ops.RemoveAltname("lan", "t", "foo"), "altname foo too many"),
    (ops.RemoveChain("", "VXLAND", (), ()), "chain VXLAND, which isn't wanted"),
    (ops.RemoveFdb("lan", "t", FdbEntry(NULL_MAC, OTHER)), "flood entry to 192.0.2.9 too many"),
    (
        ops.RemoveFdb("lan", "t", FdbEntry("02:00:00:00:00:07", OTHER)),
        "entry 02:00:00:00:00:07 to 192.0.2.9 too many",
    ),
    (ops.Rename("lan", "foo", "t"), "named foo instead of t"),
    (ops.ResetFlag("lan", "t", "hairpin"), "port flag hairpin changed"),
    (
        ops.RetireRules("", "ebtables FORWARD", ("-j DROP", "-j DROP"), ()),
        "2 of the rules in FORWARD replaced by vxland's",
    ),
    (ops.ClearFlag("lan", "t", "flood"), "port flag flood changed"),
    (ops.SetAlias("lan", "t", "vxland:lan:b"), "with another alias"),
    (ops.SetAlias("lan", "bare", "vxland:lan:b"), "without its alias"),
    (ops.SetLocal("lan", "t", PEER), "local address 192.0.2.9 instead of 192.0.2.2"),
    (ops.SetLocal("lan", "bare", PEER), "local address not 192.0.2.2"),
    (ops.SetMac("lan", "t", "06::"), "MAC 02:00:00:00:00:01 instead of 06::"),
    (ops.SetMac("lan", "gone", "06::"), "MAC not 06::"),
    (ops.SetMtu("lan", "t", 1450), "MTU 1500 instead of 1450"),
    (ops.SetMtu("lan", "gone", 1450), "MTU not 1450"),
    (ops.SetOption("lan", "t", "ttl", 0), "ttl 5 instead of 0"),
    (ops.SetOption("lan", "t", "df", 0), "df 1 instead of 0"),
    (ops.SetOption("lan", "t", "learning", 0), "learning 1 instead of 0"),
    (ops.SetOption("lan", "gone", "ttl", 0), "ttl not 0"),
    (ops.SetRemote("lan", "t", OTHER), "remote 192.0.2.2 instead of 192.0.2.9"),
    (ops.SetRemote("lan", "gone", OTHER), "remote not 192.0.2.9"),
    (ops.TakeDown("lan", "t"), "up, which it must not be"),
    (ops.TrimChain("", "VXLAND", (), (), ()), "chain VXLAND with more rules than wanted"),
    (ops.Unisolate("lan", "t", GUARDING), "isolated, which isn't wanted"),
    (chain("-j A", "-j B"), "chain VXLAND missing rules"),
    (chain("-j A", former=()), "no jump to chain VXLAND"),
    (chain("-j A"), "chain VXLAND changed, or not first in FORWARD"),
]


@pytest.mark.parametrize(("operation", "words"), CASES, ids=lambda value: str(value)[:60])
def test_what_was_found_is_said_in_words(operation: Operation, words: str) -> None:
    """Of each kind of operation."""
    assert found([operation], SEEN) == words


def test_every_operation_has_words() -> None:
    """A new kind of operation needs a line."""
    kinds = {
        kind
        for name in ops.__all__
        if inspect.isclass(kind := getattr(ops, name))
        and issubclass(kind, Operation)
        and kind is not Operation
    }
    assert set(FOUND) == kinds


TABLED = NftTable((rule(None, "a", "DROP"),), chains=frozenset())


@pytest.mark.parametrize(
    ("operation", "table", "words"),
    [
        (MADE, None, "missing"),
        (MADE, TABLED, "changed"),
        (MADE, replace(TABLED, dormant=True), "dormant"),
        (ops.FillTable("", TABLE, TABLED.rules), replace(TABLED, rules=()), "missing rules"),
        (ops.FillTable("", TABLE, ()), TABLED, "with other rules"),
        (ops.ClaimTable("", TABLE), TABLED, "without its owner"),
        (ops.TrimTable("", TABLE, (), ()), TABLED, "with more rules than wanted"),
    ],
)
def test_what_was_wrong_with_the_table_is_said(
    operation: Operation, table: NftTable | None, words: str
) -> None:
    """In a word or two."""
    seen = Observed(nftables=TableState(table))
    assert found([operation], seen) == f"table bridge vxland {words}"


TALLIED = TallyTable((), frozenset(), chains=frozenset())
COUNTED = Counted(ip_address("192.0.2.2"), 5, 4789)
TALLY = ops.MakeTally("", TALLY_TABLE, (), replaces=True)


@pytest.mark.parametrize(
    ("operation", "table", "words"),
    [
        (TALLY, None, "table inet vxland missing"),
        (TALLY, TALLIED, "table inet vxland changed"),
        (TALLY, replace(TALLIED, dormant=True), "table inet vxland dormant"),
        (ops.WriteTallyRules("", TALLY_TABLE), TALLIED, "table inet vxland with other rules"),
        (
            ops.AddCounters("", TALLY_TABLE, (COUNTED,), (COUNTED,)),
            TALLIED,
            "in table inet vxland counters of 192.0.2.2 missing",
        ),
        (
            ops.RemoveCounters("", TALLY_TABLE, (), (COUNTED,)),
            TALLIED,
            "in table inet vxland counters of 192.0.2.2, which aren't wanted",
        ),
    ],
)
def test_what_was_wrong_with_the_counters_is_said(
    operation: Operation, table: TallyTable | None, words: str
) -> None:
    """The same."""
    assert found([operation], Observed(tally=TableState(table))) == words
    unseen = found([TALLY], Observed(tally=Unavailable("not permitted")))
    assert unseen == "table inet vxland missing"


FILTERING = IngressTable({}, frozenset(), chains=frozenset())
LET_IN = Element("peers4", 4789, 5, ip_address("192.0.2.2"))
VNI = Element("vnis", 4789, 5)
INGRESS = ops.MakeIngress("", INGRESS_TABLE, (), replaces=True)


@pytest.mark.parametrize(
    ("operation", "table", "words"),
    [
        (INGRESS, None, "table inet vxland-ingress missing"),
        (INGRESS, FILTERING, "table inet vxland-ingress changed"),
        (INGRESS, replace(FILTERING, dormant=True), "table inet vxland-ingress dormant"),
        (
            ops.WriteIngressRules("", INGRESS_TABLE),
            FILTERING,
            "table inet vxland-ingress with other rules",
        ),
        (
            ops.ChangeIngress("", INGRESS_TABLE, (LET_IN, VNI), ()),
            FILTERING,
            "in table inet vxland-ingress 192.0.2.2 missing",
        ),
        (
            ops.ChangeIngress("", INGRESS_TABLE, (VNI,), (LET_IN,)),
            FILTERING,
            "in table inet vxland-ingress VNIs missing, 192.0.2.2 too many",
        ),
        (
            ops.TrimIngress("", INGRESS_TABLE, (VNI, LET_IN)),
            FILTERING,
            "in table inet vxland-ingress more than is wanted",
        ),
    ],
)
def test_what_was_wrong_with_the_filter_is_said(
    operation: Operation, table: IngressTable | None, words: str
) -> None:
    """The same."""
    assert found([operation], Observed(ingress=TableState(table))) == words


def test_a_table_may_not_be_seen() -> None:
    """It isn't there, as far as can be seen."""
    seen = Observed(nftables=Unavailable("not permitted"))
    assert found([MADE], seen) == "table bridge vxland missing"
    removal = ops.RemoveTable("", TABLE, ())
    assert found([removal], seen) == "table bridge vxland, which isn't wanted"


@pytest.mark.parametrize("ebtables", [Unavailable("not permitted"), EbtablesState()])
def test_a_chain_may_be_missing(ebtables: EbtablesState | Unavailable) -> None:
    """Or not be seen."""
    assert found([chain()], Observed(ebtables=ebtables)) == "chain VXLAND missing"


def test_what_only_follows_is_left_out() -> None:
    """A device that is made anew lacked everything else, too; one in a bridge made anew, that."""
    made = ops.CreateBridge("lan", "vxbr0", BRIDGE)
    attach = ops.Attach("lan", "bare", "vxbr0")
    assert found([made, attach], Observed()) == "missing"
    assert found([ops.Attach("lan", "t", "br"), ops.BringUp("lan", "t", GUARDING)], SEEN) == (
        "in bridge br9 instead of br"
    )
    assert found([], SEEN) == ""


def test_a_device_made_anew_is_found_otherwise() -> None:
    """Its deletion says so; it was not missing."""
    made = ops.CreateBridge("lan", "t", BRIDGE)
    assert found([ops.DeleteLink("lan", "t"), made], SEEN) == "not wanted as it was"
