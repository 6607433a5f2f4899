"""What failed is tried again, also where its time comes while a turn is under way."""

import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from bench.place import MESH, Place
from bench.turns import Turns
from vxland.execution import Failure
from vxland.observed import Abroad
from vxland.operations import CreateVtep, Operation
from vxland.process.doorbell import Trigger

pytestmark = [pytest.mark.kernel, pytest.mark.usefixtures("laboratory")]

REFUSED = Failure("the kernel refused, once")


def test_a_pause_that_ends_during_a_turn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is still to be tried again afterwards, and not only at the interval."""
    with Place("again", tmp_path) as place, place.entered(), Turns(1, MESH) as turns:
        perform, look = turns.kernel.perform, turns.kernel.look_abroad

        def refuse(operations: Sequence[Operation]) -> dict[Operation, Failure]:
            refused = {o: REFUSED for o in operations if isinstance(o, CreateVtep)}
            return refused | dict(perform([o for o in operations if o not in refused]))

        def slow() -> tuple[Abroad, ...]:
            """Takes until the pause is over."""
            due = turns.reconciler.next_try()
            assert due is not None
            time.sleep(max(0.0, due - time.monotonic()) + 0.01)
            return look()

        monkeypatch.setattr(turns.kernel, "perform", refuse)
        assert not turns.turn(Trigger.START)[0].in_sync
        monkeypatch.setattr(turns.kernel, "perform", perform)
        monkeypatch.setattr(turns.kernel, "look_abroad", slow)
        report, _ = turns.turn(Trigger.NETLINK)
        monkeypatch.setattr(turns.kernel, "look_abroad", look)
        if not report.in_sync:  # held back, unless this machine was too slow to begin in time
            due = turns.reconciler.next_try()
            assert due is not None
            assert due <= time.monotonic()
            assert turns.turn(Trigger.RETRY)[0].in_sync
