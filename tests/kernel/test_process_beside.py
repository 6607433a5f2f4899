"""What carries out ebtables' rules does so while devices are made, and not while tables are."""

import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing

import pytest
from msgspec.structs import replace

from tests.contract.namespace import fresh_namespace
from tests.fake.wishes import LAN, wish
from vxland.execution import Failure, execute
from vxland.identity import CHAIN
from vxland.kernel import ebtables as module
from vxland.kernel import linux
from vxland.kernel.child import Child
from vxland.kernel.ebtables import Ebtables
from vxland.kernel.ingress import Ingress
from vxland.kernel.linux import LinuxKernel
from vxland.kernel.netlink import Netlink
from vxland.kernel.wire import NetlinkError
from vxland.observed import EbtablesState, PortRule
from vxland.operations import (
    AddAltname,
    AppendFlood,
    Attach,
    BringUp,
    CreateBridge,
    CreateVtep,
    Isolate,
    MakeIngress,
    Operation,
    Phase,
    RetireRules,
    SetAlias,
    WriteChain,
)
from vxland.plan import plan
from vxland.settings import OverlaySettings

pytestmark = pytest.mark.kernel

JUMP = "-j VXLAND"
WRITING = WriteChain("", CHAIN, (), (JUMP,), former=())
MAKING = (CreateBridge, CreateVtep)
WRITTEN = EbtablesState((), "RETURN", (PortRule(JUMP, None, None, "VXLAND"),))


@pytest.fixture
def ebtables() -> Iterator[Ebtables]:
    """In a namespace without rules."""
    with fresh_namespace(), closing(Ebtables()) as made:
        yield made


@pytest.fixture
def kernel() -> Iterator[LinuxKernel]:
    """In a namespace without anything."""
    with fresh_namespace(), LinuxKernel() as made:
        yield made


