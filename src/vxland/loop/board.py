"""What the loop lets other threads read: its last report, and whether it still turns."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping

from vxland.history.chronicle import Chronicle
from vxland.history.events import event_json
from vxland.model import Tunnel
from vxland.problems import Kind, Problem
from vxland.report import Report
from vxland.status.build import Counts, report_status
from vxland.status.shape import Json

SLICE = 50  # tunnels between two pauses in which the loop may go first
LATE = 60.0  # seconds that a turn may take, as WatchdogSec= in the unit


class Board:
    """Written by the loop alone; each value is replaced whole, so readers need no lock.

    ``clock`` gives monotonic seconds, ``now`` seconds since the epoch, ``count`` what the kernel
    counts; ``give_way`` returns when the loop doesn't need the processor. Both are asked in the
    readers' threads.
    """

    def __init__(
        self,
        count: Callable[[], Counts] = Counts,
        give_way: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._clock = clock
        self._now = now
        self._count = count
        self._give_way = give_way
        self.chronicle = Chronicle(now())
        self.report: Report | None = None
        self.trouble: str | None = None  # why the last turn couldn't even begin
        self._own: Mapping[Problem, float] = {}  # problems that no turn reports, and since when
        self._expected = clock() + LATE

    def expect(self, patience: float) -> None:
        """The loop comes by again after so many seconds at most, and what a turn may take."""
        self._expected = self._clock() + patience + LATE

    def post(self, report: Report) -> None:
        """A turn is over."""
        self.chronicle.trouble("kernel", None, report.at)
        self.chronicle.turn(report)
        self.trouble = None
        self.report = report

    def trouble_with(self, text: str) -> None:
        """A turn couldn't even begin."""
        self.chronicle.trouble("kernel", text, self._now())
        self.trouble = text

    def http_problem(self, text: str | None) -> None:
        """What is wrong with HTTP; None where nothing is."""
        if text == next((problem.text for problem in self._own), None):
            return
        now = self._now()
        self.chronicle.trouble("http", text, now)
        self._own = {} if text is None else {Problem(Kind.HINT, text, about="http"): now}

    def events(self) -> Json:
        """What happened lately, the newest last: EventsJson."""
        return {"events": [event_json(event) for event in self.chronicle.events]}

    def status(self) -> Json:
        """The status as the command line and the API give it: NodeStatus, or ErrorStatus."""
        report = self.report
        if self.trouble is not None or report is None:
            return {"error": self.trouble or self._no_report()}
        counts = self._count()
        return {**report_status(report, self.chronicle.past(), counts, self._paced, self._own)}

    def _paced(self, tunnels: Iterable[Tunnel]) -> Iterator[Tunnel]:
        for number, tunnel in enumerate(tunnels):
            if number % SLICE == 0:
                self._give_way()
            yield tunnel

    def dead(self) -> str | None:
        """Why the loop seems to turn no more; None where it does."""
        late = self._clock() - self._expected
        return None if late <= 0 else f"the loop should have turned {late:.0f} s ago"

    def unready(self) -> str | None:
        """Why the node isn't as configured; None where it is."""
        if self.trouble is not None:
            return self.trouble
        if self.report is None:
            return self._no_report()
        if self.report.wrong:
            return "\n".join(map(str, self.report.wrong))
        return None if self.report.in_sync else "repairing"

    def _no_report(self) -> str:
        return "the first check isn't over yet"
