"""Litter is picked up between turns and mends: what looks for it goes through all that there is.

Nothing that a turn makes refers to itself, so that reference counts free it; the collector, which
is started by how much is made, would find nothing for tens of milliseconds.
"""

import contextlib
import gc
from collections.abc import Iterator


@contextlib.contextmanager
def left_lying() -> Iterator[None]:
    """Don't look for objects that refer to themselves, for as long as this lasts."""
    looks = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if looks:
            gc.enable()
