"""Carrying out a plan: what failed stops its own, and nothing comes up unguarded."""

from collections.abc import Mapping, Sequence

import pytest
from msgspec.structs import replace

from tests.fake.drift import BRIDGE, HOME, B, C
from tests.fake.wishes import LAN, wish
from tests.fake_kernel import FakeKernel
from vxland.execution import Failure, Outcome, execute, overtaken
from vxland.identity import CHAIN
from vxland.observed import Link, Observed
from vxland.operations import (
    AddAddress,
    Adopt,
    Attach,
    BringUp,
    CreateBridge,
    CreateVtep,
    DeleteLink,
    Guarding,
    Isolate,
    MakeIngress,
    Operation,
    Rename,
    SetAlias,
    SetMtu,
    TakeDown,
    TrimChain,
    Unisolate,
    WriteChain,
)
from vxland.plan import Plan, plan

REFUSED = Failure("could not")
WRITING = WriteChain("", CHAIN, (), (), ())


class Reluctant:
    """Does nothing, fails some operations, and shows what it is told to."""

    def __init__(self, failing: Sequence[Operation] = (), seen: Observed = Observed()) -> None:  # noqa: B008
        self.failing = failing
        self.seen = seen
        self.done: list[Operation] = []

    def read_back(self) -> Observed:
        """What it was told to show."""
        return self.seen

    def perform(self, operations: Sequence[Operation]) -> Mapping[Operation, Failure]:
        """Remember what was asked for."""
        self.done += [operation for operation in operations if operation not in self.failing]
        return {operation: REFUSED for operation in operations if operation in self.failing}


def up(device: str) -> BringUp:
    """Bring a device up that must be isolated."""
    return BringUp("lan", device, Guarding(device, ("isolated",)))


def port(name: str, *, isolated: bool = True, is_up: bool = False) -> Link:
    """A tunnel of vxland's in the bridge."""
    alias = f"vxland:lan:{name}"
    return Link(name, "vxlan", alias=alias, master=BRIDGE, isolated=isolated, up=is_up)


def seen(*links: Link) -> Observed:
    """These links."""
    return Observed({link.name: link for link in links})


def texts(outcomes: Sequence[Outcome]) -> list[str | None]:
    """What was said of each; None where it was done."""
    return [outcome.failure.text if outcome.failure else None for outcome in outcomes]


def test_a_failure_stops_its_own_device_alone() -> None:
    """The neighbour's operations go on."""
    steps = (SetMtu("lan", B, 1450), SetMtu("lan", C, 1450), Isolate("lan", B), Isolate("lan", C))
    kernel = Reluctant(failing=steps[:1])
    outcomes = execute(Plan(steps), kernel)
    assert texts(outcomes) == ["could not", None, f"{B} failed before", None]
    assert [o.failure.skipped for o in outcomes if o.failure] == [False, True]
    assert kernel.done == [steps[1], steps[3]]


def test_without_a_bridge_nothing_is_attached_to_it() -> None:
    """And what isn't attached doesn't come up."""
    (overlay,) = HOME.overlays
    steps = (
        CreateBridge("lan", BRIDGE, overlay.bridge),
        Attach("lan", B, BRIDGE),
        up(B),
    )
    outcomes = execute(Plan(steps), Reluctant(failing=steps[:1]))
    assert texts(outcomes) == ["could not", f"{B} failed before", f"{B} failed before"]


def test_a_bridge_without_its_address_is_a_bridge() -> None:
    """Its ports are attached all the same."""
    (overlay,) = HOME.overlays
    address = min(overlay.bridge.addresses, key=str)
    steps = (AddAddress("lan", BRIDGE, address), Attach("lan", B, BRIDGE))
    outcomes = execute(Plan(steps), Reluctant(failing=steps[:1]))
    assert texts(outcomes) == ["could not", None]


def test_what_could_not_be_renamed_is_left_alone_under_both_names() -> None:
    """The other name may be somebody's."""
    steps = (Rename("lan", "foo", B), SetMtu("lan", B, 1450))
    outcomes = execute(Plan(steps), Reluctant(failing=steps[:1]))
    assert texts(outcomes) == ["could not", f"{B} failed before"]


