"""``vxland events``: what happened lately, what vxland did about it, and who it was."""

import contextlib
import json
import sys
import time
from argparse import Namespace
from collections.abc import Sequence

from vxland.commands.trouble import complain, explained
from vxland.control import NotRunning, ask
from vxland.events import EventJson

TOLD, NOT_RUNNING, ERROR = 0, 3, 1
PAUSE = 1.0  # seconds between two looks
ABSENT = (
    "the daemon isn't running here, and what happened before it ended is in the journal:"
    " journalctl -u vxland"
)


def run(options: Namespace) -> int:
    """0 told, 3 daemon not running, 1 error; followed, 0 when it is interrupted."""
    if options.lines is not None and options.lines < 0:
        complain(options, "the number of events can't be negative")
        return ERROR
    with explained(options):
        try:
            answer = ask("events")
        except NotRunning:
            complain(options, ABSENT)
            return NOT_RUNNING
    if "error" in answer:
        complain(options, answer["error"])
        return ERROR
    events: list[EventJson] = answer["events"]
    skipped = max(0, len(events) - (len(events) if options.lines is None else options.lines))
    if options.follow:
        return _follow(options, events, skipped)
    events = events[skipped:]
    if options.json:
        print(json.dumps({"events": events}, indent=2))
    elif events:
        _print(events)
    return TOLD


def _follow(options: Namespace, events: Sequence[EventJson], skipped: int) -> int:
    """Print these but the first few, and whatever comes, a line each, until Ctrl-C."""
    # A daemon that is started anew counts from one, so the number alone doesn't tell.
    shown = {(event["number"], event["at"]) for event in events[:skipped]}
    header = True
    with contextlib.suppress(KeyboardInterrupt):
        while True:
            new = [event for event in events if (event["number"], event["at"]) not in shown]
            if options.json:
                for event in new:
                    print(json.dumps(event))
            elif new:
                _print(new, header=header)
                header = False
            sys.stdout.flush()
            shown |= {(event["number"], event["at"]) for event in new}
            time.sleep(PAUSE)
            events = _now()
    return TOLD


def _now() -> Sequence[EventJson]:
    """What the daemon tells; nothing while it doesn't run."""
    try:
        events: list[EventJson] = ask("events").get("events", [])
    except (NotRunning, OSError):
        return []
    return events


def _print(events: Sequence[EventJson], *, header: bool = True) -> None:
    from vxland.commands.columns import Column, Row, fitting, output  # noqa: PLC0415 - for JSON …
    from vxland.commands.words import moment, took  # noqa: PLC0415 - … no table

    columns = (
        Column("time"),
        Column("overlay", 4),
        Column("peer", 1),
        Column("device", 6),
        Column("event", 0),
        Column("found", 0, elastic=24),
        Column("done", 2, elastic=16),
        Column("took", 5, right=True),
        Column("who", 3, elastic=18),
    )
    now = time.time()
    rows = [
        Row(
            (
                moment(event["at"], now),
                event["overlay"],
                event["peer"],
                event["device"],
                _kind(event),
                event["found"],
                event["done"],
                took(event["seconds"]),
                event["who"],
            ),
            NOTE if event["found"].startswith(HINT) else STYLES.get(event["kind"], ""),
        )
        for event in events
    ]
    console = output()
    table = fitting(columns, rows, console.width)
    table.show_header = header
    console.print(table)


HINT, NOTE = "hint: ", "yellow"
STYLES = {
    "failed": "red",
    "problem": "red",
    "config_refused": "red",
    "trouble": "red",
    "repaired": NOTE,
    "resolved": "green",
    "config_good_again": "green",
}


def _kind(event: EventJson) -> str:
    count = f" {event['count']} times" if event["count"] > 1 else ""
    return f"{event['kind'].replace('_', ' ')}{count}"
