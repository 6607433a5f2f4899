"""Mending: a few tunnels put right without a look at everything else.

Where the last turn left nothing to be done, and all that the kernel has told since is about a few
devices, the rest is as it was: each change has its notification, and a lost one tells of itself.
A turn follows once nothing more is told, or before long, and reports what was mended.
"""

import time

from msgspec import Struct
from msgspec.structs import replace

from vxland.changes import by_device
from vxland.execution import Outcome, execute
from vxland.loop.drift import Drift
from vxland.loop.lessons import Lessons
from vxland.loop.nearby import Hand, Onlooker
from vxland.loop.surroundings import Kernel, Others
from vxland.observed import Observed, Since
from vxland.plan import Memory, Narrow, Planning
from vxland.process.doorbell import Trigger
from vxland.process.litter import left_lying
from vxland.report import Report
from vxland.underlay.whereabouts import Sight

QUIET = 0.2  # seconds without a mend until the turn that follows
LATEST = 5.0  # seconds after the first one


class Calm(Struct, frozen=True):
    """What the last turn saw and said, where nothing was left to be done."""

    observed: Observed
    memory: Memory
    report: Report


class Mending:
    """For the loop's thread, between its turns."""

    def __init__(
        self, kernel: Kernel, planning: Planning, lessons: Lessons, others: Others
    ) -> None:
        self._kernel = kernel
        self._planning = planning
        self._lessons = lessons
        self._others = others
        self._calm: Calm | None = None
        self._reports: list[Report] = []
        self._first: float | None = None  # monotonic seconds
        self.due: float | None = None  # when the turn is that follows (monotonic seconds)

    def begin_turn(self, *, whole: bool = True) -> Sight:
        """A turn begins. Gives who sees for it: the kernel, everything.

        One that needn't look at the ``whole`` looks, as a mend does, only at what was touched, if
        all is known of the rest: among others the turn that is due after mends.
        """
        calm, self._calm = self._calm, None
        touched = self._others.touched()  # what has been told until now
        self._others.forget()
        self._first = self.due = None
        if whole or calm is None or touched is None:
            return self._kernel
        return Onlooker(self._kernel, calm.observed, touched)

    def take_reports(self) -> tuple[Report, ...]:
        """What was mended since they were taken last."""
        reports, self._reports = self._reports, []
        return tuple(reports)

    def end_turn(self, calm: Calm | None) -> None:
        """It is over, and left nothing to be done where there is a ``calm``."""
        self._calm = calm

    @left_lying()
    def mend(self) -> bool:
        """Put right what was touched; False where it takes a turn, now.

        Raises OSError where the kernel can't be looked at. What fails is left to the turn, which
        looks at everything and tries it again as if it hadn't been tried.
        """
        calm, touched = self._calm, self._others.touched()
        if calm is None or touched is None:
            return False
        started, at = time.monotonic(), time.time()
        self._calm = None  # until all is put right
        ahead = self._think_ahead(calm)
        self._others.forget()
        observed, since = self._kernel.look_again(calm.observed, touched)
        since = None if since is None else Since(ahead, since.names)
        desired = calm.report.desired
        narrow = self._planning.narrow(observed, desired, calm.memory, since)
        if narrow is None or narrow.plan.problems:
            return False
        outcomes = execute(narrow.plan, Hand(self._kernel, self._others, narrow.view))
        done = tuple(outcome for outcome in outcomes if outcome.failure is None)
        self._first = started if self._first is None else self._first
        self.due = min(started + QUIET, self._first + LATEST)
        if done:
            # Of what was seen, what the plan was made from: there may be hundreds until the turn.
            report = replace(calm.report, at=at, observed=narrow.view.observed)
            self._learn(report, narrow, done, started)
        if len(done) < len(outcomes):
            return False
        if self._lessons.is_calm():
            self._calm = replace(calm, observed=observed)
        return True

    def _think_ahead(self, calm: Calm) -> Observed:
        """Plan as if what is leaving were gone; gives what would be seen then.

        Whoever deletes a device holds links' lock for most of a millisecond from the first
        notification on, and a look waits for that. A mesh's device loses its one entry first. If
        the look sees something else, this was for nothing.
        """
        leaving, desired = self._others.leaving(), calm.report.desired
        if not leaving or any(overlay.shared for overlay in desired.overlays):
            return calm.observed
        ahead, since = self._kernel.foresee(calm.observed, leaving)
        self._planning.narrow(ahead, desired, calm.memory, since)
        return ahead

    def _learn(
        self, report: Report, narrow: Narrow, done: tuple[Outcome, ...], started: float
    ) -> None:
        duration = time.monotonic() - started
        drift = Drift.of(by_device(done), frozenset())
        self._lessons.learn(done, report.desired, report.at, drift)
        self._reports.append(
            replace(
                report,
                duration=duration,
                triggers=frozenset({Trigger.NETLINK.name.lower()}),
                plan=narrow.plan,
                outcomes=done,
                culprits=self._lessons.seen_changing(done, started) if drift.repaired else {},
                repaired=drift.repaired,
                secured=drift.secured,
                anew=False,
                mends=(),
            )
        )
