"""What the daemon remembers of its turns: since when things are as they are, and what happened.

All of it is in memory, and begins with the daemon. The time comes with what is told. What others
read (``since``, ``events`` and the like) is replaced whole and never changed, so that it may be
read in any thread.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TypeVar

from msgspec.structs import replace

from vxland import __version__
from vxland.changes import Part, by_part, gist
from vxland.history.events import Event
from vxland.history.found import found
from vxland.listing import MOST, some
from vxland.ownership import owners
from vxland.problems import Kind, Problem
from vxland.report import ConfigNews, ConfigState, Report, config_news
from vxland.status.build import Past
from vxland.status.health import Examination, Health, TunnelKey

EVENTS = 500  # remembered
A_TURN = 50  # events of one sort that a turn gives
AGAIN = 60.0  # seconds within which the same event is counted, not told anew

Item = TypeVar("Item")
Key = TypeVar("Key")
State = TypeVar("State")


class Chronicle:
    """For one thread to tell, and any to read."""

    def __init__(self, started_at: float) -> None:
        self.started_at = started_at  # seconds since the epoch, as all times here
        self.node_since = started_at
        self.overlay_since: Mapping[str, float] = {}
        self.since: Mapping[TunnelKey, float] = {}
        self.problem_since: Mapping[Hashable, float] = {}
        self.refused_at: float | None = None  # the configuration, as it is now
        self.events: tuple[Event, ...] = ()
        self._tunnels: Mapping[TunnelKey, Health] = {}
        self._overlays: Mapping[str, bool] = {}
        self._in_sync: bool | None = None
        self._problems: Mapping[Hashable, Problem] = {}
        self._config: ConfigState | None = None  # none before the first turn
        self._troubles: dict[str, tuple[str, float]] = {}  # by what they are with
        self._ring: dict[int, Event] = {}  # by number
        self._latest: dict[Hashable, int] = {}  # by an event's identity
        self._told = 0

    def turn(self, report: Report) -> None:
        """A turn is over."""
        at = report.at
        examination = Examination(report)
        tunnels = {t.key: examination.tunnel(t) for t in report.desired.tunnels()}
        for overlay in report.desired.overlays:  # what is waited for stays as it is
            for problem in overlay.waiting:
                if (key := (overlay.name, problem.peer)) in self._tunnels:
                    tunnels[key] = self._tunnels[key]
        overlays = {o.name: examination.overlay(o) for o in report.desired.overlays}
        problems = {problem.identity: problem for problem in report.problems}
        told = [
            *self._beginning(report),
            *self._about_config(report),
            *(event for part in report.parts for event in _changes(part)),
            *self._came(problems, report),
            *self._went(problems, at),
        ]
        self.since = _since(self.since, self._tunnels, tunnels, at)
        self.overlay_since = _since(self.overlay_since, self._overlays, overlays, at)
        known = dict.fromkeys(problems, True)
        self.problem_since = _since(
            self.problem_since, dict.fromkeys(self._problems, True), known, at
        )
        same = report.in_sync is self._in_sync
        self.node_since = min(self.node_since, at) if same else at
        self.refused_at = self._refused_at(report)
        self._tunnels = _kept(self._tunnels, tunnels)
        self._overlays, self._problems = overlays, problems
        self._in_sync, self._config = report.in_sync, report.config
        if told:
            self._tell(told)

    def past(self) -> Past:
        """Since when all is as it is, at this moment."""
        return Past(
            self.started_at,
            self.node_since,
            self.overlay_since,
            self.since,
            self.problem_since,
            self.refused_at,
        )

    def trouble(self, subject: str, text: str | None, at: float) -> None:
        """What keeps the daemon from its own work; None where nothing does any more."""
        before = self._troubles.get(subject)
        if text is not None and (before is None or text != before[0]):
            self._troubles[subject] = (text, at)
            self._tell([Event("trouble", at, found=text, about=text)])
        if text is None and before is not None:
            del self._troubles[subject]
            old, since = before
            lasted = max(0.0, at - since)
            self._tell([Event("resolved", at, found=old, seconds=lasted, about=old)])

    def _beginning(self, report: Report) -> Iterator[Event]:
        if self._config is None:
            kept = some([overlay.name for overlay in report.desired.overlays], MOST)
            keeping = f"keeping overlay {kept}" if kept else "keeping nothing yet"
            yield Event("started", report.at, done=f"vxland {__version__} started, {keeping}")

    def _about_config(self, report: Report) -> Iterator[Event]:
        config = report.config
        for news in config_news(self._config, config):
            event = Event(news.value, report.at, about=config.errors[:1])
            if news is ConfigNews.REFUSED:
                event = replace(
                    event,
                    found=some(config.errors, MOST),
                    done="the last good configuration stays in force",
                )
            else:
                event = replace(event, done=f"{config.path} is {news.words}")
            yield event

    def _refused_at(self, report: Report) -> float | None:
        if report.config.ok:
            return None
        refused = ConfigNews.REFUSED in config_news(self._config, report.config)
        return report.at if refused or self.refused_at is None else self.refused_at

    def _came(self, problems: Mapping[Hashable, Problem], report: Report) -> Iterator[Event]:
        def came(problem: Problem) -> Event:
            kind = "failed" if problem.kind is Kind.FAILED else "problem"
            who = report.culprits.get(problem.device, "")
            return replace(_about(problem, kind, report.at), who=who)

        new = [problem for key, problem in problems.items() if key not in self._problems]
        return _limited(new, came, "problems")

    def _went(self, problems: Mapping[Hashable, Problem], at: float) -> Iterator[Event]:
        def went(problem: Problem) -> Event:
            lasted = at - self.problem_since[problem.identity]
            return replace(_about(problem, "resolved", at), seconds=max(0.0, lasted))

        old = [problem for key, problem in self._problems.items() if key not in problems]
        return _limited(old, went, "problems")

    def _tell(self, told: Iterable[Event]) -> None:
        """Put these at the end; what was told a moment ago is counted."""
        for event in told:
            self._told += 1
            before = self._ring.get(self._latest.get(event.identity, 0))
            new = replace(event, number=self._told, first_at=event.at)
            if before is not None and event.at - before.at <= AGAIN:
                del self._ring[before.number]
                first = min(before.first_at, event.at)
                new = replace(new, first_at=first, count=before.count + 1)
            self._ring[new.number] = new
            self._latest[new.identity] = new.number
        for number in list(islice(self._ring, max(0, len(self._ring) - EVENTS))):
            gone = self._ring.pop(number)
            if self._latest[gone.identity] == number:
                del self._latest[gone.identity]
        self.events = tuple(self._ring.values())


def _kept(before: Mapping[Key, State], now: Mapping[Key, State]) -> Mapping[Key, State]:
    """The very same where nothing has changed: else thousands of keys were new at each turn."""
    return before if before == now else now


def _since(
    since: Mapping[Key, float],
    before: Mapping[Key, State],
    now: Mapping[Key, State],
    at: float,
) -> Mapping[Key, float]:
    """Since when each is what it is now; a clock that was set back doesn't make it the future."""
    found = {
        key: min(since[key], at) if key in before and before[key] == state else at
        for key, state in now.items()
    }
    return _kept(since, found)


