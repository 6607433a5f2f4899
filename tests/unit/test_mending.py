"""A few tunnels put right without a turn, on the fake kernel."""

import time
from collections.abc import Callable, Collection, Mapping, Sequence

import pytest
from hypothesis import event, given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.core.arrival import settled
from tests.core.configurations import Configuration, configurations
from tests.core.digits import Digits, digits
from tests.core.stories import DEED_SIZE, DEEDS
from tests.core.test_standing import Tunnels, settled_on
from tests.core.watch import Others, Watch
from tests.fake import drift
from tests.fake import strangers as somebodys
from tests.fake import vandalism as somebody
from tests.fake.vandalism import Vandalism
from tests.fake_kernel import FakeKernel
from tests.profiles import examples
from vxland.addresses import IPAddress
from vxland.execution import Failure, execute
from vxland.identity import IPV4, shared_device
from vxland.loop import mending
from vxland.loop.lessons import Lessons
from vxland.loop.mending import Calm, Mending
from vxland.model import Desired
from vxland.observed import BridgeAddress, FdbEntry, Host, Link, Observed, Since
from vxland.operations import BringUp, Operation
from vxland.plan import Memory, Plan, Planning, View, planning
from vxland.plan.planner import plan_view
from vxland.report import ConfigState, Report

CROWD_DEVICE = shared_device("lan", IPV4)
State = dict[int, tuple[Link, frozenset[FdbEntry], frozenset[BridgeAddress]]]


class Told:
    """What the kernel's notifications would tell, made out by comparing."""

    def __init__(self, kernel: FakeKernel) -> None:
        self._kernel = kernel
        self._before = self._state()
        self.then: Callable[[], object] = lambda: None  # what happens before somebody asks again

    def touched(self) -> frozenset[int] | None:
        now, before = self._state(), self._before
        touched = {i for i in now.keys() | before.keys() if now.get(i) != before.get(i)}
        if any(now[i][2] != before[i][2] for i in touched if i in now and i in before):
            return None  # addresses
        then, self.then = self.then, lambda: None
        then()
        return frozenset(touched)

    def leaving(self) -> frozenset[int]:
        """What is gone, and what an entry is."""
        now, nothing = self._state(), (Link(""), frozenset[FdbEntry](), frozenset[BridgeAddress]())
        return frozenset(i for i, was in self._before.items() if was[1] - now.get(i, nothing)[1])

    def forget(self) -> None:
        self._before = self._state()

    def culprit(self, *, rules: bool, within: float) -> str | None:
        del within
        return None if rules else "somebody"

    def _state(self) -> State:
        devices = self._kernel.net.devices
        names = {device.index: device.name for device in devices.values()}
        return {
            index: (device.seen(names), frozenset(device.fdb), frozenset(device.addresses))
            for index, device in devices.items()
        }


class Watched(Watch):
    """A kernel that checks at every operation, and counts looks at everything."""

    def __init__(self, kernel: FakeKernel, desired: Desired) -> None:
        super().__init__(kernel, desired)
        self.whole_looks = 0

    def observe(
        self,
        remotes: frozenset[IPAddress] = frozenset(),
        *,
        others: bool = False,
        guards: Collection[str] = (),
    ) -> Observed:
        return self.kernel.observe(remotes, others=others, guards=guards)

    def look_again(
        self, before: Observed, touched: Collection[int], *, guards: Collection[str] = ()
    ) -> tuple[Observed, Since]:
        return self.kernel.look_again(before, touched, guards=guards)

    def foresee(self, before: Observed, leaving: Collection[int]) -> tuple[Observed, Since]:
        return self.kernel.foresee(before, leaving)

    def host_again(self, before: Host, remotes: frozenset[IPAddress]) -> Host:
        return self.kernel.host_again(before, remotes)

    def read_back_some(self, names: Collection[str], touched: Collection[int]) -> Observed:
        return self.kernel.read_back_some(names, touched)

    def read_back(self) -> Observed:
        self.whole_looks += 1
        return super().read_back()


class Node:
    """One that is as wanted, after a turn."""

    def __init__(self, desired: Desired, kernel: FakeKernel | None = None) -> None:
        self.desired, self.kernel = desired, kernel or FakeKernel()
        self.watch, self.told = Watched(self.kernel, desired), Told(self.kernel)
        self.planning = Planning()
        self.lessons = Lessons(self.told)  # type: ignore[arg-type] # it reads no files
        self.mending = Mending(
            self.watch,  # type: ignore[arg-type] # it has no routes
            self.planning,
            self.lessons,
            self.told,  # type: ignore[arg-type]
        )
        for _ in range(3):
            self.last = self.turn()
        self.watch.whole_looks = 0

    def turn(self) -> Plan:
        """Look at everything, and put it right."""
        self.mending.begin_turn()
        seen = self.kernel.observe(others=True)
        planned = self.planning(seen, self.desired, Memory())
        execute(planned, self.watch)
        report = Report(0.0, 0.0, frozenset(), ConfigState(""), self.desired, seen, planned)
        self.mending.end_turn(Calm(seen, Memory(), report))
        return planned


