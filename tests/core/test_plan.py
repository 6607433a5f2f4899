"""What a plan consists of, case by case."""

import pytest
from msgspec.structs import replace

from tests.fake import strangers as others
from tests.fake import vandalism as somebody
from tests.fake.drift import BRIDGE, HOME, B, C
from tests.fake.vandalism import Vandalism
from tests.fake.wishes import DMZ, LAN, settings, wish
from tests.fake_kernel import FakeKernel
from vxland.execution import execute
from vxland.identity import pair_vni
from vxland.model import Desired
from vxland.observed import Unavailable
from vxland.operations import Operation, TakeDown
from vxland.plan import Memory, Plan, plan, plan_teardown
from vxland.problems import Kind, Problem
from vxland.settings import VniScheme

GRE = "vxlan77"  # somebody's tunnel


def home(desired: Desired = HOME) -> FakeKernel:
    """A kernel that is as desired."""
    kernel = FakeKernel()
    execute(plan(kernel.observe(), desired), kernel)
    assert plan(kernel.observe(), desired) == Plan()
    return kernel


def do(deed: Vandalism, kernel: FakeKernel) -> None:
    """Somebody does this, and may."""
    assert deed.apply(kernel)


def planned(*deeds: Vandalism, desired: Desired = HOME, memory: Memory = Memory()) -> Plan:  # noqa: B008
    """What is to be done at home after these deeds."""
    kernel = home()
    for deed in deeds:
        do(deed, kernel)
    return plan(kernel.observe(), desired, memory)


def said(plan: Plan) -> list[str]:
    """The operations as sentences."""
    return [str(operation) for operation in plan.operations]


def of(plan: Plan, device: str) -> list[type[Operation]]:
    """The kinds of operations on one device."""
    return [type(operation) for operation in plan.operations if operation.device == device]


def only(plan: Plan, kind: Kind) -> Problem:
    """The one problem of the plan."""
    (problem,) = plan.problems
    assert problem.kind is kind
    return problem


@pytest.mark.parametrize(
    ("deed", "repairs"),
    [
        (somebody.mtu(B, 1300), [f"set the MTU of {B} to 1450"]),
        (somebody.set_down(B), [f"bring {B} up"]),
        (somebody.isolation(B, on=False), [f"isolate {B}"]),
        (somebody.alias(B, ""), [f"mark {B} as vxland:lan:b"]),
        (somebody.link_local(B), [f"keep IPv6 link-local addresses off {B}"]),
        (somebody.local(B, "192.0.2.66"), [f"set the local address of {B} to 192.0.2.1"]),
        (somebody.option(B, "ttl 7"), [f"set ttl of {B} to 0"]),
        (somebody.flood_removed(B, "192.0.2.2"), [f"append 192.0.2.2 to the flood list of {B}"]),
        (somebody.flood_added(B, "192.0.2.66"), [f"remove flood entry to 192.0.2.66 from {B}"]),
        (
            somebody.set_down(BRIDGE),  # which loses its IPv6 addresses
            [f"add address 2001:db8:1::1/64 to {BRIDGE}", f"set bridge {BRIDGE} up"],
        ),
        (somebody.mtu(BRIDGE, 1300), [f"set the MTU of {BRIDGE} to 1450"]),
        (
            somebody.taken_out(B),
            [f"take {B} down", f"attach {B} to {BRIDGE}", f"isolate {B}", f"bring {B} up"],
        ),
        (
            somebody.renamed(B, "foo"),
            ["take foo down", f"rename foo to {B}", f"bring {B} up"],
        ),
        (somebody.ebtables("-F"), ["write ebtables chain VXLAND (1 rule), first in FORWARD"]),
    ],
    ids=lambda value: None if isinstance(value, list) else value.command,
)
def test_what_is_off_is_put_right_and_nothing_else(deed: Vandalism, repairs: list[str]) -> None:
    """As little as puts it right."""
    made = planned(deed)
    assert said(made) == repairs
    assert not made.in_sync


