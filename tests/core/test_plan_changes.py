"""What a plan consists of when the configuration changed, or several things are off at once."""

import pytest
from msgspec.structs import replace

from tests.core.test_plan import GRE, do, home, of, planned, said
from tests.fake import strangers as others
from tests.fake import vandalism as somebody
from tests.fake.drift import BRIDGE, DROP, GUARDED, HOME, JUMP, B, C
from tests.fake.wishes import DMZ, LAN, wish
from vxland.execution import execute
from vxland.guards import armed
from vxland.identity import CHAIN, pair_vni
from vxland.model import Desired
from vxland.observed import Owner
from vxland.operations import (
    BringUp,
    CreateVtep,
    DeleteAbroad,
    DeleteLink,
    RemoveChain,
    RemoveTable,
    TrimChain,
    TrimTable,
    Unisolate,
    WriteChain,
)
from vxland.plan import Plan, plan
from vxland.problems import Kind, Problem
from vxland.settings import OverlaySettings, VniScheme

INDEX = replace(DMZ, vni=VniScheme.INDEX)


def changed(before: Desired, after: Desired) -> Plan:
    """What is to be done when one becomes the other."""
    return plan(home(before).observe(), after)


def guarded(overlay: OverlaySettings, *guards: str) -> OverlaySettings:
    """The overlay with these guards."""
    return replace(overlay, guards=guards)


def test_a_guard_that_is_wanted_no_more_goes_last() -> None:
    """Once the other was read back for every port."""
    made = changed(wish(LAN), wish(guarded(LAN, "isolated")))
    assert {type(operation) for operation in made.operations} == {RemoveChain}
    assert {guarding.device for guarding in made.operations[0].needs} == {B, C, "vxl-lan-d"}
    made = changed(wish(guarded(LAN, "isolated", "nftables")), wish(guarded(LAN, "isolated")))
    assert {type(operation) for operation in made.operations} == {RemoveTable}
    assert {guarding.device for guarding in made.operations[0].needs} == {B, C, "vxl-lan-d"}
    made = changed(wish(LAN), wish(guarded(LAN, "ebtables")))
    assert {type(operation) for operation in made.operations} == {Unisolate}


def test_a_rule_that_is_wanted_no_more_goes_last() -> None:
    """The chain stays for the other overlay."""
    for guard, trim in (("ebtables", TrimChain), ("nftables", TrimTable)):
        lan, index = (guarded(overlay, "isolated", guard) for overlay in (LAN, INDEX))
        made = changed(wish(lan, index), wish(lan, guarded(INDEX, "isolated")))
        assert [type(operation) for operation in made.operations] == [trim]
        assert {guarding.guards for guarding in made.operations[0].needs} == {("isolated",)}


def test_each_rule_of_the_chain_has_a_jump_before_others_rules() -> None:
    """It goes with its rule; others' rules stay where they are."""
    both = wish(guarded(LAN, "isolated", "ebtables"), guarded(INDEX, "isolated", "ebtables"))
    kernel = home()
    do(somebody.ebtables("-I FORWARD -i eth0 -j ACCEPT"), kernel)
    one = [JUMP, "-i eth0 -j ACCEPT"]
    two = [JUMP, "-i vxlan+ -o vxlan+ -j VXLAND", "-i eth0 -j ACCEPT"]
    none = wish(guarded(LAN, "isolated"))
    for desired, forward in ((HOME, one), (both, two), (HOME, one), (none, one[1:])):
        execute(plan(kernel.observe(), desired), kernel)
        assert kernel.filter.chains["FORWARD"].rules == forward
        assert plan(kernel.observe(), desired).operations == ()


def test_a_jump_of_every_frame_guards_until_it_is_replaced() -> None:
    """In one transaction: earlier versions wrote it."""
    kernel = home()
    do(somebody.ebtables("-I FORWARD -j VXLAND"), kernel)
    do(somebody.ebtables(f"-D FORWARD {JUMP}"), kernel)
    seen = kernel.observe()
    assert armed(B, ("ebtables",), seen)
    assert plan(seen, HOME).operations == (
        WriteChain("", CHAIN, (DROP,), jumps=(JUMP,), former=("-j VXLAND",)),
    )


