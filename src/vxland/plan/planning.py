"""Planning turn by turn: what hasn't changed since all was as wanted isn't thought about again."""

from collections.abc import Callable

from msgspec import Struct

from vxland.last import Last
from vxland.model import Desired
from vxland.observed import Observed, Since
from vxland.plan.memory import Memory
from vxland.plan.planner import Plan, plan, plan_view
from vxland.plan.standing import Standing, View

NOTHING = Plan()


class Narrow(Struct, frozen=True):
    """A plan that is the whole one, made from a part of what there is."""

    plan: Plan
    view: View


class Planning:
    """Plans as ``plan`` does, and remembers when there was nothing to do. For one thread."""

    def __init__(self, whole: Callable[[Observed, Desired, Memory], Plan] = plan) -> None:
        self._whole = Last(whole)
        self._narrow = Last(plan_view)  # of a plan that was made ahead
        self._standing: Standing | None = None

    def __call__(self, observed: Observed, desired: Desired, memory: Memory) -> Plan:
        """What to do, in order, to get from ``observed`` to ``desired``."""
        return self.think(observed, desired, memory)[0]

    def think(
        self, observed: Observed, desired: Desired, memory: Memory
    ) -> tuple[Plan, View | None]:
        """The same, and from what it was made where that isn't everything."""
        narrow = self.narrow(observed, desired, memory)
        self._narrow.forget()  # the turn after a mend, at the latest
        if narrow is not None:
            self._whole.forget()  # it is about what there was before all was as wanted
            return narrow.plan, narrow.view
        found = self._whole(observed, desired, memory)
        # What others made and is to be taken over may be anywhere.
        if found == NOTHING and not any(overlay.adopt for overlay in desired.overlays):
            self._standing = Standing(observed, desired, memory)
        return found, None

    def narrow(
        self,
        observed: Observed,
        desired: Desired,
        memory: Memory,
        since: Since | None = None,
    ) -> Narrow | None:
        """The same, where little has changed since there was nothing to do; None elsewhere.

        Where it is known ``since`` which look what may have changed, only that is compared.
        """
        if self._standing is None:
            return None
        view = self._standing.view(observed, desired, memory, since)
        if view is None:
            return None
        if not view.changed:  # what was made anew is as it was, but what there was is let go
            self._standing.moves(observed, desired, ())
            return Narrow(NOTHING, view)
        found = self._narrow(view, memory)
        if found == NOTHING and not self._standing.moves(observed, desired, view.touched):
            self._standing = Standing(observed, desired, memory)
        return Narrow(found, view)
