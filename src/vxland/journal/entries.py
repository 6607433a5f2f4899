"""What a turn has to say, as values: a line for each device and each problem, with its fields."""

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence

from msgspec import Struct, field

from vxland import __version__
from vxland.changes import by_part, gist
from vxland.journal.messages import Message
from vxland.listing import MOST, some
from vxland.ownership import owners
from vxland.problems import Problem
from vxland.report import Report

Fields = Mapping[str, tuple[str, ...]]  # a field of the journal may have several values

TOGETHER = 150  # entries in one line: journald takes 1,024 fields (ENTRY_FIELD_COUNT_MAX)


class Entry(Struct, frozen=True):
    """A line of the journal, alone, repeated, or as one of many."""

    message: Message
    text: str
    subject: Hashable = ""  # what it is about: it is counted by this
    sort: Message | None = None  # what it is counted with, where that isn't its message
    again: str = ""  # the text when it is repeated; "{}" stands for how often
    many: str = ""  # what several of them are
    item: str = ""  # it, among several
    more: tuple[str, ...] = ()  # further lines
    fields: Fields = field(default_factory=dict)


def started(report: Report) -> Entry:
    """The first turn is over."""
    overlays = report.desired.overlays
    kept = [
        f"{overlay.name} (bridge {overlay.bridge.device}, tunnels {len([*overlay.tunnels()])})"
        for overlay in overlays
    ]
    node = report.desired.node
    who = f" as {node}" if node else ""
    what = f"keeping overlay {some(kept, MOST)}" if kept else "keeping nothing yet"
    return Entry(
        Message.STARTED,
        f"vxland {__version__} started{who} with {report.config.path}, {what}",
        fields=filled(
            VXLAND_VERSION=[__version__],
            VXLAND_CONFIG=[report.config.path],
            VXLAND_NODE=[node],
            VXLAND_OVERLAY=(overlay.name for overlay in overlays[:TOGETHER]),
        ),
    )


def changes(report: Report) -> Iterator[Entry]:
    """A line for each device, or peer of a shared one, to which something was done."""
    parts = by_part(report.outcomes, report.desired)
    whose = owners({device for device, _ in parts}, report.desired, report.observed)
    known: dict[tuple[str, ...], tuple[str, ...]] = {}
    for (device, peer), done in parts.items():
        message, verb = _why(device, report)
        what = gist(done)
        item = f"{device} (peer {peer})" if peer else device
        fields = filled(
            VXLAND_OVERLAY=(operation.overlay for operation in done),
            VXLAND_PEER=[peer or whose[device].peer] if device in whose else [],
            VXLAND_DEVICE=[device],
            VXLAND_WHAT=(type(operation).__name__ for operation in done),
            VXLAND_CULPRIT=[report.culprits.get(device, "")],
            VXLAND_DURATION_USEC=[f"{report.duration * 1e6:.0f}"],
            VXLAND_TRIGGER=sorted(report.triggers),
        )
        yield Entry(
            message,
            f"{item} {verb} in {report.duration * 1000:.0f} ms: {what}",
            subject=item,
            again=f"{item} {verb} {{}}: {what}",
            many=f"devices {verb}",
            item=item,
            # A thousand may be held back for minutes: what they have in common is kept once.
            fields={name: known.setdefault(values, values) for name, values in fields.items()},
        )


def _why(device: str, report: Report) -> tuple[Message, str]:
    if device in report.repaired:
        return Message.REPAIRED, "put right"
    if device in report.secured:
        return Message.SECURED, "secured"
    return Message.SET_UP, "set up"


def came(problem: Problem, report: Report) -> Entry:
    """There is a problem."""
    line = f"{problem.kind.value}: {problem}"
    return Entry(
        Message[problem.kind.name],
        line,
        subject=problem.identity,
        again=f"came or went {{}}, and is there: {line}",
        many=f"{problem.kind.value} problems",
        item=str(problem),
        fields=_problem_fields(problem, report.culprits.get(problem.device, "")),
    )


def went(problem: Problem) -> Entry:
    """A problem is no longer there."""
    return Entry(
        Message.RESOLVED,
        f"no longer: {problem.text}",
        subject=problem.identity,
        sort=Message[problem.kind.name],
        again=f"came or went {{}}, and is no longer there: {problem.text}",
        many="problems no longer there",
        item=problem.text,
        fields=_problem_fields(problem),
    )


def refused(report: Report) -> Entry:
    """The configuration isn't taken."""
    head = "configuration refused, the last good one stays in force"
    first, *more = _each(head, report.config.errors)
    return Entry(
        Message.CONFIG_REFUSED,
        first,
        subject=report.config.path,
        again=f"configuration refused or good again {{}}, now refused: {report.config.errors[0]}",
        more=tuple(more),
        fields=filled(VXLAND_CONFIG=[report.config.path]),
    )


def good_again(report: Report) -> Entry:
    """The configuration is no longer refused."""
    text = f"configuration {report.config.path} is good again"
    return Entry(
        Message.CONFIG_GOOD_AGAIN,
        text,
        subject=report.config.path,
        sort=Message.CONFIG_REFUSED,
        again=f"configuration refused or good again {{}}, now good: {report.config.path}",
        fields=filled(VXLAND_CONFIG=[report.config.path]),
    )


def in_force(report: Report) -> Entry:
    """Another configuration was taken."""
    path = report.config.path
    return Entry(
        Message.CONFIG_IN_FORCE,
        f"new configuration in force: {path}",
        subject=path,
        again=f"new configuration in force {{}}: {path}",
        fields=filled(VXLAND_CONFIG=[path]),
    )


def trouble(message: Message, text: str) -> Entry:
    """The daemon can't do its own work."""
    return Entry(message, text, again=f"came or went {{}}, and is there: {text}")


def trouble_over(message: Message, text: str) -> Entry:
    """It can again."""
    return Entry(
        Message.RESOLVED,
        f"no longer: {text}",
        sort=message,
        again=f"came or went {{}}, and is no longer there: {text}",
    )


def not_started(reasons: Sequence[str]) -> Entry:
    """The daemon ends before it has begun."""
    first, *more = _each("not started", reasons)
    return Entry(Message.NOT_STARTED, first, more=tuple(more))


def stopped() -> Entry:
    """The daemon ends."""
    text = "stopped; the tunnels stay as they are, and vxland down removes them"
    return Entry(Message.STOPPED, text)


def filled(**fields: Iterable[str]) -> Fields:
    """Journal fields: each value once, and no empty ones."""
    cleaned = {name: tuple(filter(None, dict.fromkeys(fields[name]))) for name in fields}
    return {name: values for name, values in cleaned.items() if values}


def _each(head: str, errors: Sequence[str]) -> list[str]:
    """A line for each of the first few errors."""
    lines = [f"{head}: {error}" for error in errors[:MOST]]
    if len(errors) > MOST:
        lines[-1] = f"{head}: and {len(errors) - MOST + 1} more errors; vxland check tells all"
    return lines


def _problem_fields(problem: Problem, culprit: str = "") -> Fields:
    return filled(
        VXLAND_OVERLAY=[problem.overlay],
        VXLAND_PEER=[problem.peer],
        VXLAND_DEVICE=[problem.device],
        VXLAND_KIND=[problem.kind.value],
        VXLAND_CULPRIT=[culprit],
    )
