"""What the log says: to journald with fields when systemd runs vxland, to stderr otherwise."""

import logging
import os
import sys
from collections.abc import Iterator

from systemd.journal import JournalHandler

from vxland.execution import Outcome
from vxland.operations import CreateBridge, CreateVtep, Operation
from vxland.ownership import mark
from vxland.problems import Kind, Problem
from vxland.report import Report

LOG = logging.getLogger("vxland")
LEVELS = ("debug", "info", "warning", "error")
SEVERITY = {Kind.HINT: logging.INFO, Kind.WAITING: logging.WARNING}


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
        handler = JournalHandler(SYSLOG_IDENTIFIER="vxland")
    else:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(levelname)s: %(message)s"))
    LOG.handlers = [handler]


class Journal:
    """Writes down what a turn brought: what was put right, and which problems came and went."""

    def __init__(self) -> None:
        self._problems: dict[Problem, None] = {}
        self._refused: tuple[str, ...] = ()
        self._digest = ""

    def write(self, report: Report) -> None:
        """Log one turn; nothing where nothing is new."""
        self._write_config(report)
        for device, outcomes in _by_device(report.outcomes).items():
            done = [outcome.operation for outcome in outcomes if outcome.failure is None]
            if done:
                verb = "put right" if report.drift else "set up"
                fields = _fields(report, outcomes[0])
                took = f"{report.duration * 1000:.0f} ms"
                LOG.info("%s %s in %s: %s", device, verb, took, _gist(done), extra=fields)
        problems = dict.fromkeys(report.problems)
        for problem in problems.keys() - self._problems.keys():
            level = SEVERITY.get(problem.kind, logging.ERROR)
            LOG.log(level, "%s: %s", problem.kind.value, problem, extra=_problem_fields(problem))
        for problem in self._problems.keys() - problems.keys():
            LOG.info("no longer: %s", problem.text, extra=_problem_fields(problem))
        self._problems = problems

    def _write_config(self, report: Report) -> None:
        config = report.config
        if config.errors != self._refused:
            for error in config.errors:
                LOG.error("configuration refused, the last good one stays in force: %s", error)
            if not config.errors:
                LOG.info("configuration %s is good again", config.path)
            self._refused = config.errors
        if config.digest != self._digest:
            if self._digest:
                LOG.info("new configuration in force: %s", config.path)
            self._digest = config.digest


def _gist(done: list[Operation]) -> str:
    """What was done; of a device made anew only that, since all else follows from it."""
    made = [operation for operation in done if isinstance(operation, CreateVtep | CreateBridge)]
    return ", ".join(map(str, made or done))


def _by_device(outcomes: tuple[Outcome, ...]) -> dict[str, list[Outcome]]:
    devices: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        devices.setdefault(outcome.operation.device, []).append(outcome)
    return devices


def _fields(report: Report, outcome: Outcome) -> dict[str, str]:
    """Journal fields (systemd.journal-fields(7)); logging's record takes them as attributes."""
    device = outcome.operation.device
    return {
        "VXLAND_OVERLAY": outcome.operation.overlay,
        "VXLAND_DEVICE": device,
        "VXLAND_PEER": next(iter(_peers(report, device)), ""),
    }


def _peers(report: Report, device: str) -> Iterator[str]:
    yield from (vtep.peer for vtep in report.desired.vteps() if vtep.device == device)
    link = report.observed.links.get(device)
    seen = mark(link) if link else None
    if seen is not None:
        yield seen.peer


def _problem_fields(problem: Problem) -> dict[str, str]:
    return {
        "VXLAND_OVERLAY": problem.overlay,
        "VXLAND_DEVICE": problem.device,
        "VXLAND_PEER": problem.peer,
        "VXLAND_KIND": problem.kind.value,
    }
