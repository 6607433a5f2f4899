"""``vxland events``: what happened lately, what vxland did about it, and who it was."""

import contextlib
import json
import sys
import time
from argparse import Namespace
from collections.abc import Sequence
from typing import TYPE_CHECKING

from vxland.commands.trouble import complain, explained
from vxland.control.client import NotRunning, ask
from vxland.history.events import EventJson
from vxland.process.litter import picked_up

if TYPE_CHECKING:
    from vxland.commands.history import History

TOLD, NOT_RUNNING, ERROR = 0, 3, 1
PAUSE = 1.0  # seconds between two looks
ABSENT = (
    "the daemon isn't running here, and what happened before it ended is in the journal:"
    " journalctl -u vxland"
)


def run(options: Namespace) -> int:
    """0 told, 3 daemon not running, 1 error; followed, 0 when it is interrupted."""
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
        _history(events).show(events)
    return TOLD


def _follow(options: Namespace, events: Sequence[EventJson], skipped: int) -> int:
    """Print these but the first few, and whatever comes, a line each, until Ctrl-C."""
    picked_up()
    # A daemon that is started anew counts from one, so the number alone doesn't tell.
    shown = {(event["number"], event["at"]) for event in events[:skipped]}
    history: History | None = None
    with contextlib.suppress(KeyboardInterrupt):
        while True:
            new = [event for event in events if (event["number"], event["at"]) not in shown]
            if options.json:
                for event in new:
                    print(json.dumps(event))
            elif new:
                history = history or _history(new, following=True)
                history.show(new)
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


def _history(events: Sequence[EventJson], *, following: bool = False) -> "History":
    from vxland.commands.columns import output  # noqa: PLC0415 - JSON needs no table
    from vxland.commands.history import History  # noqa: PLC0415

    return History(output(), events, following=following)
