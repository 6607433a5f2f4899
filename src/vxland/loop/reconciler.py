"""The one loop that decides: look, resolve, plan, carry out, report. Nobody else writes."""

import time
from collections.abc import Collection

from msgspec.structs import replace

from vxland.addresses import IPAddress
from vxland.changes import by_device
from vxland.config.errors import InvalidConfig
from vxland.execution import Outcome, execute, overtaken
from vxland.hints import hints
from vxland.last import Last
from vxland.loop.drift import Drift, kept_down
from vxland.loop.leisure import Leisure
from vxland.loop.lessons import Lessons
from vxland.loop.mending import Calm, Mending
from vxland.loop.nearby import Hand
from vxland.loop.reload import refusal
from vxland.loop.restraint import Restraint, grounded
from vxland.loop.silence import Silence
from vxland.loop.surroundings import ConfigSource, Kernel, Names, Others, counted
from vxland.model import Desired
from vxland.observed import Host, Observed
from vxland.operations import CreateVtep
from vxland.ownership import attributed
from vxland.peers import host_names, hosts, named
from vxland.plan import Memory, Plan, Planning, View, plan
from vxland.problems import Kind, Problem, Unresolved
from vxland.process.doorbell import Trigger
from vxland.process.litter import left_lying
from vxland.report import ConfigState, Report
from vxland.resolve import resolve, unidentified
from vxland.settings import PeerSettings, Settings
from vxland.tables.in_force import after
from vxland.underlay.whereabouts import Beyond, Sight, Whereabouts, explained, survey

# Nothing else says anything about the file. At the start it is read again, now that it is watched.
READS_CONFIG = frozenset({Trigger.START, Trigger.CONFIG, Trigger.HANGUP, Trigger.REQUEST})
TOLD = frozenset({Trigger.NETLINK, Trigger.CONFIG})  # a look at what was touched may do
ASKED_FOR = frozenset({Trigger.HANGUP, Trigger.REQUEST})  # a person asks: try everything now
Look = tuple[Observed, Whereabouts]
MOMENT = 0.5  # seconds before a turn in which who was seen changing things is who did it