@examples(200)
@given(
    configurations(),
    st.booleans(),
    st.lists(st.lists(digits(DEED_SIZE), max_size=3), min_size=1, max_size=2),
)
def test_what_is_mended_is_as_wanted(
    configuration: Configuration,
    keeps: bool,  # noqa: FBT001
    stories: list[list[Digits]],
) -> None:
    """Whatever was done to tunnels: it is put right, loop-free all the while, or takes a turn."""
    kernel = FakeKernel()
    kernel.nft.keeps = kernel.tally.keeps = keeps
    node = Node(settled_on(configuration).desired, kernel)
    if node.last != Plan():
        return
    for story in stories:
        for digit in story:
            digit.of(DEEDS)(Tunnels(digit, kernel)).apply(kernel)
        others = Others(kernel, node.desired)
        mended = node.mending.mend()
        others.check()
        event(f"mended: {mended}, something: {bool(node.mending.take_reports())}")
        if not mended:
            return
        assert node.watch.whole_looks == 0
        settled(kernel, node.desired)
        assert node.mending.mend()  # its own echo
        assert node.mending.take_reports() == ()
    seen = node.mending.begin_turn(whole=False).observe()
    assert seen == kernel.observe()


def test_a_deleted_tunnel() -> None:
    node = Node(drift.HOME)
    somebody.deleted(drift.B).apply(node.kernel)
    assert node.mending.mend()
    settled(node.kernel, node.desired)
    (report,) = node.mending.take_reports()
    assert report.repaired == {drift.B}
    assert report.culprits == {drift.B: "somebody"}
    assert drift.B not in report.observed.links  # as it was found
    assert len(report.outcomes) == len(report.plan.operations)
    assert node.lessons.repairs.keys() == {(drift.B, "")}
    assert node.mending.take_reports() == ()


class Heard(Watched):
    """A kernel that says when it is looked at."""

    def __init__(self, kernel: FakeKernel, desired: Desired, said: list[str]) -> None:
        super().__init__(kernel, desired)
        self._said = said

    def look_again(
        self, before: Observed, touched: Collection[int], *, guards: Collection[str] = ()
    ) -> tuple[Observed, Since]:
        self._said.append("look")
        return super().look_again(before, touched, guards=guards)


