"""The collector of garbage waits for the end of a turn, and for no longer."""

import gc

import pytest

from vxland.process.litter import left_lying, left_to_the_end, picked_up


def test_it_waits_whatever_comes_of_the_turn() -> None:
    assert gc.isenabled()

    @left_lying()
    def turn(failing: bool) -> bool:  # noqa: FBT001 - the turn's own
        if failing:
            raise KeyError
        return gc.isenabled()

    assert not turn(False)  # noqa: FBT003
    assert gc.isenabled()
    with pytest.raises(KeyError):
        turn(True)  # noqa: FBT003
    assert gc.isenabled()


def test_who_does_without_it_goes_on_so() -> None:
    gc.disable()
    try:
        with left_lying():
            assert not gc.isenabled()
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_a_process_that_soon_ends_doesnt_look_even_then() -> None:
    try:
        with left_to_the_end():
            assert not gc.isenabled()
        assert not gc.isenabled()
        assert gc.get_freeze_count() > 0
    finally:
        gc.unfreeze()
        gc.enable()


def test_what_goes_on_is_looked_through() -> None:
    try:
        with left_to_the_end():
            picked_up()
            assert gc.isenabled()
        assert gc.isenabled()
    finally:
        gc.unfreeze()
