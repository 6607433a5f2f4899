"""What must be true while something else's mesh is taken over, wherever that is cut off."""

from collections.abc import Iterator, Mapping, Sequence

from hypothesis import given
from hypothesis import strategies as st

from tests.core.adoptable import adoptable
from tests.core.arrival import settled
from tests.core.configurations import Configuration, configurations
from tests.core.digits import Digits, digits
from tests.core.handmade import EXACT, Handmade, adopting
from tests.core.stories import everything
from tests.core.watch import Others, Watch
from tests.fake_kernel import FakeKernel
from tests.profiles import examples
from vxland.execution import Failure, execute
from vxland.guards import cut
from vxland.hazards import looping_pairs
from vxland.model import Desired
from vxland.observed import EbtablesState, Observed
from vxland.operations import Operation
from vxland.ownership import is_own, mark
from vxland.plan import Plan, plan

SIZE = 10  # bytes


class Vigil(Watch):
    """Sees, at every single operation, that what is there goes on as it was."""

    def __init__(self, kernel: FakeKernel, desired: Desired) -> None:
        super().__init__(kernel, desired)
        self._ports = {
            device.index: (device.name, device.master, frozenset(device.fdb))
            for device in kernel.net.devices.values()
            if device.vxlan and device.up and device.master
        }
        self._macs = {
            device.index: device.mac
            for device in kernel.net.devices.values()
            if device.kind == "bridge"
        }
        self._apart = self._kept_apart()

    def _watched(self, operations: Sequence[Operation]) -> Mapping[Operation, Failure]:
        failures = super()._watched(operations)
        assert failures == {}
        for index, (name, master, entries) in self._ports.items():
            device = self.kernel.net.devices.get(index)
            assert device is not None, f"{name} is gone"
            assert device.up, f"{name} is down"
            assert device.master == master, f"{name} has left its bridge"
            assert device.fdb >= entries, f"{name} has lost {entries - device.fdb}"
        for index, mac in self._macs.items():
            assert self.kernel.net.devices[index].mac == mac
        after = self._kept_apart()
        assert self._apart <= after, f"{[*map(str, operations)]} opens {self._apart - after}"
        self._apart = after
        return failures

    def _kept_apart(self) -> frozenset[frozenset[int]]:
        """Pairs of ports that pass no frames to each other, by whosever doing."""
        seen = self.kernel.look()
        numbers = {device.name: device.index for device in self.kernel.net.devices.values()}
        ports = [name for name, link in seen.links.items() if link.is_tunnel and link.master]
        return frozenset(
            frozenset((numbers[one], numbers[other]))
            for one in ports
            for other in ports
            if one < other and seen.links[one].master == seen.links[other].master
            if (self._ruled(seen, one, other) or _guarded(seen, one, other))
        )

    @staticmethod
    def _ruled(seen: Observed, one: str, other: str) -> bool:
        state = seen.ebtables
        assert isinstance(state, EbtablesState)
        texts = {rule.text for rule in state.forward}
        return {f"-i {one} -o {other} -j DROP", f"-i {other} -o {one} -j DROP"} <= texts


def _guarded(seen: Observed, one: str, other: str) -> bool:
    return cut(seen.links[one], seen.links[other], seen)


@examples(100)
@given(configurations(), digits(SIZE), st.booleans(), st.booleans())
def test_one_plan_takes_over_all_that_matches(
    wanted: Configuration,
    choose: Digits,
    live: bool,  # noqa: FBT001
    batches: bool,  # noqa: FBT001
) -> None:
    """It arrives, touches nothing that doesn't match, and lets nothing loop."""
    desired = adopting(wanted.desired)
    kernel = Handmade(choose, desired).make()
    kernel.net.renames_live = live
    others = Others(kernel, desired)
    execute(plan(everything(kernel), desired), Watch(kernel, desired, batches=batches))
    others.check()
    settled(kernel, desired)


@examples(40)
@given(configurations(), digits(SIZE), st.booleans())
def test_nothing_is_interrupted_wherever_it_is_cut_off(
    wanted: Configuration,
    choose: Digits,
    without: bool,  # noqa: FBT001
) -> None:
    """And whether or not it is to go on: no port down, no gap between guards, no MAC changed."""
    desired = adopting(wanted.desired)
    made = Handmade(choose, desired, EXACT)
    for cut_off in range(len(plan(everything(made.make()), desired).operations)):
        kernel = made.make()
        vigil = Vigil(kernel, desired)
        others = Others(kernel, desired)
        execute(Plan(plan(everything(kernel), desired).operations[:cut_off]), vigil)
        if without:
            execute(plan(everything(kernel), adopting(desired, adopt=False)), vigil)
        others.check()
        execute(plan(everything(kernel), desired), vigil)
        others.check()
        settled(kernel, desired)
        unmatched = {problem.overlay for problem in plan(everything(kernel), desired).problems}
        assert [*_left(kernel, desired, unmatched)] == []


def _left(kernel: FakeKernel, desired: Desired, excused: set[str]) -> Iterator[str]:
    """What could have been taken over, but wasn't."""
    seen = kernel.look()
    for overlay in desired.overlays:
        if overlay.name not in excused:
            for vtep in overlay.vteps:
                if not is_own(seen.links[vtep.device]):
                    yield vtep.device


@examples(40)
@given(configurations(), digits(SIZE), st.integers(0, 60))
def test_nothing_loops_and_all_goes_on_with_whatever_is_there(
    wanted: Configuration, choose: Digits, after: int
) -> None:
    """Cut off, then without ``adopt``: what isn't vxland's yet stays as it is."""
    desired = adopting(wanted.desired)
    kernel = Handmade(choose, desired).make()
    others = Others(kernel, desired)
    watch = Watch(kernel, desired)
    execute(Plan(plan(everything(kernel), desired).operations[:after]), watch)
    without = adopting(desired, adopt=False)
    execute(plan(everything(kernel), without), watch)
    others.check()
    allowed = frozenset(n for o in desired.overlays for n in o.allow_tunnel_ports)
    assert looping_pairs(kernel.look(), allowed) == frozenset()
    execute(plan(everything(kernel), desired), watch)
    others.check()
    settled(kernel, desired)


@examples(40)
@given(configurations(), digits(SIZE))
def test_where_something_is_in_the_way_nothing_changes(
    wanted: Configuration, choose: Digits
) -> None:
    """All or nothing for each bridge."""
    desired = adopting(wanted.desired)
    kernel = Handmade(choose, desired).make()
    seen = kernel.look()
    near = adoptable(seen, desired)
    whole = plan(everything(kernel), desired)
    for overlay in desired.overlays:
        bridge = overlay.bridge.device
        ports = {port.name for port in seen.ports(bridge) if port.is_tunnel}
        if ports & near and ports - near - overlay.allow_tunnel_ports:
            assert not any(operation.overlay == overlay.name for operation in whole.operations)
            assert {p.overlay for p in whole.problems} >= {overlay.name}
    execute(whole, kernel)
    taken = {link.name for link in kernel.look().links.values() if is_own(link) and mark(link)}
    assert taken & near <= {op.device for op in whole.operations}