def test_a_drop_that_nothing_leads_to_is_led_to_by_nobody() -> None:
    """Somebody wrote it into the chain, where it would cut what isn't vxland's."""
    kernel = home()
    do(somebody.ebtables("-A VXLAND -i eth+ -o eth+ -j DROP"), kernel)
    assert plan(kernel.observe(), HOME).operations == (
        WriteChain("", CHAIN, (DROP,), jumps=(JUMP,), former=(JUMP,)),
    )


def test_no_jump_is_left_behind_others_rules() -> None:
    """The chain couldn't be removed."""
    for jump in (JUMP, "-j VXLAND", "-i eth0 -j VXLAND"):
        kernel = home()
        for rule in ("-i eth0 -j ACCEPT", jump):
            do(somebody.ebtables(f"-A FORWARD {rule}"), kernel)
        execute(plan(kernel.observe(), HOME), kernel)
        assert kernel.filter.chains["FORWARD"].rules == [JUMP, "-i eth0 -j ACCEPT"]


def test_a_daemon_owns_the_table_for_good() -> None:
    """It claims one that lost its owner, and makes one anew that can't be owned."""
    kernel = home(GUARDED)
    assert plan(kernel.observe(), GUARDED).operations == ()
    kernel.nft.keeps = True
    assert said(plan(kernel.observe(), GUARDED)) == [
        "write nftables table bridge vxland anew (1 rule)"
    ]
    execute(plan(kernel.observe(), GUARDED), kernel)
    assert plan(kernel.observe(), GUARDED).operations == ()
    do(somebody.ruleset_flushed(), kernel)
    assert kernel.nft.chains is not None
    do(somebody.daemon_ended(), kernel)
    claim = "own nftables table bridge vxland, so that nobody else can flush it"
    assert claim in said(plan(kernel.observe(), GUARDED))
    execute(plan(kernel.observe(), GUARDED), kernel)
    assert plan(kernel.observe(), GUARDED).operations == ()


def test_a_table_of_another_owner_is_left_to_it_where_it_guards() -> None:
    """It would be refused."""
    kernel = home(GUARDED)
    kernel.nft.keeps = kernel.nft.persistent = True
    kernel.nft.owner = Owner.OTHER
    assert plan(kernel.observe(), GUARDED).operations == ()


def test_what_the_kernel_does_not_change_in_place_is_made_anew() -> None:
    """The port, here: deleted first, then made."""
    made = changed(wish(LAN), wish(replace(LAN, port=4790)))
    kinds = of(made, B)
    assert kinds[0] is DeleteLink
    assert CreateVtep in kinds
    assert kinds[-1] is BringUp


def test_a_missing_tunnel_that_is_abroad_is_deleted_there() -> None:
    """It would keep its VNI."""
    kernel = home()
    do(somebody.moved_abroad(B), kernel)
    seen = replace(kernel.observe(), abroad=kernel.look_abroad())
    assert of(plan(seen, wish(LAN)), B)[0] is DeleteAbroad


def test_a_tunnel_made_beside_a_hazard_stays_down() -> None:
    """It is made, and doesn't come up."""
    deeds = (somebody.deleted(B), others.vxlan(GRE, 5, 4790), somebody.put_into(GRE, BRIDGE))
    kinds = of(planned(*deeds), B)
    assert CreateVtep in kinds
    assert BringUp not in kinds


def test_a_bridge_that_is_down_under_another_name_gets_it_back() -> None:
    """Without being taken down once more."""
    sentences = said(planned(somebody.renamed(BRIDGE, "foo"), somebody.set_down("foo")))
    assert "take foo down" not in sentences
    assert f"rename foo to {BRIDGE}" in sentences
    assert f"set bridge {BRIDGE} up" in sentences


