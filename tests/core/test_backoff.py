"""When what failed is tried again."""

from hypothesis import given
from hypothesis import strategies as st

from vxland.loop.backoff import FIRST, LONGEST, Backoff


def test_a_failure_waits_between_half_and_all_of_the_first_delay() -> None:
    """Jitter 0 and 1 are the two ends."""
    for jitter, delay in ((0.0, FIRST / 2), (1.0, FIRST)):
        backoff: Backoff[str] = Backoff(lambda jitter=jitter: jitter)  # type: ignore[misc]
        backoff.failed(["vxl-lan-b"], 100.0)
        assert backoff.next(100.0) == 100.0 + delay


def test_delays_double_and_stop_growing() -> None:
    """Each failure in a row doubles the delay, up to the longest."""
    backoff: Backoff[str] = Backoff(lambda: 1.0)
    delays = []
    for _ in range(12):
        backoff.failed(["a"], 0.0)
        delays.append(backoff.next(0.0))
    assert delays[:4] == [FIRST, FIRST * 2, FIRST * 4, FIRST * 8]
    assert delays[-1] == LONGEST


def test_only_what_failed_is_held() -> None:
    """A neighbour's failure holds nobody else."""
    backoff: Backoff[str] = Backoff(lambda: 1.0)
    backoff.failed(["a"], 0.0)
    assert backoff.held(0.1) == frozenset({"a"})
    assert backoff.held(FIRST) == frozenset()
    assert backoff.next(FIRST) is None


def test_success_begins_anew() -> None:
    """After a success the next failure waits as short as the first one."""
    backoff: Backoff[str] = Backoff(lambda: 1.0)
    backoff.failed(["a"], 0.0)
    backoff.failed(["a"], 0.0)
    backoff.succeeded(["a", "never failed"])
    backoff.failed(["a"], 0.0)
    assert backoff.next(0.0) == FIRST


def test_forgetting_frees_everything() -> None:
    """Something new is known: try it all at once."""
    backoff: Backoff[str] = Backoff(lambda: 1.0)
    backoff.failed(["a", "b"], 0.0)
    backoff.forget()
    assert backoff.held(0.0) == frozenset()


def test_what_is_not_tried_again_is_forgotten() -> None:
    """Memory doesn't grow with devices that come and go."""
    backoff: Backoff[str] = Backoff(lambda: 1.0)
    backoff.failed(["gone"], 0.0)
    backoff.failed(["here"], FIRST)
    backoff.drop_stale(FIRST)
    assert backoff.next(0.0) == FIRST * 2


@given(failures=st.integers(1, 200), jitter=st.floats(0, 1))
def test_no_delay_leaves_its_bounds(failures: int, jitter: float) -> None:
    """However often something failed."""
    backoff: Backoff[str] = Backoff(lambda: jitter)
    for _ in range(failures):
        backoff.failed(["a"], 0.0)
    due = backoff.next(0.0)
    assert due is not None
    assert FIRST / 2 <= due <= LONGEST
