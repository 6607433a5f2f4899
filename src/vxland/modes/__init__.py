"""How an overlay's VTEPs are laid out: one module a mode, one line here."""

from collections.abc import Callable

from vxland.model import Vtep
from vxland.modes import mesh, shared
from vxland.modes.seat import Seat
from vxland.settings import MESH, SHARED

MODES: dict[str, Callable[[Seat], tuple[Vtep, ...]]] = {MESH: mesh.vteps, SHARED: shared.vteps}
