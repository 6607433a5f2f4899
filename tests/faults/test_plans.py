"""Random plans, on the fake kernel: whatever is refused, and wherever they are broken off.

Nothing loops and nothing of others' changes at any moment, and the next plan arrives. Here are a
few plans; ``-m whole`` tries a thousand.
"""

from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from errno import EBUSY, errorcode

import pytest
from hypothesis import given

from tests.core.arrival import settled
from tests.core.configurations import Configuration, configurations
from tests.core.stories import Story, everything, stories
from tests.core.watch import Others, Watch
from tests.fake_kernel import FakeKernel
from tests.faults.ledger import Ledger
from tests.faults.wire import ERRORS
from tests.profiles import examples
from vxland.execution import Failure, execute
from vxland.kernel.refusals import DONE_ALREADY
from vxland.model import Desired
from vxland.operations import Operation
from vxland.plan import Plan, plan

SOME, MANY = 12, 1000
WHOLE = (pytest.mark.whole, pytest.mark.timeout(0))


class Refusal(Watch):
    """One operation isn't done, and ends with this error."""

    def __init__(self, kernel: FakeKernel, desired: Desired, one: Operation, error: int) -> None:
        super().__init__(kernel, desired)
        self._one = one
        self._error = error

    def perform(self, operations: Sequence[Operation]) -> Mapping[Operation, Failure]:
        """Do the others."""
        if any(op is self._one for op in operations):
            self.refused(self._one)
        failures = dict(super().perform([op for op in operations if op is not self._one]))
        # Some errors say that it needn't be done: not true here, and nobody can know.
        done = self._error in DONE_ALREADY.get(type(self._one), ())
        if not done and any(op is self._one for op in operations):
            failures[self._one] = Failure(errorcode[self._error])
        return failures


def arrives(kernel: FakeKernel, desired: Desired, planned: Plan, watch: Watch) -> None:
    """What is left of a plan is carried out, then the next one."""
    others = Others(kernel, desired)
    execute(planned, watch)
    others.check()
    execute(plan(everything(kernel), desired), Watch(kernel, desired))
    others.check()
    settled(kernel, desired)


def break_off_everywhere(story: Story, desired: Desired, ledger: Ledger) -> None:
    """After each single operation, as if vxland were killed."""
    operations = plan(everything(story.kernel), desired).operations
    for cut in range(1, len(operations)):
        kernel = deepcopy(story.kernel)
        with ledger.injected(f"broken off after {cut}"):
            arrives(kernel, desired, Plan(operations[:cut]), Watch(kernel, desired))


def refuse_everywhere(
    story: Story, desired: Desired, ledger: Ledger, errors: Iterable[int]
) -> None:
    """Each single operation, with each error."""
    whole = plan(everything(story.kernel), desired)
    for operation in whole.operations:
        for error in {*errors, *DONE_ALREADY.get(type(operation), ())}:
            kernel = deepcopy(story.kernel)
            with ledger.injected(f"{operation}: {errorcode[error]}"):
                arrives(kernel, desired, whole, Refusal(kernel, desired, operation, error))


@pytest.mark.parametrize("plans", [SOME, pytest.param(MANY, marks=WHOLE)])
def test_a_plan_is_broken_off_after_each_operation(ledger: Ledger, plans: int) -> None:
    """Of so many plans."""

    @examples(plans)
    @given(stories(), configurations())
    def try_one(story: Story, wanted: Configuration) -> None:
        break_off_everywhere(story, wanted.desired, ledger)

    try_one()


@pytest.mark.parametrize(
    ("plans", "errors"),
    [
        (SOME, (EBUSY,)),
        pytest.param(MANY, (EBUSY,), marks=WHOLE),
        pytest.param(50, ERRORS, marks=WHOLE),
    ],
)
def test_each_operation_is_refused(ledger: Ledger, plans: int, errors: Sequence[int]) -> None:
    """Of so many plans, with each error that may mean something else, or with all."""

    @examples(plans)
    @given(stories(), configurations())
    def try_one(story: Story, wanted: Configuration) -> None:
        refuse_everywhere(story, wanted.desired, ledger, errors)

    try_one()