def test_marks_of_another_device_are_taken_off_and_other_altnames_stay() -> None:
    """Somebody's altname is nobody's business."""
    sentences = said(
        planned(somebody.altname_added(B, "vxland-lan+z"), somebody.altname_added(B, "nickname"))
    )
    assert sentences == [f"take the altname vxland-lan+z off {B}"]


def test_a_mark_of_the_wrong_kind_stands_for_nothing() -> None:
    """A tunnel that says that it is the bridge is deleted, and the tunnel made anew."""
    made = planned(somebody.altname_removed(B, "vxland-lan+b"), somebody.alias(B, "vxland:lan"))
    assert of(made, B)[:2] == [DeleteLink, CreateVtep]


def test_a_vni_of_vxlands_own_that_stays_is_waited_for() -> None:
    """Its overlay has lost its peers in the file, so it gives nothing away."""
    kernel = home(wish(LAN, DMZ))
    vni = pair_vni("dmz", "a", "b")
    taking = replace(LAN, vnis=((frozenset("ab"), vni),))
    (lan,), (_, dmz) = wish(taking).overlays, wish(LAN, DMZ).overlays
    wanted = replace(wish(taking), overlays=(lan, replace(dmz, vteps=(), peers_listed=0)))
    made = plan(kernel.observe(), wanted)
    waiting = [problem for problem in made.problems if problem.kind is Kind.WAITING]
    assert [problem.device for problem in waiting] == ["vxl-dmz-b"]
    assert f"VNI {vni}" in waiting[0].text
    assert of(made, B) == []


def test_somebody_elses_tunnel_abroad_is_none_of_this_nodes() -> None:
    """Only what has the mark or the VNI of the missing one is deleted there."""
    kernel = home()
    for deed in (somebody.moved_abroad(B), somebody.moved_abroad(C)):
        do(deed, kernel)
    seen = replace(kernel.observe(), abroad=kernel.look_abroad())
    made = plan(seen, wish(LAN))
    deletions = [op for op in made.operations if isinstance(op, DeleteAbroad)]
    assert {op.device for op in deletions} == {B, C}
    assert len(deletions) == 2


def test_a_bridge_that_stays_up_under_another_name_gets_it_back() -> None:
    """Taken down for it, as kernels before 6.2 ask."""
    sentences = said(planned(somebody.renamed(BRIDGE, "foo")))
    assert "take foo down" in sentences
    assert f"rename foo to {BRIDGE}" in sentences


def test_a_port_left_alone_goes_down_where_its_guard_can_not_reach_it() -> None:
    """The chain goes by name; the overlay has lost its peers in the file."""
    kernel = home(wish(guarded(LAN, "ebtables")))
    do(somebody.renamed(B, "foo"), kernel)
    wanted = wish(guarded(LAN, "ebtables"))
    (lan,) = wanted.overlays
    emptied = replace(wanted, overlays=(replace(lan, vteps=(), peers_listed=0),))
    assert "take foo down" in said(plan(kernel.observe(), emptied))


@pytest.mark.parametrize("after", [("nftables",), ("nftables", "isolated")])
def test_a_port_left_alone_that_a_guard_can_not_reach_keeps_no_other_guard(
    after: tuple[str, ...],
) -> None:
    """It is down, or another one reaches it; the chain has nothing left to do."""
    kernel = home(wish(guarded(INDEX, "ebtables")))
    wanted = wish(guarded(replace(INDEX, vni=VniScheme.PAIR), *after))
    (dmz,) = wanted.overlays
    waiting = Problem(Kind.WAITING, "no answer", overlay="dmz", peer="b")
    vteps = tuple(vtep for vtep in dmz.vteps if vtep.peer != "b")
    wanted = replace(wanted, overlays=(replace(dmz, vteps=vteps, waiting=(waiting,)),))
    outcomes = execute(plan(kernel.observe(), wanted), kernel)
    assert [str(outcome.failure) for outcome in outcomes if outcome.failure] == []
    assert CHAIN not in kernel.filter.chains
    assert kernel.look().links["vxlan0"].up is ("isolated" in after)
