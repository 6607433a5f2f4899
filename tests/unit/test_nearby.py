"""A look at what was touched sees what a look at everything shows, on the fake kernel."""

import errno
from collections.abc import Collection, Mapping, Sequence

import pytest
from hypothesis import event, given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.core.configurations import Configuration, configurations
from tests.core.digits import Digits, digits
from tests.core.stories import DEED_SIZE, DEEDS, Choice
from tests.fake import drift
from tests.fake import vandalism as somebody
from tests.fake_kernel import FakeKernel
from tests.profiles import examples
from tests.unit.test_mending import Node, Told
from vxland.addresses import IPAddress
from vxland.execution import Failure, execute
from vxland.identity import CHAIN
from vxland.loop.nearby import Hand, Onlooker
from vxland.observed import Observed
from vxland.operations import DeleteLink, Operation, TrimIngress, WriteChain
from vxland.plan import Memory, View, plan


class Counting(FakeKernel):
    """A kernel that knows how often everything was looked at."""

    whole = 0

    def observe(
        self,
        remotes: frozenset[IPAddress] = frozenset(),
        *,
        others: bool = False,
        guards: Collection[str] = (),
    ) -> Observed:
        self.whole += 1
        return super().observe(remotes, others=others, guards=guards)


class Deaf(FakeKernel):
    """A kernel that acknowledges what is to be deleted, and leaves it."""

    def perform(self, operations: Sequence[Operation]) -> Mapping[Operation, Failure]:
        return super().perform([op for op in operations if not isinstance(op, DeleteLink)])


def node(kernel: FakeKernel) -> Node:
    """One that is as wanted, and in which all is known that has changed since the last turn."""
    made = Node(drift.HOME, kernel)
    assert made.told.touched() is not None
    return made


def hand(made: Node, view: View) -> Hand:
    """Who carries out a plan made from a part of what there is."""
    return Hand(made.kernel, made.told, view)  # type: ignore[arg-type] # fakes, without routes


def onlooker(made: Node) -> Onlooker:
    """Who sees for a turn that needn't look at everything."""
    sight = made.mending.begin_turn(whole=False)
    assert isinstance(sight, Onlooker)
    return sight


@examples(200)
@given(
    configurations(),
    st.lists(st.lists(digits(DEED_SIZE), max_size=3), min_size=1, max_size=3),
)
def test_sees_what_is_there(configuration: Configuration, stories: list[list[Digits]]) -> None:
    """Whatever was done to any device."""
    kernel = Counting()
    desired = configuration.desired
    for _ in range(2):
        execute(plan(kernel.observe(), desired), kernel)
    before, told = kernel.observe(), Told(kernel)
    for story in stories:
        for digit in story:
            digit.of(DEEDS)(Choice(digit, kernel)).apply(kernel)
        touched = told.touched()
        told.forget()
        if touched is None:
            return
        looks = kernel.whole
        seen = Onlooker(kernel, before, touched).observe()  # type: ignore[arg-type] # it is fake
        event(f"a look at everything: {kernel.whole > looks}")
        before = kernel.observe()
        assert seen == before


def test_a_look_at_little() -> None:
    """Nothing but entries and rules was touched; what is looked at again in the turn is not."""
    kernel = Counting()
    made = node(kernel)
    assert somebody.flood_removed(drift.B, drift.REMOTE).apply(kernel)
    looks, sight = kernel.whole, onlooker(made)
    seen = sight.observe()
    assert sight.observe() == seen
    assert sight.host() == seen.host
    assert kernel.whole == looks
    assert seen == kernel.observe()


def test_looks_at_everything() -> None:
    """Where a link has changed, where others' rules matter, and where nobody was listening."""
    kernel = Counting()
    made = node(kernel)
    assert somebody.set_down(drift.B).apply(kernel)
    looks = kernel.whole
    assert not onlooker(made).observe().links[drift.B].up
    assert kernel.whole == looks + 1
    made.turn()
    made.turn()
    looks = kernel.whole
    assert onlooker(made).observe(others=True) == kernel.look()
    assert kernel.whole == looks + 1
    made.turn()
    made.told.then = lambda: setattr(made.told, "touched", lambda: None)
    made.told.touched()
    assert not isinstance(made.mending.begin_turn(whole=False), Onlooker)


