"""Carrying out a plan: what failed stops its own, and nothing comes up unguarded."""

from collections.abc import Mapping, Sequence

import pytest
from msgspec.structs import replace

from tests.fake.drift import BRIDGE, HOME, B, C
from tests.fake.wishes import LAN, wish
from tests.fake_kernel import FakeKernel
from vxland.execution import Failure, Outcome, execute, overtaken
from vxland.identity import CHAIN, INGRESS_TABLE
from vxland.observed import Link, Observed
from vxland.operations import (
    AddAddress,
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
    TrimIngress,
    Unisolate,
    WriteChain,
)
from vxland.plan import Plan, plan

REFUSED = Failure("could not")
WRITING = WriteChain("", CHAIN, (), (), ())
MAKING = MakeIngress("", INGRESS_TABLE, (), replaces=False)


class Reluctant:
    """Does nothing, fails some operations, and shows what it is told to."""

    def __init__(self, failing: Sequence[Operation] = (), seen: Observed = Observed()) -> None:  # noqa: B008
        self.failing = failing
        self.seen = seen
        self.done: list[Operation] = []

    def settle(self) -> Mapping[Operation, Failure]:
        """Nothing goes on."""
        return {}

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


def test_every_step_is_sent_by_itself() -> None:
    """A device is marked before it is changed, and after it was made."""
    made = plan(FakeKernel().observe(), wish(LAN))
    batches: list[list[type[Operation]]] = []

    class Recorder(Reluctant):
        def perform(self, operations: Sequence[Operation]) -> Mapping[Operation, Failure]:
            batches.append(sorted({type(op) for op in operations}, key=lambda kind: kind.__name__))
            return {}

    execute(made, Recorder())
    assert batches[:2] == [[MakeIngress, WriteChain], [CreateBridge, CreateVtep]]


class Late(Reluctant):
    """What fails is told when it is asked what became of it."""

    def __init__(self, failing: Sequence[Operation]) -> None:
        super().__init__(failing)
        self.late: dict[Operation, Failure] = {}

    def perform(self, operations: Sequence[Operation]) -> Mapping[Operation, Failure]:
        self.late |= super().perform(operations)
        return {}

    def settle(self) -> Mapping[Operation, Failure]:
        late, self.late = self.late, {}
        return late


def test_what_fails_late_is_told_of_its_operation() -> None:
    steps = (WRITING, SetMtu("lan", B, 1450))
    kernel = Late(failing=steps[:1])
    assert execute(Plan(steps), kernel) == (Outcome(WRITING, REFUSED), Outcome(steps[1]))
    assert kernel.done == [steps[1]]


@pytest.mark.parametrize(
    ("fails", "left"),
    [
        (WRITING, [f"{CHAIN} failed before", f"{INGRESS_TABLE} failed before"]),
        (MAKING, [None, f"{INGRESS_TABLE} failed before"]),
    ],
)
def test_nothing_is_disarmed_once_something_failed_late(
    fails: Operation, left: list[str | None]
) -> None:
    """What a table apart loses waits for that table alone."""
    chain = TrimChain("", CHAIN, (), (), ())
    table = TrimIngress("", INGRESS_TABLE, ())
    outcomes = execute(Plan((WRITING, MAKING, chain, table)), Late(failing=[fails]))
    assert texts(outcomes)[2:] == left


@pytest.mark.parametrize(("bridges", "waits"), [([BRIDGE], False), ([BRIDGE] * 2, True)])
def test_two_ports_are_attached_once_guards_are_there(bridges: list[str], *, waits: bool) -> None:
    """Somebody else may bring them up; one tunnel alone loops with none."""

    class Known(Late):
        def perform(self, operations: Sequence[Operation]) -> Mapping[Operation, Failure]:
            known.append(not self.late)
            return super().perform(operations)

    known: list[bool] = []
    ports = [Attach("lan", f"vxl-{number}", bridge) for number, bridge in enumerate(bridges)]
    outcomes = execute(Plan((WRITING, *ports)), Known(failing=[WRITING]))
    assert known == [True, waits]
    assert texts(outcomes) == [REFUSED.text, *[None] * len(bridges)]


def test_what_goes_on_is_waited_for_though_the_rest_ends_early() -> None:
    class Broken(Late):
        def perform(self, operations: Sequence[Operation]) -> Mapping[Operation, Failure]:
            if operations[0] is not WRITING:
                message = "the kernel can't be asked any more"
                raise OSError(message)
            return super().perform(operations)

    kernel = Broken(failing=[WRITING])
    with pytest.raises(OSError, match="can't be asked"):
        execute(Plan((WRITING, SetMtu("lan", B, 1450))), kernel)
    assert kernel.late == {}


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
