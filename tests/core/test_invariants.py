"""What must be true (docs/design.md), held against random stories on the fake kernel."""

from hypothesis import given
from hypothesis import strategies as st

from tests.core.adoptable import adoptable, tunnels_of, wrongly_removed
from tests.core.arrival import in_vain, settled
from tests.core.configurations import Configuration, configurations
from tests.core.digits import Digits, digits
from tests.core.stories import DEED_SIZE, Story, Turn, deed, everything, stories
from tests.core.watch import Others, Watch, property_of_others
from tests.profiles import examples
from vxland.execution import execute
from vxland.identity import CHAIN
from vxland.model import Desired
from vxland.observed import Unavailable
from vxland.ownership import is_own
from vxland.plan import Memory, plan, plan_teardown
from vxland.tables import tally

NOWHERE = Desired("", ())


@examples(150)
@given(stories(), configurations(), st.booleans())
def test_one_plan_arrives(story: Story, wanted: Configuration, batches: bool) -> None:  # noqa: FBT001
    """From any actual state one plan leads to the desired one, and the next plan is empty.

    On the way no operation changes anything of others', and no pair of ports becomes one that
    could loop, whether operations are done one by one or by phases.
    """
    desired = wanted.desired
    others = Others(story.kernel, desired)
    watch = Watch(story.kernel, desired, batches=batches)
    execute(plan(everything(story.kernel), desired), watch)
    others.check()
    settled(story.kernel, desired)


@examples(100)
@given(stories(), configurations(), st.integers(0, 60))
def test_a_plan_that_was_cut_off_arrives_when_planned_again(
    story: Story, wanted: Configuration, cut: int
) -> None:
    """After any operation vxland may be killed: the next plan arrives all the same."""
    desired = wanted.desired
    others = Others(story.kernel, desired)
    watch = Watch(story.kernel, desired)
    execute(Turn(wanted, cut).of(plan(everything(story.kernel), desired)), watch)
    execute(plan(everything(story.kernel), desired), watch)
    others.check()
    settled(story.kernel, desired)


@examples(100)
@given(stories(), configurations(), st.sets(st.integers(1, 60), min_size=1), st.booleans())
def test_failures_harm_nobody_and_are_made_good(
    story: Story,
    wanted: Configuration,
    failing: set[int],
    batches: bool,  # noqa: FBT001
) -> None:
    """Whatever the kernel refuses: nothing loops, nothing of others' changes, and it is mended."""
    desired = wanted.desired
    others = Others(story.kernel, desired)
    watch = Watch(story.kernel, desired, batches=batches, failing=failing)
    execute(plan(everything(story.kernel), desired), watch)
    others.check()
    execute(plan(everything(story.kernel), desired), Watch(story.kernel, desired))
    others.check()
    settled(story.kernel, desired)


@examples(60)
@given(stories(), configurations(), digits(4))
def test_what_is_remembered_is_heeded(story: Story, wanted: Configuration, choose: Digits) -> None:
    """Others' ports go back where that is configured; ports with a contested guard stay down."""
    desired = wanted.desired
    memory = Memory(
        homeless={
            overlay.bridge.device: frozenset(choose.some(strangers(story), most=2))
            for overlay in desired.overlays
        },
        grounded=frozenset(choose.some([vtep.device for vtep in desired.vteps()], most=2)),
    )
    returning = {
        name
        for overlay in desired.overlays
        for name in memory.homeless[overlay.bridge.device]
        if overlay.reattach
    }
    others = Others(story.kernel, desired, returning)
    watch = Watch(story.kernel, desired)
    execute(plan(everything(story.kernel), desired, memory), watch)
    others.check()
    settled(story.kernel, desired, memory)


def strangers(story: Story) -> list[str]:
    """Others' devices that could be in a bridge."""
    devices = story.kernel.net.devices.values()
    return [d.name for d in devices if d.kind in ("veth", "vxlan") and not is_own(d.seen({}))]


@examples(60)
@given(stories(), configurations())
def test_rules_may_come_and_go(story: Story, wanted: Configuration) -> None:
    """Without ebtables and nftables nothing is made worse; with them one plan arrives."""
    desired = wanted.desired
    others = Others(story.kernel, desired)
    watch = Watch(story.kernel, desired)
    story.kernel.no_ebtables = story.kernel.no_nftables = Unavailable("it is gone")
    for _ in range(2):
        execute(plan(everything(story.kernel), desired), watch)
    idle = plan(everything(story.kernel), desired)
    assert [op for op in idle.operations if not in_vain(op, story.kernel.look())] == []
    story.kernel.no_ebtables = story.kernel.no_nftables = None
    execute(plan(everything(story.kernel), desired), watch)
    others.check()
    settled(story.kernel, desired)


@examples(60)
@given(stories())
def test_a_teardown_leaves_nothing_but_what_others_use(story: Story) -> None:
    """All that is vxland's goes, and nothing else."""
    others = Others(story.kernel, NOWHERE)
    wanted = plan_teardown(everything(story.kernel))
    execute(wanted, Watch(story.kernel, NOWHERE))
    others.check()
    assert plan_teardown(everything(story.kernel)).operations == ()
    seen = story.kernel.look()
    in_use = {problem.device for problem in wanted.problems}
    assert {link.name for link in seen.links.values() if is_own(link)} <= in_use
    assert CHAIN not in story.kernel.filter.chains
    assert story.kernel.nft.chains is story.kernel.ingress.chains is None
    table = story.kernel.tally.state().table
    assert table is None or not tally.is_own(table)


@examples(60)
@given(stories(), configurations(), st.lists(digits(DEED_SIZE), min_size=1, max_size=3))
def test_a_plan_overtaken_by_events_touches_nobody_elses(
    story: Story, wanted: Configuration, deeds: list[Digits]
) -> None:
    """What others do between the look and the act isn't undone by mistake.

    What they put on a device of vxland's that is about to go, nobody can save.
    """
    seen, desired = story.kernel.look(), wanted.desired
    planned = plan(everything(story.kernel), desired)
    devices = story.kernel.net.devices.values()
    adopted = adoptable(seen, desired)
    own = {d.index for d in devices if is_own(d.seen({})) or d.name in adopted}
    for choose in deeds:
        story.vandalise(deed(choose, story.kernel))
    before = property_of_others(story.kernel)
    strange = {
        device.index
        for device in story.kernel.net.devices.values()
        if own.isdisjoint((device.index, device.master, device.lower))
    }.intersection(before.devices)
    execute(planned, story.kernel)
    after = property_of_others(story.kernel)
    assert {i: before.devices[i] for i in strange} == {i: after.devices.get(i) for i in strange}
    names = tunnels_of(seen, desired)
    for chain, rules in before.rules.items():
        assert wrongly_removed(rules, after.rules[chain], names) == []