@pytest.mark.parametrize(
    ("desired", "deed", "order"),
    [
        (drift.HOME, somebody.deleted(drift.B), ["plan", "look"]),
        (drift.HOME, somebody.flood_removed(drift.B, drift.REMOTE), ["plan", "look", "plan"]),
        (drift.HOME, somebody.set_down(drift.B), ["look", "plan"]),
        (drift.CROWD, somebody.flood_removed(CROWD_DEVICE, drift.REMOTE), ["look", "plan"]),
    ],
    ids=["gone", "something of it", "nothing of it", "a shared one's entry"],
)
def test_what_goes_is_planned_for_before_the_look(
    desired: Desired, deed: Vandalism, order: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which a deletion holds up; and again, by the look, where it is there still."""
    said: list[str] = []

    def heard(view: View, memory: Memory) -> Plan:
        said.append("plan")
        return plan_view(view, memory)

    monkeypatch.setattr(planning, "plan_view", heard)
    node = Node(desired)
    node.mending._kernel = Heard(node.kernel, desired, said)  # type: ignore[assignment] # a fake
    said.clear()
    assert deed.apply(node.kernel)
    assert node.mending.mend()
    assert said == order
    settled(node.kernel, desired)


def test_each_repair_is_one() -> None:
    node = Node(drift.HOME)
    for _ in range(2):
        somebody.deleted(drift.B).apply(node.kernel)
        assert node.mending.mend()
    assert [report.repaired for report in node.mending.take_reports()] == [{drift.B}] * 2


def test_what_is_remembered_of_a_mend_is_small() -> None:
    """There may be hundreds until the turn: each has one tunnel that stands for all the others."""
    node = Node(drift.HOME)
    somebody.deleted(drift.B).apply(node.kernel)
    assert node.mending.mend()
    (report,) = node.mending.take_reports()
    others = {drift.C, drift.D}
    assert len(others & report.observed.links.keys()) == 1
    assert len(others & report.observed.fdb.keys()) == 1


def test_when_the_turn_follows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once all is quiet, and at the latest so long after the first mend."""
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    node = Node(drift.HOME)
    assert node.mending.due is None
    assert node.mending.mend()
    assert node.mending.due == now + mending.QUIET
    now += mending.LATEST - mending.QUIET / 2
    assert node.mending.mend()
    assert node.mending.due == 100.0 + mending.LATEST
    node.turn()
    assert node.mending.due is None


def test_a_fight_takes_turns() -> None:
    """What is undone again and again isn't answered blow for blow."""
    node = Node(drift.HOME)
    mended = []
    for _ in range(21):
        somebody.set_down(drift.B).apply(node.kernel)
        mended.append(node.mending.mend())
    assert mended == [True] * 20 + [False]
    assert node.lessons.fights.total == 1


TURNS: dict[str, tuple[Vandalism, ...]] = {
    "bridge": (somebody.set_down(drift.BRIDGE),),
    "bridge's address": (somebody.address_added(drift.BRIDGE, "10.10.30.1/24"),),
    "rules": (somebody.ebtables("-F"),),
    "a guest": (somebodys.veth("g0"),),
    "a tunnel of somebody's": (somebodys.vxlan("vxl-foreign", 99),),
    "both marks": (
        somebody.alias(drift.B, ""),
        somebody.altname_removed(drift.B, "vxland-lan+b"),
    ),
}


@pytest.mark.parametrize("name", TURNS)
def test_what_takes_a_turn(name: str) -> None:
    node = Node(drift.HOME)
    before = node.watch.count
    for deed in TURNS[name]:
        assert deed.apply(node.kernel)
    assert not node.mending.mend()
    assert node.watch.count == before  # nothing was done
    assert node.mending.due is None


def test_after_a_turn_that_left_something() -> None:
    node = Node(drift.HOME)
    node.mending.end_turn(None)
    somebody.deleted(drift.B).apply(node.kernel)
    assert not node.mending.mend()


def test_what_fails_is_left_to_the_turn() -> None:
    """What was done before is reported; the rest is tried again as if it hadn't been."""
    node = Node(drift.HOME)
    somebody.deleted(drift.B).apply(node.kernel)
    node.watch.failing = {node.watch.count + 3}
    assert not node.mending.mend()
    (report,) = node.mending.take_reports()
    assert len(report.outcomes) == 2
    assert node.lessons.is_calm()
    assert node.lessons.problems() == ()
    assert node.turn().operations
    settled(node.kernel, node.desired)


def test_moved_abroad_it_keeps_its_vni() -> None:
    """That is looked for by a turn alone."""
    node = Node(drift.HOME)
    somebody.moved_abroad(drift.B).apply(node.kernel)
    assert not node.mending.mend()
    assert node.mending.take_reports() == ()


class Meanwhile(Watched):
    """A kernel in which something happens once new ports were isolated."""

    def __init__(self, kernel: FakeKernel, desired: Desired, deeds: Sequence[Vandalism]) -> None:
        super().__init__(kernel, desired)
        self._deeds = deeds

    def perform(self, operations: Sequence[Operation]) -> Mapping[Operation, Failure]:
        failures = super().perform(operations)
        if any(operation.attribute == "isolated" for operation in operations):
            for deed in self._deeds:
                assert deed.apply(self.kernel)
        return failures


@pytest.mark.parametrize(
    "deeds",
    [
        (somebody.isolation(drift.C, on=False), somebody.ebtables("-F")),
        (somebody.isolation(drift.D, on=False), somebody.ebtables("-F")),
        (somebody.isolation(drift.B, on=False),),
        (somebody.ebtables("-I VXLAND -i vxl-lan-c -j ACCEPT"),),
    ],
    ids=["another's guards", "those of one that stands for it", "its own", "a rule for another"],
)
def test_no_port_comes_up_that_lost_its_guard_meanwhile(deeds: tuple[Vandalism, ...]) -> None:
    node = Node(drift.HOME)
    somebody.deleted(drift.B).apply(node.kernel)
    node.mending._kernel = Meanwhile(node.kernel, node.desired, deeds)  # type: ignore[assignment]
    assert not node.mending.mend()
    done = [type(o.operation) for report in node.mending.take_reports() for o in report.outcomes]
    assert done
    assert BringUp not in done
    assert not node.kernel.look().links[drift.B].up
    node.turn()
    settled(node.kernel, node.desired)


def test_where_it_isnt_told_what_was_touched_all_is_read_back() -> None:
    node = Node(drift.HOME)
    somebody.deleted(drift.B).apply(node.kernel)
    node.told.then = lambda: setattr(node.told, "touched", lambda: None)
    assert node.mending.mend()
    assert node.watch.whole_looks == 1
    settled(node.kernel, node.desired)


def test_of_a_shared_overlay() -> None:
    node = Node(drift.CROWD)
    (device,) = (vtep.device for vtep in node.desired.vteps())
    somebody.flood_removed(device, drift.REMOTE).apply(node.kernel)
    assert node.mending.mend()
    (report,) = node.mending.take_reports()
    assert replace(report, mends=()).parts == (report,)
    settled(node.kernel, node.desired)
