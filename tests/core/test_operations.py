"""How operations are said, and what they name."""

from ipaddress import ip_address, ip_interface

import pytest
from msgspec.structs import replace

from vxland import operations as ops
from vxland.model import Bridge, VniKey
from vxland.observed import NULL_MAC, Abroad, Counted, Element, FdbEntry, PortRule
from vxland.operations import Guarding, Operation, Phase

PEER = ip_address("192.0.2.2")
GUARDING = Guarding("vxl-lan-b", ("isolated",))
ABROAD = Abroad("vxl-lan-b", "vxland:lan:b", 3, VniKey(5, 4789, 4))
BRIDGE = Bridge("vxbr0", "vxland-lan", "vxland:lan", "02:00:00:00:00:02", 1450, frozenset())
RULE = PortRule("drop", verdict="DROP")
COUNTED = Counted(PEER, 5, 4789)
OTHER = Counted(ip_address("192.0.2.3"), 5, 4789)

LET_IN = (Element("peers4", 4789, 5, PEER), Element("vnis", 4789, 5))
SAID: list[tuple[Operation, str]] = [
    (ops.TakeDown("lan", "a"), "take a down"),
    (ops.DeleteLink("lan", "a"), "delete a"),
    (ops.DeleteAbroad("lan", "a", ABROAD), "delete a, which was moved to network namespace 3"),
    (ops.RemoveAltname("lan", "a", "x"), "take the altname x off a"),
    (
        ops.RemoveAddress("lan", "vxbr0", ip_interface("10.0.0.1/24")),
        "remove address 10.0.0.1/24 from vxbr0",
    ),
    (
        ops.WriteChain("", "VXLAND", ("r",), (), ()),
        "write ebtables chain VXLAND (1 rule), first in FORWARD",
    ),
    (ops.WriteChain("", "C", (), (), ()), "write ebtables chain C (0 rules), first in FORWARD"),
    (ops.PinMac("lan", "a", "02"), "keep the MAC of a as it is (02)"),
    (ops.AdoptBridge("lan", "a", "vxland-lan=02"), "take over bridge a for overlay lan"),
    (
        ops.Adopt("lan", "a", "vxland-lan+b", "b", "vxbr0", (GUARDING,)),
        "take over a for peer b of overlay lan",
    ),
    (ops.Adopt("lan", "a", "vxland-lan+*", "*", "", ()), "take over a for overlay lan"),
    (ops.Rename("lan", "a", "b"), "rename a to b"),
    (ops.CreateBridge("lan", "vxbr0", BRIDGE), "create bridge vxbr0"),
    (ops.SetAlias("lan", "a", "vxland:lan:a"), "mark a as vxland:lan:a"),
    (ops.AddAltname("lan", "a", "x"), "give a the altname x"),
    (ops.SetMac("lan", "a", "02:00:00:00:00:01"), "set the MAC of a to 02:00:00:00:00:01"),
    (ops.SetMtu("lan", "a", 1450), "set the MTU of a to 1450"),
    (ops.NoLinkLocal("lan", "a"), "keep IPv6 link-local addresses off a"),
    (ops.SetRemote("lan", "a", PEER), "set the remote of a to 192.0.2.2"),
    (ops.SetLocal("lan", "a", PEER), "set the local address of a to 192.0.2.2"),
    (ops.SetOption("lan", "a", "ttl", 64), "set ttl of a to 64"),
    (
        ops.AddAddress("lan", "vxbr0", ip_interface("10.0.0.1/24")),
        "add address 10.0.0.1/24 to vxbr0",
    ),
    (ops.RaiseBridge("lan", "vxbr0"), "set bridge vxbr0 up"),
    (ops.Attach("lan", "a", "vxbr0"), "attach a to vxbr0"),
    (ops.Reattach("lan", "veth0", "vxbr0"), "put veth0 back into vxbr0"),
    (ops.ResetFlag("lan", "a", "flood"), "set the port flag flood of a back"),
    (ops.ClearFlag("lan", "a", "flood"), "clear the port flag flood of a"),
    (ops.Isolate("lan", "a"), "isolate a"),
    (ops.AppendFlood("lan", "a", PEER), "append 192.0.2.2 to the flood list of a"),
    (ops.BringUp("lan", "a", GUARDING), "bring a up"),
    (ops.RemoveFdb("lan", "a", FdbEntry(NULL_MAC, PEER)), "remove flood entry to 192.0.2.2 from a"),
    (
        ops.RemoveFdb("lan", "a", FdbEntry("02:00:00:00:00:09", PEER)),
        "remove entry 02:00:00:00:00:09 to 192.0.2.2 from a",
    ),
    (ops.Unisolate("lan", "a", GUARDING), "end the isolation of a"),
    (ops.TrimChain("", "C", (), (), ()), "take what is no longer wanted out of ebtables chain C"),
    (ops.RemoveChain("", "C", (), ()), "remove ebtables chain C"),
    (
        ops.RetireRules("", "ebtables F", ("-j DROP", "-j DROP"), ()),
        "remove 2 rules that vxland's guards replace from ebtables F",
    ),
    (
        ops.MakeTable("", "bridge t", (RULE,), replaces=False),
        "write nftables table bridge t (1 rule)",
    ),
    (
        ops.MakeTable("", "bridge t", (), replaces=True),
        "write nftables table bridge t anew (0 rules)",
    ),
    (
        ops.FillTable("", "bridge t", (RULE, RULE)),
        "write the rules of nftables table bridge t (2 rules)",
    ),
    (
        ops.ClaimTable("", "bridge t"),
        "own nftables table bridge t, so that nobody else can flush it",
    ),
    (
        ops.TrimTable("", "bridge t", (), ()),
        "take what is no longer wanted out of nftables table bridge t",
    ),
    (ops.RemoveTable("", "bridge t", ()), "remove nftables table bridge t"),
    (
        ops.MakeTally("", "inet t", (COUNTED,), replaces=False),
        "write nftables table inet t (peers counted: 1)",
    ),
    (
        ops.MakeTally("", "inet t", (), replaces=True),
        "write nftables table inet t anew (peers counted: 0)",
    ),
    (ops.WriteTallyRules("", "inet t"), "write the rules of nftables table inet t"),
    (
        ops.MakeIngress("", "inet t", LET_IN, replaces=False),
        "write nftables table inet t (1 VNI filtered)",
    ),
    (
        ops.MakeIngress("", "inet t", (), replaces=True),
        "write nftables table inet t anew (0 VNIs filtered)",
    ),
    (ops.WriteIngressRules("", "inet i"), "write the rules of nftables table inet i"),
    (
        ops.ChangeIngress("", "inet t", LET_IN, LET_IN[1:]),
        "in inet t let in 192.0.2.2, no longer filter 1 VNI",
    ),
    (
        ops.ChangeIngress(
            "", "inet t", (), (*LET_IN, replace(LET_IN[0], address=ip_address("192.0.2.3")))
        ),
        "in inet t keep out 2 peers",
    ),
    (ops.TrimIngress("", "inet t", LET_IN), "in inet t no longer filter 1 VNI"),
    (
        ops.TrimIngress("", "inet t", (Element("exclusive", 4789),)),
        "in inet t no longer drop other VNIs on port 4789",
    ),
    (ops.AddCounters("", "inet t", (COUNTED,), (COUNTED,)), "count in inet t for 192.0.2.2"),
    (
        ops.RemoveCounters("", "inet t", (COUNTED,), (OTHER,)),
        "count in inet t no more for 2 peers",
    ),
]


