"""What must be true (docs/design.md), held against random stories on the fake kernel."""

from hypothesis import given

from tests.core.configurations import Configuration, configurations
from tests.core.stories import Story, everything, stories
from tests.core.truth import untruths
from tests.core.watch import Watch, property_of_others
from tests.profiles import examples
from vxland.execution import execute
from vxland.hazards import looping_pairs
from vxland.model import Desired
from vxland.plan import Memory, plan
from vxland.problems import Kind

NOTHING = Memory()


def settled(story: Story, desired: Desired, memory: Memory) -> None:
    """All is as desired, there is nothing left to do, and nothing that could loop."""
    wanted = plan(everything(story.kernel), desired, memory)
    seen = story.kernel.look()
    assert untruths(seen, desired, wanted.problems, memory) == []
    assert wanted.operations == ()
    if not any(problem.kind is Kind.HAZARD for problem in wanted.problems):
        allowed = frozenset(n for o in desired.overlays for n in o.allow_tunnel_ports)
        assert looping_pairs(seen, allowed) == frozenset()


@examples(150)
@given(stories(), configurations())
def test_one_plan_arrives(story: Story, wanted: Configuration) -> None:
    """From any actual state one plan leads to the desired one, and the next plan is empty."""
    desired = wanted.desired
    before = property_of_others(story.kernel)
    watch = Watch(story.kernel, desired)
    execute(plan(everything(story.kernel), desired), watch)
    assert property_of_others(story.kernel) == before
    settled(story, desired, NOTHING)
