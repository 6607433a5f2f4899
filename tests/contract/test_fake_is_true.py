"""The fake kernel does what the real one does: else what is proved on the fake proves nothing."""

from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.contract.samples import OVERTAKEN, SCENES
from tests.contract.twins import twins
from tests.core.configurations import Configuration, configurations
from tests.core.digits import Digits, digits
from tests.core.handmade import Handmade, adopting
from tests.core.stories import Story, Turn, stories
from tests.fake.drift import BRIDGE, DRIFT, EBTABLES, GUARDED, HOME, NFTABLES, B, C, D
from tests.fake.ingress_drift import INGRESS
from tests.fake.tally_drift import SHARED, TALLY
from tests.fake.vandalism import deleted
from tests.profiles import examples
from vxland.kernel.ebtables import SCRIPTS
from vxland.kernel.ingress import BATCHES as INGRESS_BATCHES
from vxland.kernel.messages import MESSAGES
from vxland.kernel.nftables import BATCHES
from vxland.kernel.tally import BATCHES as TALLY_BATCHES
from vxland.operations import DeleteLink, Operation
from vxland.plan import plan, plan_teardown

SIZE = 10  # bytes

pytestmark = pytest.mark.kernel


@pytest.mark.parametrize("drift", DRIFT)
def test_drift_and_its_repair(drift: str) -> None:
    """Both show the same drift, and the same after each of two turns of repair."""
    with twins() as both:
        both.turn(HOME)
        both.vandalise(*DRIFT[drift])
        both.turn(HOME)
        both.turn(HOME)


@pytest.mark.parametrize("drift", [*EBTABLES, *NFTABLES])
def test_drift_of_rules_and_its_repair(drift: str) -> None:
    """The same where the table guards, too."""
    with twins() as both:
        both.turn(GUARDED)
        both.vandalise(*{**EBTABLES, **NFTABLES}[drift])
        both.turn(GUARDED)
        assert both.turn(GUARDED).operations == ()


@pytest.mark.parametrize("drift", TALLY)
def test_drift_of_counters_and_its_repair(drift: str) -> None:
    """The same for the table that counts."""
    with twins() as both:
        both.turn(SHARED)
        both.vandalise(*TALLY[drift])
        assert both.turn(SHARED).operations
        assert both.turn(SHARED).operations == ()


@pytest.mark.parametrize("drift", INGRESS)
def test_drift_of_the_filter_and_its_repair(drift: str) -> None:
    """The same for the table that lets only peers in."""
    with twins() as both:
        both.turn(HOME)
        both.vandalise(*INGRESS[drift])
        assert both.turn(HOME).operations
        assert both.turn(HOME).operations == ()


@pytest.mark.parametrize("scene", SCENES)
def test_operations(scene: str) -> None:
    """Operations have the same effect on both, or are refused by both."""
    with twins() as both:
        both.turn(HOME)
        both.play(*SCENES[scene])


@pytest.mark.parametrize("scene", SCENES)
def test_operations_where_nothing_is(scene: str) -> None:
    """The same for operations on devices that aren't there."""
    with twins() as both:
        both.play(*SCENES[scene])


@pytest.mark.parametrize("scene", OVERTAKEN)
def test_operations_that_were_overtaken(scene: str) -> None:
    """The same for what was there a moment ago."""
    deed, operation = OVERTAKEN[scene]
    with twins() as both:
        both.turn(HOME)
        both.overtake(deed)
        both.perform(operation)


@pytest.mark.parametrize("gone", [(), (B,), (BRIDGE,), (B, C, D)])
def test_deletions_as_one(gone: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    """Where all is deleted by one message, some of it by somebody else a moment before."""
    monkeypatch.setattr("vxland.kernel.deletion.MANY", 2)
    with twins() as both:
        both.turn(HOME)
        both.overtake(*map(deleted, gone))
        both.perform(*(DeleteLink("lan", name) for name in (B, "nothing", C, D, BRIDGE)))
        both.turn(HOME)
        both.carry_out(plan_teardown(both.compare()))


def test_every_class_of_operations_is_compared() -> None:
    """A new class of operations needs a scene."""
    steps = chain.from_iterable(SCENES.values())
    seen = {type(step) for step in steps if isinstance(step, Operation)}
    assert {*MESSAGES, *SCRIPTS, *BATCHES, *INGRESS_BATCHES, *TALLY_BATCHES} == seen


@examples(15)
@given(configurations(), digits(SIZE), st.integers(0, 60))
def test_what_something_else_made_is_taken_over(
    wanted: Configuration, choose: Digits, cut: int
) -> None:
    """Both are the same after each step, wherever it is cut off; and nothing is left to do."""
    desired = adopting(wanted.desired)
    with twins() as both:
        both.vandalise(*Handmade(choose, desired).steps)
        both.carry_out(Turn(wanted, cut).of(plan(both.compare(), desired)))
        both.turn(desired)
        both.carry_out(plan_teardown(both.compare()))


@examples(25)
@given(stories(keeps=(False,)), configurations(), st.integers(0, 60))
def test_stories(story: Story, wanted: Configuration, cut: int) -> None:
    """Whatever happens, and wherever vxland is cut off, both are the same after each step."""
    with twins() as both:
        for step in (*story.steps, Turn(wanted, cut), Turn(wanted)):
            if isinstance(step, Turn):
                desired = step.configuration.desired
                both.carry_out(step.of(plan(both.compare(), desired)))
            else:
                both.vandalise(step)
        both.carry_out(plan_teardown(both.compare()))