@pytest.mark.parametrize(("operation", "said"), SAID, ids=[said for _, said in SAID])
def test_an_operation_says_what_it_does(operation: Operation, said: str) -> None:
    """In words that name the device."""
    assert str(operation) == said
    assert operation.device in said


def test_only_what_lets_frames_pass_needs_its_guards_read_back() -> None:
    """Bringing up, taking guards away, and taking over what is up."""
    needing = {
        type(operation) for operation, _ in SAID if operation.phase in {Phase.UP, Phase.DISARM}
    }
    needing.add(ops.Adopt)
    needing.remove(ops.TrimIngress)  # no guard: it lets nobody through between ports
    guarded = [
        ops.BringUp("lan", "a", GUARDING),
        ops.Unisolate("lan", "a", GUARDING),
        ops.Adopt("lan", "a", "vxland-lan+b", "b", "vxbr0", (GUARDING,)),
        ops.TrimChain("", "C", (), (), (GUARDING,)),
        ops.RemoveChain("", "C", (), (GUARDING,)),
        ops.RetireRules("", "ebtables F", (), (GUARDING,)),
        ops.TrimTable("", "bridge t", (), (GUARDING,)),
        ops.RemoveTable("", "bridge t", (GUARDING,)),
    ]
    assert needing == {type(operation) for operation in guarded}
    assert [operation.needs for operation in guarded] == [(GUARDING,)] * len(guarded)
    assert {operation.needs for operation, _ in SAID if type(operation) not in needing} == {()}


def test_each_option_is_a_subject_of_its_own() -> None:
    """A fight over the ttl leaves the tos alone."""
    assert ops.SetOption("lan", "a", "ttl", 1).subject == ("a", "ttl")
    assert ops.ResetFlag("lan", "a", "flood").subject == ("a", "flag flood")
    assert ops.ClearFlag("lan", "a", "flood").subject == ("a", "flag flood")
    assert ops.SetMtu("lan", "a", 1450).subject == ("a", "mtu")


def test_an_operation_without_words_of_its_own_has_some() -> None:
    """Device and attribute."""
    assert Operation.__str__(ops.SetMtu("lan", "a", 1450)) == "mtu of a"
