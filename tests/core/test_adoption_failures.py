"""What is taken over while something fails: it stays as it was, and is taken over later."""

import pytest

from tests.core.arrival import settled
from tests.core.handmade import NIC
from tests.core.test_adoption import BRIDGE, MADE, RULES, VTEPS, WANTED, after
from tests.core.watch import Watch
from tests.fake import strangers as others
from tests.fake import vandalism as somebody
from tests.fake_kernel import FakeKernel
from vxland.execution import execute
from vxland.loop.restraint import Restraint
from vxland.observed import Observed
from vxland.ownership import is_own
from vxland.plan import Plan, plan

OTHERWISE_NAMED = [  # but for the first
    step
    for place, vtep in enumerate(VTEPS.values())
    for name in (f"old{place}" if place else vtep.device,)
    for step in (others.tunnel(vtep, name), somebody.put_into(name, BRIDGE))
]


def mesh(*, live: bool) -> FakeKernel:
    """Made by hand, with the script's rules."""
    return after(others.veth(NIC), *MADE, *RULES, *OTHERWISE_NAMED, live=live)


def next_plan(kernel: FakeKernel) -> Plan:
    """The one that the daemon makes."""
    return plan(kernel.observe(others=True), WANTED)


def strangers(seen: Observed) -> list[str]:
    """What isn't vxland's of what should be."""
    return [
        link.name
        for link in seen.links.values()
        if (link.is_tunnel or link.kind == "bridge") and not is_own(link)
    ]


@pytest.mark.parametrize("live", [False, True])
def test_whatever_fails_is_taken_over_later(*, live: bool) -> None:
    """And while it is left for later, nothing is done to what isn't vxland's; the bridge, too."""
    for failing in range(1, len(next_plan(mesh(live=live)).operations) + 1):
        kernel = mesh(live=live)
        outcomes = execute(next_plan(kernel), Watch(kernel, WANTED, failing=(failing,)))
        held = frozenset(outcome.operation.device for outcome in outcomes if outcome.failure)
        again = Restraint(held).applied(next_plan(kernel))
        outcomes = execute(again, Watch(kernel, WANTED))
        assert [str(outcome.failure) for outcome in outcomes if outcome.failure] == []
        seen = kernel.look()
        assert all(seen.links[name].up for name in strangers(seen))
        execute(next_plan(kernel), Watch(kernel, WANTED))
        settled(kernel, WANTED)
        assert strangers(kernel.look()) == []


@pytest.mark.parametrize("what", ["mac", "owner"])
@pytest.mark.parametrize("device", [BRIDGE, "old1"])
def test_what_is_fought_over_is_not_half_taken_over(device: str, what: str) -> None:
    """A bridge's ports are taken over with it, or after it."""
    kernel = mesh(live=True)
    restraint = Restraint(subjects=frozenset({(device, what)}))
    whole = next_plan(kernel)
    left = restraint.applied(whole)
    execute(left, Watch(kernel, WANTED))
    expected = {(BRIDGE, "mac"): 4, (BRIDGE, "owner"): 4, ("old1", "owner"): 1, ("old1", "mac"): 0}
    assert len(strangers(kernel.look())) == expected[device, what]
