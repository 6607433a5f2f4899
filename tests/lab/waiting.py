"""Waiting for something to become true, without guessing how long it takes."""

import time
from collections.abc import Callable

PATIENCE = 20.0  # seconds; these machines are slow and noisy
PAUSE = 0.01


def eventually(
    condition: Callable[[], object],
    what: str | Callable[[], str],
    patience: float = PATIENCE,
    pause: float = PAUSE,
) -> float:
    """Wait until the condition holds; returns the seconds that took. Raises AssertionError."""
    started = time.monotonic()
    while True:
        if condition():
            return time.monotonic() - started
        if time.monotonic() - started > patience:
            said = what if isinstance(what, str) else what()
            message = f"not within {patience:.0f} s: {said}"
            raise AssertionError(message)
        time.sleep(pause)