def test_a_wanted_name_that_somebody_has_is_a_conflict() -> None:
    """Named with what holds it; nothing is taken."""
    made = planned(somebody.deleted(B), others.veth(B, "peer0"))
    problem = only(made, Kind.CONFLICT)
    assert f"the name {B}, wanted for the tunnel to b, is held by {B} (veth)" in problem.text
    assert said(made) == ["write ebtables chain VXLAND (3 rules), first in FORWARD"]


def test_a_wanted_altname_that_somebody_has_is_a_conflict() -> None:
    """The tunnel works without it."""
    made = planned(
        others.veth("veth0", "peer0"),
        somebody.altname_removed(B, "vxland-lan+b"),
        somebody.altname_added("veth0", "vxland-lan+b"),
    )
    assert "vxland-lan+b" in only(made, Kind.CONFLICT).text
    assert made.operations == ()


def test_a_wanted_vni_that_somebody_has_is_a_conflict() -> None:
    """With the line that resolves it."""
    vni = pair_vni("lan", "a", "b")
    made = planned(somebody.deleted(B), others.vxlan("theirs", vni))
    problem = only(made, Kind.CONFLICT)
    assert f"VNI {vni} on port 4789" in problem.text
    assert f'[overlay.vnis] "a b" = {vni + 1}' in problem.cure
    assert made.operations == ()


def test_a_device_without_marks_is_somebodys() -> None:
    """It lost both: it has the name and the VNI. While it is guarded, it is no hazard."""
    made = planned(somebody.alias(B, ""), somebody.altname_removed(B, "vxland-lan+b"))
    assert "vxland plan --adopt" in only(made, Kind.CONFLICT).cure
    assert made.operations == ()
    loose = planned(
        somebody.alias(B, ""),
        somebody.altname_removed(B, "vxland-lan+b"),
        somebody.isolation(B, on=False),
    )
    assert B not in {operation.device for operation in loose.operations}
    assert {type(operation) for operation in loose.operations} == {TakeDown}


def test_a_device_under_another_name_stays_down_while_its_name_is_taken() -> None:
    """A chain that goes by name doesn't guard it there."""
    made = planned(somebody.renamed(B, "foo"), others.veth(B, "peer0"))
    only(made, Kind.CONFLICT)
    assert said(made) == [
        "take foo down",
        "write ebtables chain VXLAND (3 rules), first in FORWARD",
    ]


def test_a_bridge_whose_name_is_taken_is_a_conflict() -> None:
    """And its tunnels are left as they are."""
    made = planned(somebody.deleted(BRIDGE), others.veth(BRIDGE, "peer0"))
    problem = next(p for p in made.problems if p.kind is Kind.CONFLICT)
    assert f"the name {BRIDGE}, wanted for the bridge of overlay lan" in problem.text
    assert {type(operation) for operation in made.operations} <= {TakeDown}


def test_a_bridge_whose_altname_is_taken_is_a_conflict() -> None:
    """The altname is the second mark."""
    kernel = FakeKernel()
    for deed in (others.veth("veth0", "peer0"), somebody.altname_added("veth0", "vxland-lan")):
        do(deed, kernel)
    made = plan(kernel.observe(), HOME)
    assert "vxland-lan" in only(made, Kind.CONFLICT).text
    assert [operation.device for operation in made.operations] == ["VXLAND"]


def test_somebodys_bridge_is_used_as_it_is() -> None:
    """Down it is waited for; neither its state nor its MTU nor its MAC is changed."""
    kernel = FakeKernel()
    do(others.bridge(BRIDGE), kernel)
    made = plan(kernel.observe(), wish(LAN))
    assert f"bridge {BRIDGE} is down, and vxland didn't make it" in only(made, Kind.WAITING).text
    assert of(made, BRIDGE) == []
    execute(made, kernel)
    assert kernel.look().links[B].master == BRIDGE
    do(somebody.set_up(BRIDGE), kernel)
    assert plan(kernel.observe(), wish(LAN)) == Plan()


