"""What must be true (docs/design.md), held against random stories on the fake kernel."""

from hypothesis import given

from tests.core.configurations import Configuration, configurations
from tests.core.stories import Story, everything, stories
from tests.core.truth import has_ipv6, untruths
from tests.core.watch import Watch, property_of_others
from tests.profiles import examples
from vxland.execution import execute
from vxland.hazards import looping_pairs
from vxland.model import Desired
from vxland.observed import Observed
from vxland.operations import AddAddress, Operation, SetMtu
from vxland.plan import Memory, plan
from vxland.problems import Kind

NOTHING = Memory()


def settled(story: Story, desired: Desired, memory: Memory = NOTHING) -> None:
    """All is as desired, there is nothing left to do, and nothing that could loop."""
    wanted = plan(everything(story.kernel), desired, memory)
    if all(follows_ports(operation, story.kernel.look()) for operation in wanted.operations):
        execute(wanted, story.kernel)
        wanted = plan(everything(story.kernel), desired, memory)
    seen = story.kernel.look()
    assert untruths(seen, desired, wanted.problems, memory) == []
    possible = [operation for operation in wanted.operations if not in_vain(operation, seen)]
    assert possible == []
    if not any(problem.kind is Kind.HAZARD for problem in wanted.problems):
        allowed = frozenset(n for o in desired.overlays for n in o.allow_tunnel_ports)
        assert looping_pairs(seen, allowed) == frozenset()


def follows_ports(operation: Operation, seen: Observed) -> bool:
    """The MTU of a bridge, if nobody set it yet, changes with its ports'; and nothing shows that.

    It takes a turn of its own, once.
    """
    return isinstance(operation, SetMtu) and seen.links[operation.device].kind == "bridge"


def in_vain(operation: Operation, seen: Observed) -> bool:
    """An IPv6 address on somebody's bridge that has no IPv6, tried again and again."""
    return (
        isinstance(operation, AddAddress)
        and operation.address.version == 6
        and not has_ipv6(seen.links[operation.device])
    )


@examples(150)
@given(stories(), configurations())
def test_one_plan_arrives(story: Story, wanted: Configuration) -> None:
    """From any actual state one plan leads to the desired one, and the next plan is empty."""
    desired = wanted.desired
    before = property_of_others(story.kernel)
    watch = Watch(story.kernel, desired)
    execute(plan(everything(story.kernel), desired), watch)
    assert property_of_others(story.kernel) == before
    settled(story, desired)
