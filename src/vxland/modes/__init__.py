"""How an overlay's VTEPs are laid out: one module a mode, one line here."""

from collections.abc import Callable

from vxland.model import Vtep
from vxland.modes import mesh
from vxland.modes.seat import Seat

MODES: dict[str, Callable[[Seat], tuple[Vtep, ...]]] = {"mesh": mesh.vteps}