def test_somebodys_tunnel_in_the_bridge_takes_vxlands_ports_down() -> None:
    """Until it is gone, or allowed by name."""
    deeds = (others.vxlan(GRE, 5, 4790), somebody.put_into(GRE, BRIDGE))
    made = planned(*deeds)
    problem = only(made, Kind.HAZARD)
    assert problem.device == GRE
    assert said(made) == [f"take {device} down" for device in (B, C, "vxl-lan-d")]
    allowing = wish(replace(LAN, allow_tunnel_ports=frozenset({GRE})))
    addresses_aside = planned(*deeds, desired=allowing).operations
    assert TakeDown not in {type(operation) for operation in addresses_aside}


def test_a_guard_that_can_not_be_had_leaves_the_overlay_alone() -> None:
    """Nothing is touched before it is there; a hazard still takes ports down."""
    kernel = home()
    kernel.no_ebtables = Unavailable("ebtables isn't installed", "Install it")
    do(somebody.mtu(B, 1300), kernel)
    made = plan(kernel.observe(), HOME)
    assert str(only(made, Kind.GUARD)).endswith("Install it")
    assert made.operations == ()
    for deed in (others.vxlan(GRE, 5, 4790), somebody.put_into(GRE, BRIDGE)):
        do(deed, kernel)
    assert {type(op) for op in plan(kernel.observe(), HOME).operations} == {TakeDown}


def test_an_overlay_without_peers_looks_like_half_a_file() -> None:
    """Its tunnels stay; with a disabled peer listed, they go."""
    emptied = wish(LAN, peers="a")
    made = planned(desired=emptied)
    assert made.operations == ()
    assert "vxland down" in only(made, Kind.REFUSED).cure
    disabled = planned(desired=wish(LAN, peers="ab", off="b"))
    assert [str(op) for op in disabled.operations if "delete" in str(op)] == [
        f"delete {device}" for device in (B, C, "vxl-lan-d")
    ]


def test_without_overlays_there_is_nothing_to_do() -> None:
    """What is there stays, and vxland says what to do."""
    nothing = Desired("", ())
    assert plan(FakeKernel().observe(), nothing).in_sync
    made = planned(desired=nothing)
    assert made.operations == ()
    only(made, Kind.REFUSED)


def test_a_peer_taken_out_disturbs_no_other() -> None:
    """One device is deleted, and then its VNI is nothing to be filtered any more."""
    assert said(planned(desired=replace_peers("abd"))) == [
        f"delete {C}",
        "in inet vxland-ingress no longer filter 1 VNI",
    ]


def replace_peers(peers: str) -> Desired:
    """Home with these peers."""
    overlays = settings(LAN, peers=peers)
    wanted = wish(*overlays.overlays, peers=peers)
    (overlay,) = wanted.overlays
    (there,) = HOME.overlays
    return replace(wanted, overlays=(replace(overlay, bridge=there.bridge),))


def test_with_index_numbers_the_later_ones_are_recreated() -> None:
    """And the plan says so."""
    index = replace(LAN, vni=VniScheme.INDEX)
    kernel = home(wish(index))
    made = plan(kernel.observe(), wish(index, peers="acd"))
    hint = only(made, Kind.HINT)
    assert "those to c, d get another number and are recreated" in hint.text
    assert said(made)[:3] == ["delete vxlan0", "delete vxlan1", "delete vxlan2"]


def test_a_fought_over_port_stays_down() -> None:
    """Its guard keeps being taken away."""
    made = planned(memory=Memory(grounded=frozenset({B})))
    assert said(made) == [f"take {B} down"]


