"""Litter is picked up between turns and mends, or not at all: to look for it is to look at all.

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


@contextlib.contextmanager
def left_to_the_end() -> Iterator[None]:
    """Don't look at all, not even as Python ends: for a process that is this and no more.

    A quarter of the processor time of ``vxland status`` went into that.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()


def picked_up() -> None:
    """Look from now on, for what goes on and on; what there is by now stays."""
    gc.freeze()
    gc.enable()