def is_there(process: int) -> bool:
    """Whether it hasn't been waited for yet."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_its_end_is_waited_for(ebtables: Ebtables) -> None:
    end = ebtables.begin(WRITING)
    (process,) = ebtables.processes
    assert is_there(process)
    assert end() is None
    assert not is_there(process)
    assert ebtables.read() == WRITTEN


def test_it_is_told_at_once(ebtables: Ebtables) -> None:
    """And is done by itself, while nobody waits."""
    end = ebtables.begin(WRITING)
    (process,) = ebtables.processes
    assert os.waitid(os.P_PID, process, os.WEXITED | os.WNOWAIT) is not None
    with closing(Ebtables()) as other:
        assert other.read() == WRITTEN
    assert end() is None


def test_what_a_pipe_has_no_room_for_is_told_as_its_end_is_waited_for(ebtables: Ebtables) -> None:
    rules = tuple(f"-i vxl-{number:04} -o vxl-+ -j DROP" for number in range(3000))
    assert sum(map(len, rules)) > 1 << 16
    assert ebtables.begin(replace(WRITING, rules=rules))() is None
    state = ebtables.read()
    assert isinstance(state, EbtablesState)
    assert state.chain is not None
    assert len(state.chain) == len(rules)


@pytest.mark.parametrize("rules", [("-j NOWHERE",), ("-j NOWHERE",) * 9000], ids=["few", "many"])
def test_what_it_refuses_is_told_at_the_end(ebtables: Ebtables, rules: tuple[str, ...]) -> None:
    """Though it has ended before it read all of it."""
    failure = ebtables.begin(replace(WRITING, rules=rules))()
    assert failure is not None
    assert failure.text.startswith("ebtables failed")
    assert ebtables.read() == EbtablesState()
    assert ebtables.begin(WRITING)() is None


def test_what_cannot_be_started_is_a_failure(
    ebtables: Ebtables, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_which", {"ebtables-restore": "/nowhere/nft"}.get)
    failure = ebtables.begin(WRITING)()
    assert failure is not None
    assert failure.text.startswith("ebtables-restore doesn't run")
    monkeypatch.setattr(module, "_which", {}.get)
    assert ebtables.begin(WRITING)() == Failure(module.MISSING.reason, module.MISSING.cure)
    assert ebtables.runs == 0


def test_what_takes_several_tries_is_over_as_it_begins(ebtables: Ebtables) -> None:
    rule = "-i a -o b -j DROP"
    subprocess.run(["ebtables", "-A", "FORWARD", *rule.split()], check=True)
    end = ebtables.begin(RetireRules("", "ebtables FORWARD", (rule,), ()))
    assert ebtables.read(others=True) == EbtablesState()
    assert end() is None


def test_a_program_that_is_gone_is_missed_by_every_look(
    ebtables: Ebtables, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ebtables.read_again() == EbtablesState()
    monkeypatch.setattr(module, "_which", {}.get)
    assert ebtables.read_again() == EbtablesState()  # while no rule changes
    assert ebtables.read() == ebtables.read_again() == module.MISSING


SHARED = OverlaySettings("lan", "vxbr0", mode="shared", vni=42)


@pytest.mark.parametrize(
    ("overlay", "beside", "alone"),
    [
        (LAN, {CreateVtep, SetAlias, AddAltname}, {Attach, Isolate, BringUp}),
        (SHARED, {CreateVtep, SetAlias, Attach, AppendFlood}, {BringUp}),
    ],
    ids=["mesh", "shared"],
)
def test_devices_are_made_beside_it(
    kernel: LinuxKernel,
    monkeypatch: pytest.MonkeyPatch,
    overlay: OverlaySettings,
    beside: set[type[Operation]],
    alone: set[type[Operation]],
) -> None:
    """Tables are there before it begins, and it has ended before two ports are in a bridge."""
    goes_on: set[type[Operation]] = set()
    carry_out, batches = LinuxKernel.perform, Ingress.batches

    def performed(
        self: LinuxKernel, operations: Sequence[Operation]
    ) -> Mapping[Operation, Failure]:
        if any(map(is_there, kernel.ebtables.processes)):
            goes_on.update(map(type, operations))
        return carry_out(self, operations)

    def written(
        self: Ingress, operation: Operation, flags: int, room: int
    ) -> Iterator[Sequence[bytes]]:
        assert not kernel.ebtables.processes
        return iter([[*each] for each in batches(self, operation, flags, room)])

    whole = plan(kernel.observe(), wish(overlay))
    assert {*map(type, whole.operations)} >= beside | alone | {WriteChain, MakeIngress}
    monkeypatch.setattr(LinuxKernel, "perform", performed)
    monkeypatch.setattr(Ingress, "batches", written)
    outcomes = execute(whole, kernel)
    assert [outcome for outcome in outcomes if outcome.failure] == []
    assert goes_on >= beside
    assert goes_on.isdisjoint(alone)
    assert len(kernel.ebtables.processes) == 1
    assert kernel.observe().ebtables != EbtablesState()


def test_a_chain_that_cannot_be_written_is_told_in_the_end(
    kernel: LinuxKernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Devices are made, and stay down."""
    script = ("*filter", "-A NOWHERE", "COMMIT")
    monkeypatch.setattr(module, "SCRIPTS", dict.fromkeys(module.SCRIPTS, lambda _: script))
    outcomes = execute(plan(kernel.observe(), wish(LAN)), kernel)
    failed = {type(outcome.operation): outcome.failure for outcome in outcomes if outcome.failure}
    assert failed.keys() == {WriteChain, BringUp}
    assert str(failed[WriteChain]).startswith("ebtables failed")
    links = kernel.observe().links
    assert not any(links[vtep.device].up for vtep in wish(LAN).vteps())