def _changes(report: Report) -> Iterator[Event]:
    """An event for each device, or peer of a shared one, to which something was done."""
    parts = by_part(report.outcomes, report.desired)
    whose = owners({device for device, _ in parts}, report.desired, report.observed)

    def changed(part: Part) -> Event:
        device, peer = part
        done, owner = parts[part], whose.get(device)
        return Event(
            _why(device, report),
            report.at,
            overlay=owner.overlay if owner else done[0].overlay,
            peer=peer or (owner.peer if owner else ""),
            device=device,
            found=found(done, report.observed),
            done=gist(done),
            seconds=report.duration,
            who=report.culprits.get(device, ""),
        )

    return _limited(list(parts), changed, "devices")


def _why(device: str, report: Report) -> str:
    if device in report.repaired:
        return "repaired"
    return "secured" if device in report.secured else "set_up"


def _about(problem: Problem, kind: str, at: float) -> Event:
    return Event(
        kind,
        at,
        overlay=problem.overlay,
        peer=problem.peer,
        device=problem.device,
        found=problem.text if kind == "failed" else f"{problem.kind.value}: {problem.text}",
        about=problem.identity,
    )


def _limited(items: Sequence[Item], told: Callable[[Item], Event], what: str) -> Iterator[Event]:
    """What is told of the first of these, and how many more there are."""
    last = None
    for item in items[:A_TURN]:
        last = told(item)
        yield last
    rest = len(items) - A_TURN
    if last is not None and rest > 0:
        text = f"and {rest} more {what}"
        yield Event(last.kind, last.at, found=text, seconds=last.seconds, about=text)
