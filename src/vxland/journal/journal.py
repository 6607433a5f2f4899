"""What the log says: to journald with fields when systemd runs vxland, to stderr otherwise."""

import logging
import os
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence

from vxland.journal import entries, summaries
from vxland.journal.entries import Entry
from vxland.journal.journald import Journald
from vxland.journal.messages import ERROR, INFO, NOTICE, WARNING, Message
from vxland.journal.throttle import Throttle
from vxland.problems import Problem
from vxland.report import ConfigNews, ConfigState, Report, config_news

LOG = logging.getLogger("vxland")
LEVELS = ("debug", "info", "warning", "error")
LEVEL = {
    ERROR: logging.ERROR,
    WARNING: logging.WARNING,
    NOTICE: logging.INFO,  # Python's levels have none
    INFO: logging.INFO,
}
ABOUT_CONFIG = {
    ConfigNews.REFUSED: entries.refused,
    ConfigNews.GOOD_AGAIN: entries.good_again,
    ConfigNews.IN_FORCE: entries.in_force,
}
SAVES = 60  # of the configuration within a minute: who saves it wants to read what it brought


def under_journald() -> bool:
    """Whether stderr leads to the journal (systemd.exec(5), $JOURNAL_STREAM)."""
    device, _, inode = os.environ.get("JOURNAL_STREAM", "").partition(":")
    try:
        stat = os.fstat(sys.stderr.fileno())
    except (OSError, ValueError):
        return False
    return (device, inode) == (str(stat.st_dev), str(stat.st_ino))


def set_up(level: str) -> None:
    """Log from this level on. Raises nothing: without journald it is stderr."""
    LOG.setLevel(level.upper())
    LOG.propagate = False
    handler: logging.Handler
    if under_journald():
        handler = Journald()
    else:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(levelname)s: %(message)s"))
    LOG.handlers = [handler]


def say(entry: Entry) -> None:
    """Log a line, and those that belong to it."""
    for text in (entry.text, *entry.more):
        LOG.log(LEVEL[entry.message.priority], "%s", text, extra={"entry": entry})


def not_started(reasons: Sequence[str]) -> bool:
    """Log why the daemon can't start, a line each; returns whether journald took them."""
    say(entries.not_started(reasons))
    return not any(isinstance(handler, Journald) and handler.lost for handler in LOG.handlers)


class Journal:
    """Writes down what a turn brought: what was put right, and which problems came and went.

    For one thread. ``clock`` gives monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._throttles: defaultdict[Message, Throttle[Entry]] = defaultdict(Throttle)
        # However often within an episode: it is the minute that counts.
        for message in (Message.CONFIG_REFUSED, Message.CONFIG_IN_FORCE):
            self._throttles[message] = Throttle(first=sys.maxsize, at_once=SAVES)
        self._problems: dict[Hashable, Problem] = {}
        self._config: ConfigState | None = None  # none before the first turn
        self._troubles: dict[Message, str] = {}

    def write(self, report: Report) -> None:
        """Log one turn; nothing where nothing is new."""
        if self._config is None:
            say(entries.started(report))
        self.mended(report.mends)
        problems = {problem.identity: problem for problem in report.problems}
        self._tell(
            (
                *self._about_config(report),
                *entries.changes(report),
                *(entries.came(problems[p], report) for p in problems if p not in self._problems),
                *(entries.went(self._problems[p]) for p in self._problems if p not in problems),
            )
        )
        self._problems, self._config = problems, report.config

    def mended(self, reports: Iterable[Report]) -> None:
        """Log what was put right between turns."""
        for report in reports:
            self._tell(entries.changes(report))

    def trouble(self, message: Message, text: str | None) -> None:
        """What keeps the daemon itself from its work now; logged where it comes and goes."""
        before = self._troubles.get(message)
        if text == before:
            return
        if text is not None:
            self._troubles[message] = text
            self._tell([entries.trouble(message, text)])
        elif before is not None:
            del self._troubles[message]
            self._tell([entries.trouble_over(message, before)])

    def stopped(self) -> None:
        """The end: what is still held back, and what becomes of the tunnels."""
        now = self._clock()
        for throttle in self._throttles.values():
            _say_all(summaries.summed_up(throttle.rest(now)))
        say(entries.stopped())

    def due(self) -> float | None:
        """When ``summarize`` has something to say (the clock's seconds); None where it hasn't."""
        times = (throttle.due() for throttle in self._throttles.values())
        return min((moment for moment in times if moment is not None), default=None)

    def summarize(self) -> None:
        """Log what was held back, where it is due."""
        now = self._clock()
        for throttle in self._throttles.values():
            _say_all(summaries.summed_up(throttle.summary(now)))

    def _about_config(self, report: Report) -> Iterator[Entry]:
        news = config_news(self._config, report.config)
        return (ABOUT_CONFIG[piece](report) for piece in news)

    def _tell(self, told: Iterable[Entry]) -> None:
        """Log what is to be told at once; the rest is held back."""
        now = self._clock()
        sorts: dict[Message, dict[Hashable, Entry]] = {}
        for entry in told:
            sorts.setdefault(entry.sort or entry.message, {})[entry.subject] = entry
        for sort, items in sorts.items():
            _say_all(summaries.at_once(self._throttles[sort].admit(items, now)))


def _say_all(told: Iterable[Entry]) -> None:
    for entry in told:
        say(entry)