def test_where_it_isnt_known_who_goes_by_which_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """A device was renamed, say."""
    kernel = Counting()
    made, again = node(kernel), kernel.look_again
    monkeypatch.setattr(kernel, "look_again", lambda *args, **kw: (again(*args, **kw)[0], None))
    looks = kernel.whole
    onlooker(made).observe()
    assert kernel.whole == looks + 1


def test_what_goes_during_the_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is looked at with everything else, which isn't surprised."""
    kernel = Counting()
    made, looks = node(kernel), kernel.whole

    def gone(*_: object, **__: object) -> None:
        raise OSError(errno.ENODEV, "No such device")

    monkeypatch.setattr(made.watch, "look_again", gone)
    onlooker(made).observe()
    assert kernel.whole == looks + 1


def test_what_is_abroad_is_looked_for_anew() -> None:
    kernel = Counting()
    made = node(kernel)
    calm = made.mending._calm
    assert calm is not None
    made.mending.end_turn(replace(calm, observed=replace(calm.observed, abroad=())))
    assert onlooker(made).observe().abroad is None


def test_the_turn_after_a_mend() -> None:
    """It looks at little, though tunnels are others than before; and none is due after it."""
    kernel = Counting()
    made = node(kernel)
    for device in (drift.B, drift.C):
        assert somebody.deleted(device).apply(kernel)
        assert made.mending.mend()
    assert made.mending.mend()  # its own echo
    assert made.mending.due is not None
    looks, sight = kernel.whole, onlooker(made)
    assert made.mending.due is None
    seen = sight.observe()
    assert kernel.whole == looks
    assert seen == kernel.observe()


def test_after_a_mend_that_was_none_all_is_looked_at() -> None:
    """What it saw and took a turn for, what it failed at, and what it couldn't look at."""
    made = node(Counting())
    for deed in (somebody.set_down(drift.BRIDGE), somebody.ebtables("-F")):
        assert deed.apply(made.kernel)
        assert not made.mending.mend()
        assert not isinstance(made.mending.begin_turn(whole=False), Onlooker)
        made.turn()
        made.turn()
    somebody.deleted(drift.B).apply(made.kernel)
    made.watch.failing = {made.watch.count + 3}
    assert not made.mending.mend()
    assert not isinstance(made.mending.begin_turn(whole=False), Onlooker)


def test_after_a_mend_that_saw_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    made = node(Counting())

    def blind(*_: object, **__: object) -> None:
        raise OSError(errno.ENOBUFS, "No buffer space available")

    monkeypatch.setattr(made.watch, "look_again", blind)
    with pytest.raises(OSError, match="No buffer space"):
        made.mending.mend()
    assert not isinstance(made.mending.begin_turn(whole=False), Onlooker)


def test_what_should_be_gone_is_looked_for() -> None:
    """It stays filtered where it isn't gone, of which the kernel tells nothing."""
    kernel = Deaf()
    made = node(kernel)
    (lan,) = made.desired.overlays
    fewer = replace(made.desired, overlays=(replace(lan, vteps=lan.vteps[1:]),))
    found, view = made.planning.think(kernel.observe(others=True), fewer, Memory())
    assert view is not None
    deleted, trimmed = execute(found, hand(made, view))
    assert isinstance(deleted.operation, DeleteLink)
    assert deleted.failure is None
    assert isinstance(trimmed.operation, TrimIngress)
    assert trimmed.failure is not None


def test_what_goes_on_is_waited_for_by_the_hand_too() -> None:
    kernel = FakeKernel()
    made = node(kernel)
    for name in (drift.B, drift.C, drift.D):
        assert somebody.set_down(name).apply(kernel)
    view = View(kernel.observe(), drift.HOME, tables=drift.HOME)
    careful = hand(made, view)
    writing = WriteChain("", CHAIN, (), ("-j NOWHERE",), ())
    assert careful.perform([writing]) == {}
    assert careful.settle().keys() == {writing}
