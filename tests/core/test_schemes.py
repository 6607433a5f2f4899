"""From one scheme of VNIs to the other: what stays, what a step says, and that it is taken."""

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.core.arrival import settled
from tests.core.configurations import GUARDS
from tests.core.digits import Digits, digits
from tests.core.stories import DEED_SIZE, Story, deed, everything
from tests.core.watch import Watch
from tests.fake import strangers as others
from tests.fake import vandalism as somebody
from tests.fake.vandalism import Vandalism
from tests.fake.wishes import LAN, wish
from tests.fake_kernel import FakeKernel
from tests.profiles import examples
from vxland import operations as ops
from vxland.execution import execute
from vxland.model import Desired
from vxland.plan import Plan, plan
from vxland.plan.disturbance import Disturbance, by_disturbance
from vxland.problems import Kind
from vxland.report import ConfigState, Report
from vxland.settings import OverlaySettings, VniScheme
from vxland.status.build import report_status
from vxland.traffic import Reading, Seen, Traffic, readings

INDEX = replace(LAN, vni=VniScheme.INDEX)
HEARS_PAIR = replace(INDEX, heard=VniScheme.PAIR)
HEARS_INDEX = replace(LAN, heard=VniScheme.INDEX)
STAGES = {
    "index": INDEX,
    "index, pair": HEARS_PAIR,
    "pair, index": HEARS_INDEX,
    "pair": LAN,
}


def wanted(overlay: OverlaySettings, guards: tuple[str, ...] = LAN.guards) -> Desired:
    """What node a should look like."""
    return wish(replace(overlay, guards=guards))


def numbers(kernel: FakeKernel) -> dict[str, int]:
    """The devices, by name."""
    return {device.name: index for index, device in kernel.net.devices.items()}


def carried_out(desired: Desired, kernel: FakeKernel) -> Plan:
    """The plan, each of whose operations lets nothing loop."""
    found = plan(kernel.observe(), desired)
    execute(found, Watch(kernel, desired))
    assert plan(kernel.observe(), desired) == Plan()
    return found


def hints(found: Plan) -> list[str]:
    """What a plan says."""
    assert all(problem.kind is Kind.HINT for problem in found.problems)
    return [str(problem) for problem in found.problems]


@pytest.mark.parametrize("guards", [("isolated",), ("ebtables",), ("nftables", "isolated")])
@pytest.mark.parametrize(("before", "after"), [*permutations(STAGES, 2)])
def test_what_goes_on_being_wanted_stays(before: str, after: str, guards: tuple[str, ...]) -> None:
    """Whichever step is taken: those that both have keep their number, and are never down."""
    kernel = FakeKernel()
    carried_out(wanted(STAGES[before], guards), kernel)
    had = numbers(kernel)
    found = carried_out(wanted(STAGES[after], guards), kernel)
    have = numbers(kernel)
    both = set(before.split(", ")) & set(after.split(", "))
    names = {"index": {"vxlan0", "vxlan1", "vxlan2"}, "pair": {f"vxl-lan-{p}" for p in "bcd"}}
    stay = {"vxbr0"}.union(*(names[scheme] for scheme in both))
    assert {name: have[name] for name in stay} == {name: had[name] for name in stay}
    assert not any(
        isinstance(op, ops.TakeDown | ops.DeleteLink | ops.CreateVtep) and op.device in stay
        for op in found.operations
    )


def test_one_speaks_before_the_other_falls_quiet() -> None:
    """Peer by peer, so that there is no moment in which nobody is spoken to."""
    kernel = FakeKernel()
    carried_out(wanted(HEARS_PAIR), kernel)
    found = carried_out(wanted(HEARS_INDEX), kernel)
    flags = [
        (op.device, op.flag, isinstance(op, ops.ResetFlag))
        for op in found.operations
        if isinstance(op, ops.ResetFlag | ops.ClearFlag)
    ]
    floods = ("bcast_flood", "flood", "mcast_flood")
    assert flags[:7] == [
        *(("vxl-lan-b", flag, True) for flag in floods),
        *(("vxlan0", flag, False) for flag in ("bcast_flood", "flood", "learning", "mcast_flood")),
    ]
    assert len(flags) == 3 * 7
    assert {device.name: device.odd_flags for device in kernel.net.devices.values()}["vxlan0"] == {
        *floods,
        "learning",
    }


