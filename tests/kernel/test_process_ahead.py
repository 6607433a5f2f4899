"""What carries out ebtables' rules starts while nftables' tables are written, and is told last."""

import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing

import pytest
from msgspec.structs import replace

from tests.contract.namespace import fresh_namespace
from tests.fake.wishes import LAN, wish
from vxland.identity import CHAIN
from vxland.kernel import ebtables as module
from vxland.kernel.ebtables import Ebtables
from vxland.kernel.ingress import Ingress
from vxland.kernel.linux import LinuxKernel
from vxland.observed import EbtablesState, PortRule
from vxland.operations import MakeIngress, Operation, Phase, WriteChain
from vxland.plan import plan

pytestmark = pytest.mark.kernel

JUMP = "-j VXLAND"
WRITING = WriteChain("", CHAIN, (), (JUMP,), former=())
WRITTEN = EbtablesState((), "RETURN", (PortRule(JUMP, None, None, "VXLAND"),))


@pytest.fixture
def ebtables() -> Iterator[Ebtables]:
    """In a namespace without rules."""
    with fresh_namespace(), closing(Ebtables()) as made:
        yield made


def test_what_was_started_ahead_is_told(ebtables: Ebtables) -> None:
    with ebtables.ahead():
        assert ebtables.runs == 1
        assert ebtables.write(WRITING) is None
        assert ebtables.runs == 1
        assert ebtables.write(replace(WRITING, former=(JUMP,))) is None
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
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)
    assert ebtables.read() == EbtablesState()
    assert ebtables.write(WRITING) is None  # by another one
    assert ebtables.runs == 2


def test_what_cannot_be_started_is_said_by_the_operation(
    ebtables: Ebtables, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_which", {"ebtables-restore": "/nowhere/nft"}.get)
    with ebtables.ahead():
        failure = ebtables.write(WRITING)
    assert failure is not None
    assert failure.text.startswith("ebtables-restore doesn't run")
    monkeypatch.setattr(module, "_which", {}.get)
    with ebtables.ahead():
        failure = ebtables.write(WRITING)
    assert failure is not None
    assert failure.text == module.MISSING.reason
    assert ebtables.runs == 0


def test_a_program_that_is_gone_is_missed_by_every_look(
    ebtables: Ebtables, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ebtables.read_again() == EbtablesState()
    monkeypatch.setattr(module, "_which", {}.get)
    assert ebtables.read_again() == EbtablesState()  # while no rule changes
    assert ebtables.read() == ebtables.read_again() == module.MISSING


def test_tables_are_written_while_it_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is there by then, and has changed nothing yet."""
    seen: list[EbtablesState] = []
    batches = Ingress.batches

    with fresh_namespace(), LinuxKernel() as kernel, closing(Ebtables()) as other:

        def looked_at(
            self: Ingress, operation: Operation, flags: int, room: int
        ) -> Iterator[Sequence[bytes]]:
            (process,) = kernel.ebtables.processes
            state = other.read()
            assert isinstance(state, EbtablesState)
            os.kill(process, 0)  # it is there
            seen.append(state)
            return iter([[*each] for each in batches(self, operation, flags, room)])

        monkeypatch.setattr(Ingress, "batches", looked_at)
        whole = plan(kernel.observe(), wish(LAN)).operations
        arming = [operation for operation in whole if operation.phase is Phase.ARM]
        assert [type(operation) for operation in arming] == [WriteChain, MakeIngress]
        failures: Mapping[Operation, object] = kernel.perform(arming)
        assert failures == {}
        assert seen == [EbtablesState()]
        assert kernel.ebtables.runs == 1
        listed = subprocess.run(["nft", "list", "tables"], check=True, capture_output=True)
        assert b"vxland" in listed.stdout
        after = kernel.observe().ebtables
        assert isinstance(after, EbtablesState)
        assert after.chain
