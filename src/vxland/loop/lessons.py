"""What the loop learns from what it did: what failed, what is fought over, and who does that."""

import time
from collections.abc import Collection, Mapping
from random import SystemRandom

from vxland.changes import Part
from vxland.culprits import fight_problem
from vxland.execution import Outcome
from vxland.fights import WINDOW, Fights, undone
from vxland.identity import RULE_SETS
from vxland.loop.aftermath import Failures, Repairs
from vxland.loop.backoff import Backoff
from vxland.loop.drift import Drift
from vxland.loop.surroundings import Others
from vxland.model import Desired
from vxland.problems import Problem
from vxland.report import Repair

MOMENT = 0.5  # seconds before a turn in which who was seen changing things is who did it


class Lessons:
    """For the loop's thread."""

    def __init__(self, others: Others) -> None:
        self._others = others
        self.backoff: Backoff[str] = Backoff(SystemRandom().random)
        self.fights = Fights()
        self._culprits: dict[tuple[str, str], str | None] = {}
        self._repairs = Repairs()
        self._failures = Failures()

    @property
    def repairs(self) -> Mapping[Part, Repair]:
        """The last repair of each part."""
        return self._repairs.by_part()

    def is_calm(self) -> bool:
        """Whether nothing failed that waits, and nothing is fought over."""
        return self.backoff.next(0) is None and not self.fights.current()

    def next_try(self, since: float) -> float | None:
        """When something held back may be tried (monotonic seconds); None where nothing is.

        What has become due ``since`` then is due still.
        """
        times = [self.backoff.next(since), self.fights.next(since), self.fights.next_end(since)]
        return min((moment for moment in times if moment is not None), default=None)

    def learn(
        self, outcomes: tuple[Outcome, ...], desired: Desired, at: float, drift: Drift
    ) -> None:
        """These came of a plan, at this time (seconds since the epoch)."""
        now = time.monotonic()
        failed = {outcome.operation.device for outcome in outcomes if outcome.failure}
        done = [outcome.operation for outcome in outcomes if outcome.failure is None]
        self.backoff.failed(sorted(failed), now)
        self.backoff.succeeded({operation.device for operation in done} - failed)
        self._failures.note(outcomes, self.backoff.held(now))
        repairs = [o for o in done if o.device in drift.repaired] if drift.repaired else []
        for fight in self.fights.record(undone(repairs), now):
            self._culprits[fight.subject] = self._others.culprit(
                rules=fight.subject[0] in RULE_SETS, within=WINDOW
            )
        self._repairs.note(outcomes, desired, drift, at)
        current = {fight.subject for fight in self.fights.current()}
        self._culprits = {s: who for s, who in self._culprits.items() if s in current}

    def problems(self) -> tuple[Problem, ...]:
        """What failed and wasn't done since, and what is fought over."""
        fights = self.fights.current()
        told = (fight_problem(fight, self._culprits.get(fight.subject)) for fight in fights)
        return (*self._failures.problems(), *told)

    def seen_changing(self, outcomes: Collection[Outcome], since: float) -> dict[str, str]:
        """By device, who changed what was put right ``since`` then, or what is fought over."""
        within = time.monotonic() - since + MOMENT
        changed = {outcome.operation.device for outcome in outcomes}
        kinds = {device in RULE_SETS for device in changed}
        who = {rules: self._others.culprit(rules=rules, within=within) for rules in kinds}
        seen = {device: who[device in RULE_SETS] for device in changed}
        seen |= {device: who for (device, _), who in self._culprits.items()}
        return {device: who for device, who in seen.items() if who is not None}