@pytest.mark.parametrize(("before", "after"), [("pair, index", "pair"), ("index, pair", "index")])
def test_what_is_only_heard_goes_as_a_spare(before: str, after: str) -> None:
    """Nobody's traffic ends with it, unless somebody left out a step."""
    kernel = FakeKernel()
    carried_out(wanted(STAGES[before]), kernel)
    groups = by_disturbance(plan(kernel.observe(), wanted(STAGES[after])))
    assert {type(operation) for operation in groups[Disturbance.SPARE]} == {ops.DeleteLink}
    assert len(groups[Disturbance.SPARE]) == 3
    assert groups[Disturbance.REMOVED] == ()


STEPS = {
    ("index", "index, pair"): ["nothing is interrupted; VNIs by pair are heard from now on"],
    ("index, pair", "pair, index"): [
        "VNIs by pair are sent from now on",
        'Every server must have vni = ["index", "pair"] before',
    ],
    ("pair, index", "pair"): [
        "VNIs by index are heard no more",
        'Every server must have vni = ["pair", "index"] before',
    ],
    ("pair", "pair, index"): ["nothing is interrupted; VNIs by index are heard from now on"],
    ("pair, index", "index, pair"): [
        "VNIs by index are sent from now on",
        'Every server must have vni = ["pair", "index"] before',
    ],
    ("index, pair", "index"): [
        "VNIs by pair are heard no more",
        "packets may be lost until they say something",
        'Every server must have vni = ["index", "pair"] before',
    ],
    ("index", "pair"): [
        "that leaves out a step",
        'Without loss: vni = ["index", "pair"] and then vni = ["pair", "index"] first',
    ],
    ("pair", "index"): ["that leaves out a step"],
    ("pair", "index, pair"): ['Without loss: vni = ["pair", "index"] first'],
}


@pytest.mark.parametrize(("step", "words"), STEPS.items())
def test_a_step_says_what_it_interrupts(step: tuple[str, str], words: list[str]) -> None:
    """Once, when it is taken; and when it may be."""
    before, after = step
    kernel = FakeKernel()
    carried_out(wanted(STAGES[before]), kernel)
    (said,) = hints(carried_out(wanted(STAGES[after]), kernel))
    written = ['"index"', '["index", "pair"]', '["pair", "index"]', '"pair"']
    old, new = (written[list(STAGES).index(stage)] for stage in step)
    assert f"overlay lan goes from vni = {old} to {new}: " in said
    assert all(part in said for part in words)
    assert hints(plan(kernel.observe(), wanted(STAGES[after]))) == []


def test_a_device_that_is_named_by_neither_scheme_says_nothing() -> None:
    """It is given its name back."""
    kernel = FakeKernel()
    carried_out(wish(LAN, peers="ab"), kernel)
    device = kernel.net.by_name("vxl-lan-b")
    kernel.net.set_down(device)
    kernel.net.rename(device, "foo")
    assert hints(plan(kernel.observe(), wish(LAN, peers="ab"))) == []


def test_a_number_that_is_taken_leaves_the_peers_other_device_to_be_repaired() -> None:
    """The conflict is about one device; what there is of it stays as it is."""
    kernel = FakeKernel()
    carried_out(wanted(HEARS_PAIR), kernel)
    others.vxlan("somebodys", 4711).apply(kernel)
    somebody.mtu("vxlan0", 1400).apply(kernel)
    somebody.mtu("vxl-lan-b", 1400).apply(kernel)
    found = plan(
        kernel.observe(), wanted(replace(HEARS_PAIR, vnis=((frozenset({"a", "b"}), 4711),)))
    )
    assert [problem.kind for problem in found.problems] == [Kind.CONFLICT]
    assert found.operations == (ops.SetMtu("lan", "vxlan0", 1450),)