@pytest.mark.parametrize(
    ("deeds", "kept_because"),
    [
        ((), None),
        ((others.veth("veth0", "peer0"), somebody.put_into("veth0", BRIDGE)), "port veth0"),
        ((others.macvlan("mv0", BRIDGE),), "device mv0"),
        ((somebody.address_added(BRIDGE, "10.9.9.9/24"),), "address 10.9.9.9/24"),
    ],
)
def test_down_removes_everything_but_a_bridge_that_others_use(
    deeds: tuple[Vandalism, ...], kept_because: str | None
) -> None:
    """Tunnels, rules, its own bridge and addresses."""
    kernel = home()
    for deed in deeds:
        do(deed, kernel)
    made = plan_teardown(kernel.observe())
    outcomes = execute(made, kernel)
    assert [outcome.failure for outcome in outcomes] == [None] * len(outcomes)
    seen = kernel.look()
    assert (BRIDGE in seen.links) is (kept_because is not None)
    assert not {B, C} & seen.links.keys()
    assert seen.ebtables == FakeKernel().look().ebtables
    if kept_because is not None:
        assert kept_because in only(made, Kind.HINT).text


def test_a_tunnel_whose_peer_has_no_address_at_the_moment_stays() -> None:
    """As it is, and guarded."""
    (overlay,) = HOME.overlays
    waiting = Problem(Kind.WAITING, "no answer", overlay="lan", peer="b")
    vteps = tuple(vtep for vtep in overlay.vteps if vtep.peer != "b")
    wanted = replace(HOME, overlays=(replace(overlay, vteps=vteps, waiting=(waiting,)),))
    assert planned(desired=wanted).operations == ()
    assert said(planned(somebody.isolation(B, on=False), desired=wanted)) == [f"isolate {B}"]
    deeds = (others.vxlan(GRE, 5, 4790), somebody.put_into(GRE, BRIDGE))
    assert f"take {B} down" in said(planned(*deeds, desired=wanted))


LOW = "06:00:00:00:00:01"  # lower than the card's


@pytest.mark.parametrize("others_deeds", [(), (somebody.isolation(B, on=False),)])
def test_somebodys_bridge_keeps_the_mac_that_it_has_from_a_tunnel(
    others_deeds: tuple[Vandalism, ...],
) -> None:
    """The tunnel keeps it, and others get vxland's, until the bridge's is set."""
    kernel = FakeKernel()
    do(others.own_bridge(BRIDGE, "n0"), kernel)
    execute(plan(kernel.observe(), HOME), kernel)
    assert kernel.look().links[BRIDGE].mac == others.CARD
    for deed in (somebody.mac(B, LOW), somebody.mac(C, f"0{LOW[1:-1]}2"), *others_deeds):
        do(deed, kernel)
    assert kernel.look().links[BRIDGE].mac == LOW
    execute(plan(kernel.observe(), HOME), kernel)
    assert plan(kernel.observe(), HOME).operations == ()
    links = kernel.look().links
    assert (links[BRIDGE].mac, links[B].mac, links[C].mac[:2]) == (LOW, LOW, "fe")
    do(somebody.mac(BRIDGE, others.CARD), kernel)
    (repair,) = said(plan(kernel.observe(), HOME))
    assert repair.startswith(f"set the MAC of {B} to fe:")


def test_a_bridge_of_tunnels_alone_has_no_mac_to_keep() -> None:
    """It has one of theirs, whichever is the lowest."""
    kernel = FakeKernel()
    do(others.own_bridge(BRIDGE, "n0"), kernel)
    execute(plan(kernel.observe(), HOME), kernel)
    do(somebody.deleted("n0"), kernel)
    lowest = min((B, C), key=lambda name: kernel.look().links[name].mac)
    do(somebody.mac(lowest, "fe:00:00:00:00:00"), kernel)
    assert kernel.look().links[BRIDGE].mac == "fe:00:00:00:00:00"
    (repair,) = said(plan(kernel.observe(), HOME))
    assert repair.startswith(f"set the MAC of {lowest} to fe:")