def test_a_guard_that_is_lacking_waits_for_no_table(
    kernel: LinuxKernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a tunnel is up; tables wait for it, since one transaction upsets another."""
    execute(plan(kernel.observe(), wish(LAN)), kernel)
    subprocess.run(["nft", "flush", "ruleset"], check=True)
    arming = [one for one in plan(kernel.observe(), wish(LAN)).operations if one.phase is Phase.ARM]
    assert [*map(type, arming)] == [WriteChain, MakeIngress]
    before: list[bool] = []
    batches = Ingress.batches

    def written(
        self: Ingress, operation: Operation, flags: int, room: int
    ) -> Iterator[Sequence[bytes]]:
        _, process = kernel.ebtables.processes
        before.append(is_there(process))
        return iter([[*each] for each in batches(self, operation, flags, room)])

    monkeypatch.setattr(Ingress, "batches", written)
    assert kernel.perform(arming) == {}
    assert before == [False]
    assert kernel.perform(arming[:1]) == {}
    assert not is_there(kernel.ebtables.processes[-1])
    assert kernel.settle() == {}


def test_a_socket_that_fails_leaves_no_process(
    kernel: LinuxKernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(self: Netlink, messages: Sequence[bytes]) -> list[NetlinkError | None]:
        del self, messages
        message = "no more"
        raise OSError(message)

    whole = plan(kernel.observe(), wish(LAN))
    monkeypatch.setattr(Netlink, "request", fails)
    with pytest.raises(OSError, match="no more"):
        execute(whole, kernel)
    (process,) = kernel.ebtables.processes
    assert not is_there(process)
    after = kernel.observe().ebtables
    assert isinstance(after, EbtablesState)
    assert after.chain


def test_links_that_are_read_back_are_so_once_it_has_ended(kernel: LinuxKernel) -> None:
    whole = plan(kernel.observe(), wish(LAN)).operations
    assert kernel.perform([one for one in whole if isinstance(one, WriteChain)]) == {}
    (process,) = kernel.ebtables.processes
    assert is_there(process)
    assert kernel.read_back_some([], []).ebtables == kernel.observe().ebtables != EbtablesState()
    assert not is_there(process)


def test_what_cannot_be_told_leaves_no_process(
    ebtables: Ebtables, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody would wait for it."""

    def fails(self: Child, text: str) -> None:
        del self, text
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(Child, "tell", fails)
        with pytest.raises(MemoryError):
            ebtables.begin(WRITING)
    (process,) = ebtables.processes
    assert not is_there(process)
    assert ebtables.begin(WRITING)() is None


def test_what_was_started_ahead_is_told(ebtables: Ebtables) -> None:
    with ebtables.ahead():
        assert ebtables.runs == 1
        end = ebtables.begin(WRITING)
        assert ebtables.runs == 1
    assert end() is None  # though nothing is ahead any more
    assert ebtables.begin(replace(WRITING, former=(JUMP,)))() is None
    assert ebtables.runs == 2
    assert ebtables.read() == WRITTEN


def test_what_was_told_nothing_changes_nothing(ebtables: Ebtables) -> None:
    def fails() -> None:
        with ebtables.ahead():
            message = "nothing is told"
            raise RuntimeError(message)

    with pytest.raises(RuntimeError, match="nothing is told"):
        fails()
    (process,) = ebtables.processes
    assert not is_there(process)
    assert ebtables.read() == EbtablesState()
    assert ebtables.begin(WRITING)() is None  # by another one
    assert ebtables.runs == 2


@pytest.mark.parametrize("started", [False, True])
def test_it_starts_beside_long_tables(
    kernel: LinuxKernel, monkeypatch: pytest.MonkeyPatch, *, started: bool
) -> None:
    """And is told once they are there."""
    there: list[bool] = []
    batches = Ingress.batches

    def written(
        self: Ingress, operation: Operation, flags: int, room: int
    ) -> Iterator[Sequence[bytes]]:
        there.append(any(map(is_there, kernel.ebtables.processes)))
        return iter([[*each] for each in batches(self, operation, flags, room)])

    whole = plan(kernel.observe(), wish(LAN))
    (made,) = (one for one in whole.operations if isinstance(one, MakeIngress))
    monkeypatch.setattr(linux, "LONG", len(made.elements) - started)
    monkeypatch.setattr(Ingress, "batches", written)
    assert [one for one in execute(whole, kernel) if one.failure] == []
    assert there == [started]
    assert len(kernel.ebtables.processes) == 1
