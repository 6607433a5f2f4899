"""When Python looks for garbage: between turns and mends, or never.

Nothing that a turn makes refers to itself, so that reference counts free it. Python's collector
runs by how much is made, goes through all that there is, and would find nothing for tens of
milliseconds.
"""

import contextlib
import gc
from collections.abc import Iterator


@contextlib.contextmanager
def left_lying() -> Iterator[None]:
    """Don't collect garbage for as long as this lasts."""
    looks = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if looks:
            gc.enable()


@contextlib.contextmanager
def left_to_the_end() -> Iterator[None]:
    """Never collect garbage, not even as Python ends: for a process that does one thing and ends.

    A quarter of the processor time of ``vxland status`` went into that.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()


def picked_up() -> None:
    """Collect garbage from now on, for what goes on and on; what there is by now stays."""
    gc.freeze()
    gc.enable()