@pytest.mark.parametrize(
    ("deeds", "repairs"),
    [
        ((somebody.mac(B, "02:00:00:00:00:66"),), [f"set the MAC of {B} to "]),
        (
            (somebody.remote(B, "192.0.2.66"),),  # which moves the flood entry along
            [
                f"set the remote of {B} to 192.0.2.2",
                f"append 192.0.2.2 to the flood list of {B}",
                f"remove flood entry to 192.0.2.66 from {B}",
            ],
        ),
        (
            (somebody.altname_removed(B, "vxland-lan+b"),),
            [f"give {B} the altname vxland-lan+b"],
        ),
        (
            (somebody.link_local(B), somebody.set_down(B), somebody.set_up(B)),
            ["remove address fe80:", f"keep IPv6 link-local addresses off {B}"],
        ),
        ((somebody.address_added(B, "10.9.9.9/24"),), []),
        ((somebody.flag(B, "flood"),), [f"set the port flag flood of {B} back"]),
        ((somebody.mac(BRIDGE, "02:00:00:00:00:66"),), [f"set the MAC of {BRIDGE} to "]),
        ((somebody.alias(BRIDGE, ""),), [f"mark {BRIDGE} as vxland:lan"]),
        (
            (somebody.altname_removed(BRIDGE, "vxland-lan"),),
            [f"give {BRIDGE} the altname vxland-lan"],
        ),
    ],
)
def test_other_things_that_are_off(deeds: tuple[Vandalism, ...], repairs: list[str]) -> None:
    """Each by one operation, whose words begin so."""
    sentences = said(planned(*deeds))
    assert len(sentences) == len(repairs)
    assert [s[: len(r)] for s, r in zip(sentences, repairs, strict=True)] == repairs


def test_an_altname_of_vxlands_that_another_device_needs_is_taken_off() -> None:
    """Somebody gave one tunnel the name of another as an altname."""
    made = planned(somebody.deleted(C), somebody.altname_added(B, C))
    assert f"take the altname {C} off {B}" in said(made)
    assert f"create {C} to c (192.0.2.3, VNI {pair_vni('lan', 'a', 'c')})" in said(made)


def test_a_tunnel_with_the_bridges_name_gives_it_up() -> None:
    """The bridge was deleted, and one of vxland's tunnels was given its name."""
    kernel = home()
    for deed in (somebody.deleted(BRIDGE), somebody.renamed(B, BRIDGE)):
        do(deed, kernel)
    execute(plan(kernel.observe(), HOME), kernel)
    assert plan(kernel.observe(), HOME) == Plan()


def test_a_bridge_waits_for_its_name_while_a_tunnel_that_stays_has_it() -> None:
    """The tunnel's overlay has lost its peers in the file, so it stays under whatever name."""
    kernel = home(wish(LAN, DMZ))
    for deed in (somebody.deleted(BRIDGE), somebody.renamed("vxl-dmz-b", BRIDGE)):
        do(deed, kernel)
    wanted = wish(LAN, DMZ)
    (lan, dmz) = wanted.overlays
    emptied = replace(wanted, overlays=(lan, replace(dmz, vteps=(), peers_listed=0)))
    made = plan(kernel.observe(), emptied)
    waiting = [problem for problem in made.problems if problem.kind is Kind.WAITING]
    assert [problem.device for problem in waiting] == [BRIDGE]
    assert "stays as it is" in waiting[0].text
    assert of(made, BRIDGE) == []


def test_a_tunnel_that_can_not_be_made_anew_stays_as_it_is() -> None:
    """Its next VNI is somebody's: a conflict, and it goes on with the one it has."""
    kernel = home(wish(LAN))
    do(others.vxlan("theirs", 4711), kernel)
    pair = replace(LAN, vnis=((frozenset("ab"), 4711),))
    made = plan(kernel.observe(), wish(pair))
    assert "VNI 4711" in only(made, Kind.CONFLICT).text
    assert made.operations == ()
    for deed in (others.vxlan(GRE, 5, 4790), somebody.put_into(GRE, BRIDGE)):
        do(deed, kernel)
    assert f"take {B} down" in said(plan(kernel.observe(), wish(pair)))
