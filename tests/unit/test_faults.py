"""A fault of ours is logged, but never fills the journal."""

import logging

import pytest

from vxland.process.faults import MOST, Faults


def test_the_same_fault_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    """With its traceback, and another one too, up to a number."""
    faults = Faults("it couldn't be done")
    for number in (1, 1, 2, *range(MOST * 2)):
        faults.log(ValueError(number))
    assert [r.getMessage() for r in caplog.records] == ["it couldn't be done"] * MOST
    assert caplog.records[0].levelno == logging.ERROR
    assert caplog.records[0].exc_info is not None


def test_short_memory_is_the_machines(caplog: pytest.LogCaptureFixture) -> None:
    """The loop tells of it."""
    Faults("it couldn't be done").log(MemoryError())
    assert not caplog.records