@pytest.mark.parametrize(
    ("links", "reason"),
    [
        ([port(B)], None),
        ([port(B), port(C, is_up=True)], None),
        ([port(B, isolated=False)], "not all of its guards (isolated) were read back"),
        ([replace(port(B), master=None)], "not all of its guards (isolated) were read back"),
        ([], "it is gone"),
        (
            [port(B), port(C, isolated=False, is_up=True)],
            f"no guard keeps it from {C}, which is up",
        ),
        ([port(B), port(C, isolated=False)], None),
        ([port(B), replace(port(C, isolated=False, is_up=True), master="other")], None),
    ],
)
def test_a_port_comes_up_only_once_its_guard_was_read_back(
    links: list[Link], reason: str | None
) -> None:
    """And no port of vxland's is up beside it that it isn't kept from."""
    kernel = Reluctant(seen=seen(*links))
    (said,) = texts(execute(Plan((up(B),)), kernel))
    assert (reason is None) == (said is None)
    assert kernel.done == ([up(B)] if reason is None else [])
    if reason is not None:
        assert reason in str(said)


def test_nothing_is_disarmed_once_something_failed() -> None:
    """The old guard stays until all that should go has gone."""
    disarm = Unisolate("lan", C, Guarding(C, ("isolated",)))
    steps = (TakeDown("lan", B), disarm)
    outcomes = execute(Plan(steps), Reluctant(failing=steps[:1], seen=seen(port(C))))
    assert texts(outcomes) == ["could not", f"{C} failed before"]
    assert texts(execute(Plan((disarm,)), Reluctant(seen=seen(port(C))))) == [None]


def test_nothing_is_disarmed_while_what_should_be_gone_is_there() -> None:
    """Whatever the kernel said to its deletion. Another one by that name is no reason."""
    delete, disarm = DeleteLink("lan", B), TrimChain("", "VXLAND", (), (), ())
    left = Reluctant(seen=seen(port(B, is_up=True)))
    told = texts(execute(Plan((delete, disarm)), left))
    assert told == [None, f"{B}, which was deleted, is there still"]
    assert texts(execute(Plan((delete, disarm)), Reluctant(seen=seen(port(C))))) == [None, None]
    named = Rename("lan", C, B)
    assert texts(execute(Plan((delete, named, disarm)), left)) == [None, None, None]


def batches(made: Plan) -> list[set[type[Operation]]]:
    """The kinds that a plan's operations are carried out together with."""
    seen: list[set[type[Operation]]] = []

    class Recorder(Reluctant):
        def perform(self, operations: Sequence[Operation]) -> Mapping[Operation, Failure]:
            seen.append({*map(type, operations)})
            return {}

    execute(made, Recorder())
    return seen


def test_every_step_is_sent_by_itself() -> None:
    """A device is marked before it is changed, and after it was made, while guards are written."""
    first, second, *_ = batches(plan(FakeKernel().observe(), wish(LAN)))
    assert first == {WriteChain, MakeIngress, CreateBridge, CreateVtep}
    assert second == {SetAlias}


@pytest.mark.parametrize("between", [Rename("lan", C, "c"), Adopt("lan", C, "", "", BRIDGE, ())])
def test_what_stands_between_waits_for_guards(between: Operation) -> None:
    """A port may have another name only once the chain knows that."""
    vtep = next(iter(wish(LAN).vteps()))
    steps = (WRITING, between, CreateVtep("lan", vtep.device, vtep))
    assert batches(Plan(steps)) == [{WriteChain}, {type(between)}, {CreateVtep}]


def test_devices_are_made_without_a_guard_and_stay_down() -> None:
    """So that they needn't be made once there is one."""
    vtep = next(iter(wish(LAN).vteps()))
    name = vtep.device
    steps = (WRITING, CreateVtep("lan", name, vtep), SetAlias("lan", name, vtep.alias))
    rising = BringUp("lan", name, Guarding(name, ("ebtables",)))
    kernel = Reluctant(failing=[WRITING], seen=seen(port(name)))
    outcomes = execute(Plan((*steps, rising)), kernel)
    assert kernel.done == [*steps[1:]]
    assert texts(outcomes)[:3] == [REFUSED.text, None, None]
    assert "not all of its guards (ebtables) were read back" in str(texts(outcomes)[3])


def test_what_went_meanwhile_is_no_failure() -> None:
    """The next look sees it; what depended on it is tried again then, too."""
    gone = Failure("there is no such device", gone=True)
    skipped = Failure(f"{B} failed before", skipped=True)
    others = Outcome(SetAlias("lan", C, ""), Failure("it may not"))
    done = Outcome(SetAlias("lan", B, "vxland:lan:b"))
    outcomes = (
        done,
        Outcome(SetMtu("lan", B, 1450), gone),
        Outcome(Attach("lan", B, BRIDGE), skipped),
        others,
    )
    assert overtaken(outcomes) == (done, others)
