"""What only hints need: looked at in turns that have nothing to repair, and remembered."""

from msgspec.structs import replace

from vxland.loop.surroundings import Kernel, Others
from vxland.model import Desired
from vxland.observed import Observed


class Leisure:
    """Looks at it, or adds what was seen last."""

    def __init__(self, kernel: Kernel, others: Others) -> None:
        self._kernel = kernel
        self._others = others
        self._seen = Observed()
        self._put_off = False

    def is_now(self) -> bool:
        """Whether nothing was touched meanwhile, which may want to be mended first.

        There is a turn after a mend. What was put off once isn't put off again.
        """
        self._put_off = not self._put_off and bool(self._others.touched())
        return not self._put_off

    def look(self, observed: Observed, desired: Desired) -> Observed:
        """See it anew."""
        bridges = frozenset(overlay.bridge.device for overlay in desired.overlays)
        self._seen = Observed(
            forward=self._kernel.read_forward(),
            far_ends=self._kernel.read_far_ends(bridges),
            claims=self._others.claims(desired, observed),
        )
        return self.remember(observed)

    def remember(self, observed: Observed) -> Observed:
        """The look at the kernel, with this in it."""
        seen = self._seen
        return replace(observed, forward=seen.forward, far_ends=seen.far_ends, claims=seen.claims)