def test_what_a_peers_devices_count_adds_up() -> None:
    """It is one tunnel's: what is spoken to, and what is only heard."""
    traffic = Traffic(1, 20, 300, 4000)
    spoken = Seen("vxl-lan-b", "vxland:lan:b", 8, up=True, running=True, mtu=1450, traffic=traffic)
    heard = replace(spoken, name="vxlan0", incarnation=5, traffic=Traffic(2, 0, 7, 0))
    nobodys = replace(spoken, name="vxlan1", alias="")
    seen = {device.name: device for device in (spoken, heard, nobodys)}
    assert readings(seen) == {("lan", "b"): Reading(8, Traffic(3, 20, 307, 4000))}


def test_what_is_to_be_done_to_a_quiet_device_is_told_of_the_overlay() -> None:
    """Which isn't in sync meanwhile; the peer has one row, of the device that is spoken to."""
    kernel = FakeKernel()
    desired = wish(HEARS_PAIR, peers="ab")
    carried_out(desired, kernel)
    somebody.mtu("vxl-lan-b", 1400).apply(kernel)
    observed = kernel.observe()
    to_do = plan(observed, desired)
    turn = Report(0.0, 0.0, frozenset(), ConfigState(""), desired, observed, to_do)
    (told,) = report_status(turn)["overlays"]
    assert not told["in_sync"]
    assert told["pending"] == ["set the MTU of vxl-lan-b to 1450"]
    (row,) = told["tunnels"]
    assert (row["device"], row["in_sync"], told["peers_wanted"]) == ("vxlan0", True, 1)


@examples(40)
@given(
    st.lists(
        st.tuples(st.sampled_from(sorted(STAGES)), st.none() | st.integers(0, 40)),
        min_size=1,
        max_size=4,
    ),
    st.sampled_from(GUARDS),
    st.lists(digits(DEED_SIZE), max_size=3),
    st.sampled_from(sorted(STAGES)),
)
def test_any_moves_cut_off_anywhere_arrive_and_make_nothing_anew(
    moves: list[tuple[str, int | None]],
    guards: tuple[str, ...],
    deeds: list[Digits],
    last: str,
) -> None:
    """Between all four settings. What a move wants and finds keeps its number."""
    story = Story()
    for stage, cut in moves:
        moved(story.kernel, wanted(STAGES[stage], guards), cut)
    for choose in deeds:
        story.vandalise(deed(choose, story.kernel))
    desired = wanted(STAGES[last], guards)
    execute(plan(everything(story.kernel), desired), Watch(story.kernel, desired))
    settled(story.kernel, desired)


def moved(kernel: FakeKernel, desired: Desired, cut: int | None) -> None:
    """A turn, ended after some of its operations or not at all."""
    vnis = {vtep.device: vtep.vni for vtep in desired.vteps()}
    stay = {
        device.name: index
        for index, device in kernel.net.devices.items()
        if device.vxlan and device.alias and vnis.get(device.name) == device.vxlan.vni
    }
    found = plan(everything(kernel), desired)
    execute(Plan(found.operations[:cut]), Watch(kernel, desired))
    assert stay.items() <= numbers(kernel).items()


@pytest.mark.parametrize(
    "deeds",
    [
        [somebody.flag(f"vxl-lan-{peer}", "bcast_flood") for peer in "bcd"],
        [somebody.deleted(f"vxl-lan-{peer}") for peer in "bcd"],
        [somebody.altname_removed(f"vxl-lan-{peer}", f"vxland-lan+{peer}") for peer in "bcd"],
    ],
)
def test_what_somebody_changed_is_no_step(deeds: list[Vandalism]) -> None:
    """What is only heard tells that the other scheme is spoken, whatever is flooded to."""
    kernel = FakeKernel()
    desired = wanted(HEARS_INDEX)
    carried_out(desired, kernel)
    for made in deeds:
        assert made.apply(kernel)
    assert hints(carried_out(desired, kernel)) == []


def test_flooding_by_what_is_only_heard_is_no_step() -> None:
    """It ends."""
    kernel = FakeKernel()
    desired = wanted(HEARS_INDEX)
    carried_out(desired, kernel)
    for place in range(3):
        kernel.net.by_name(f"vxlan{place}").odd_flags = set()
    assert hints(carried_out(desired, kernel)) == []
