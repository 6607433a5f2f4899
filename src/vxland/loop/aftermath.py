"""What turns leave behind: what failed and wasn't done since, and when parts were last repaired."""

from collections.abc import Collection, Iterable, Mapping

from msgspec import Struct, field

from vxland.changes import Part, by_part, gist
from vxland.execution import Outcome
from vxland.loop.drift import Drift
from vxland.model import Desired
from vxland.problems import Kind, Problem
from vxland.report import Repair

MOST_REPAIRS = 20_000  # of which the last of a device or peer is remembered


class Failures(Struct):
    """What failed, until it is tried again."""

    _last: tuple[Outcome, ...] = ()

    def note(self, outcomes: Collection[Outcome], held: Collection[str]) -> None:
        """A turn brought these; what ``held`` devices wait for fails still."""
        kept: tuple[Outcome, ...] = ()
        if self._last:
            waiting = frozenset(held) - {outcome.operation.device for outcome in outcomes}
            kept = tuple(o for o in self._last if o.operation.device in waiting)
        self._last = (*kept, *(outcome for outcome in outcomes if outcome.failure))

    def problems(self) -> tuple[Problem, ...]:
        """What failed itself, and not only along with something else."""
        last = {outcome.operation: outcome.failure for outcome in self._last}
        return tuple(
            Problem(
                Kind.FAILED,
                failure.text,
                failure.cure,
                overlay=operation.overlay,
                device=operation.device,
            )
            for operation, failure in last.items()
            if failure and not failure.skipped
        )


class Repairs(Struct):
    """The last repair of each part."""

    _last: dict[Part, Repair] = field(default_factory=dict)  # the newest last

    def note(self, outcomes: Iterable[Outcome], desired: Desired, drift: Drift, at: float) -> None:
        """A turn brought these at this time (seconds since the epoch)."""
        for part, operations in by_part(outcomes, desired).items() if drift.repaired else ():
            if part[0] in drift.repaired:
                self._last.pop(part, None)
                self._last[part] = Repair(gist(operations), at)
        while len(self._last) > MOST_REPAIRS:
            del self._last[next(iter(self._last))]

    def by_part(self) -> Mapping[Part, Repair]:
        """As they are now."""
        return dict(self._last)