class Reconciler:
    """Makes the node what the configuration says, turn by turn.

    For one thread. A turn raises OSError where the kernel can't even be looked at.
    """

    def __init__(
        self,
        kernel: Kernel,
        source: ConfigSource,
        settings: Settings,
        names: Names,
        others: Others,
    ) -> None:
        self._kernel = kernel
        self._source = source
        self._names = names
        self._others = others
        self.settings = settings
        now = time.time()
        self._config = ConfigState(source.path, settings.digest, now, now)
        self._desired: Desired | None = None  # since this machine found itself
        self._wanted: Desired | None = None  # what the last turn went by
        self._where = Whereabouts()  # the peers' in the last turn
        self._memory = Memory()
        self._lessons = Lessons(others)
        self._kept_down: frozenset[str] = frozenset()  # ports, by the last turn's plan
        self._silence = Silence()
        self._leisure = Leisure(kernel, others)
        self._planning = Planning(plan)
        self.mending = Mending(kernel, self._planning, self._lessons, others)
        self._sight: Sight = kernel  # of the turn
        self._resolve_for, self._hints_for = Last(resolve), Last(hints)
        self._named = Last(named)
        self._turned = 0.0  # when the last turn began (monotonic seconds)

    @property
    def fights_so_far(self) -> int:
        """How many fights there were since the start."""
        return self._lessons.fights.total

    @property
    def remotes(self) -> frozenset[IPAddress]:
        """Where the peers were in the last turn."""
        return frozenset((*self._where.addresses.values(), *self._where.kept.values()))

    def next_try(self) -> float | None:
        """When something held back may be tried (monotonic seconds); None where nothing is.

        What has become due since the last turn is due still.
        """
        return self._lessons.next_try(self._turned)

    @left_lying()
    def turn(self, triggers: Collection[Trigger]) -> Report:
        """One look, and what it takes to put right what was seen."""
        self._turned = started = time.monotonic()
        at = time.time()
        self._sight = self.mending.begin_turn(whole=not TOLD.issuperset(triggers))
        self._lessons.fights.forget(started)  # before the plan: what is over keeps no port down
        wanted = self._wanted
        observed, where = self._heed(triggers, at) or self._survey(self.settings)
        self._where = where
        desired, unresolved = self._resolve(observed.host, where)
        observed, (whole, view) = self._plan(observed, desired)
        restraint = Restraint(
            self._lessons.backoff.held(started), self._lessons.fights.held(started)
        )
        hand = Hand(self._kernel, self._others, view) if view else self._kernel
        outcomes = overtaken(execute(restraint.applied(whole), hand))
        self._wanted = desired
        drift = Drift()
        if wanted == desired:
            drift = Drift.of(by_device(outcomes), self._kept_down)
        self._kept_down = kept_down(desired, observed, whole)
        self._lessons.learn(outcomes, desired, at, drift)
        seen, observed = observed, self._at_leisure(observed, desired, outcomes)
        observed = after(observed, [one.operation for one in outcomes if one.failure is None])
        self._await_guards(whole.problems)
        # What became due since was held back in this turn.
        self._lessons.backoff.drop_stale(started)
        report = Report(
            at=at,
            duration=time.monotonic() - started,
            triggers=frozenset(trigger.name.lower() for trigger in triggers),
            config=self._config,
            desired=desired,
            observed=observed,
            plan=whole,
            outcomes=outcomes,
            problems=self._problems(
                desired, observed, met=(*unresolved, *whole.problems), notes=where.notes
            ),
            fights=self._lessons.fights.current(),
            repairs=self._lessons.repairs,
            culprits=self._lessons.seen_changing(outcomes, started) if drift.repaired else {},
            hosts=hosts(self._named(self.settings.peers)),
            anew=wanted != desired,
            repaired=drift.repaired,
            secured=drift.secured,
            mends=self.mending.take_reports(),
        )
        calm = not whole.problems and not self._kept_down and self._lessons.is_calm()
        self.mending.end_turn(Calm(seen, self._memory, report) if calm else None)
        return report

    def _heed(self, triggers: Collection[Trigger], at: float) -> Look | None:
        """What was asked for: to read the file, or to try everything now."""
        look: Look | None = None
        asked = not ASKED_FOR.isdisjoint(triggers)
        if not READS_CONFIG.isdisjoint(triggers):
            before = self._config
            look = self._read_config(asked=asked)
            if asked or self._config != before:  # a look at the interval tries nothing
                self._config = replace(self._config, tried_at=at)
        if asked:
            self._lessons.backoff.forget()
            self._names.hurry()
        return look

    def _read_config(self, *, asked: bool) -> Look | None:
        """Take the file as it is now, or keep the last good one and say why.

        Returns the look by which a new one was judged and taken: the turn goes on by it.
        """
        if self._source.is_being_written():  # whose end rings
            if asked:
                self._refuse(f"{self._source.path} is being written. Reload when it is saved")
            return None
        try:
            settings = self._source.read()
        except InvalidConfig as error:
            self._refuse(*map(str, error.errors))
            return None
        if settings.digest == self.settings.digest:
            self._config = replace(self._config, errors=())
            return None
        look: Look | None = None
        reason = refusal(self.settings, settings)
        if reason is None and self._desired is not None:
            look = self._survey(settings, *self.settings.peers)
            reason = self._unresolvable(settings, *look)
        if reason is not None:
            self._refuse(f"{self._source.path}: {reason}")
            return None
        self.settings = settings
        self._config = ConfigState(self._source.path, settings.digest, time.time())
        self._lessons.backoff.forget()
        return look

    def _unresolvable(
        self, settings: Settings, observed: Observed, where: Whereabouts
    ) -> str | None:
        beyond = self._beyond(where, settings)
        try:
            self._resolve_for(settings, where.addresses, observed.host, beyond)
        except Unresolved as error:
            return str(error) if where.complete else None  # a name may still tell
        return None

    def _survey(self, settings: Settings, *more: PeerSettings) -> Look:
        answers = self._names.answers(host_names(self._named((*settings.peers, *more))))
        return survey(self._sight, settings, answers, self._where.kept)

    def _refuse(self, *reasons: str) -> None:
        self._config = replace(self._config, errors=reasons)

    def _resolve(self, host: Host, where: Whereabouts) -> tuple[Desired, tuple[Problem, ...]]:
        """What this node should be; while it doesn't find itself, what it was, or its bridges."""
        try:
            beyond = self._beyond(where, self.settings)
            resolved = self._resolve_for(self.settings, where.addresses, host, beyond)
        except Unresolved as error:
            problems = (*where.problems.values(), *error.problems)
            return self._desired or unidentified(self.settings), problems
        self._desired = explained(resolved, where)
        return self._desired, ()

    def _beyond(self, where: Whereabouts, settings: Settings) -> Beyond:
        """With the peer that this machine was, if the file has it as it was: it may be away."""
        node = self._desired.node if self._desired else ""
        if not node:
            return where.beyond
        now, then = (
            next((peer for peer in each.peers if peer.name == node), None)
            for each in (settings, self.settings)
        )
        same = now is not None and now == then
        return replace(where.beyond, before=node) if same else where.beyond

    def _plan(
        self, observed: Observed, desired: Desired
    ) -> tuple[Observed, tuple[Plan, View | None]]:
        if self.settings.overlays and not desired.node and not desired.overlays:
            return observed, (Plan(), None)  # until it is known who this machine is
        memory = self._memory.after(observed, desired)
        self._memory = replace(memory, grounded=grounded(desired, self._lessons.fights.current()))
        thought = self._planning.think(observed, desired, self._memory)
        if any(isinstance(operation, CreateVtep) for operation in thought[0].operations):
            # Its VNI may be held by the same device, moved to another namespace.
            observed = replace(observed, abroad=self._kernel.look_abroad())
            if observed.abroad:
                thought = self._planning.think(observed, desired, self._memory)
        return observed, thought

    def _at_leisure(
        self, observed: Observed, desired: Desired, outcomes: Collection[Outcome]
    ) -> Observed:
        """What only hints need is looked at where there is nothing to repair."""
        if outcomes or not self._leisure.is_now():
            return self._leisure.remember(observed)
        if self._silence.is_due(self._turned):
            self._silence.note(counted(self._kernel, desired), self._turned)
        return self._leisure.look(observed, desired)

    def _problems(
        self,
        desired: Desired,
        observed: Observed,
        *,
        met: Collection[Problem],
        notes: Collection[Problem],
    ) -> tuple[Problem, ...]:
        """All that stands in the way, and what is worth knowing, the gravest first."""
        problems = (
            *met,
            *self._lessons.problems(),
            *self._hints_for(desired, observed),
            *self._silence.problems(desired),
            *notes,
            *self._watch_problem(),
        )
        return attributed(problems, desired, observed)

    def _await_guards(self, problems: Collection[Problem]) -> None:
        """A guard that couldn't be read is looked for again, though no event tells of it."""
        lacking = {p.overlay for p in problems if p.kind is Kind.GUARD and not p.device}
        for overlay in self.settings.overlays:
            key = f"guards:{overlay.name}"  # no device has a colon in its name
            if overlay.name in lacking:
                self._lessons.backoff.failed([key], time.monotonic())
            else:
                self._lessons.backoff.succeeded([key])

    def _watch_problem(self) -> tuple[Problem, ...]:
        problem = self._source.problem
        if problem is None:
            return ()
        text = f"changes of the configuration are noticed late, at the interval: {problem}"
        return (Problem(Kind.HINT, text),)
