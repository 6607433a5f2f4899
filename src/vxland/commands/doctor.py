"""``vxland doctor``: whether this node works end to end, and what mends it where it doesn't."""

import json
import time
from argparse import Namespace
from contextlib import nullcontext
from pathlib import Path
from typing import Any, cast

from vxland.commands.columns import output
from vxland.commands.findings import lines
from vxland.commands.trouble import explained
from vxland.control.client import NotRunning, Silent, ask
from vxland.diagnosis import DiagnosisJson, diagnosis_json
from vxland.kernel.linux import LinuxKernel
from vxland.outlook import Outlook, counted, look
from vxland.probe.gather import gather
from vxland.status.build import Counts, report_status
from vxland.status.shape import NodeStatus

FINE, FINDINGS, ERROR = 0, 2, 1  # the last by ``explained``


def run(options: Namespace) -> int:
    """0 nothing wrong, as far as can be told, 2 problems or warnings, 1 error."""
    console = output()
    patience = nullcontext() if options.json else console.status("asking this machine, and peers")
    with explained(options), patience:
        diagnosis = _diagnosis(options.config)
    if options.json:
        print(json.dumps(diagnosis, indent=2))
    else:
        for line in lines(diagnosis):
            console.print(line, soft_wrap=True)  # a command that is cut can't be copied
    counts = diagnosis["counts"]
    return FINDINGS if counts["problem"] or counts["warning"] else FINE


def _diagnosis(path: Path) -> DiagnosisJson:
    """What there is to tell. Raises InvalidConfig, Unresolved, OSError."""
    at, started = time.time(), time.monotonic()
    with LinuxKernel() as kernel:
        outlook = look(path, kernel)
    status = _status(outlook, path)
    if "error" in status:  # its first check isn't over yet
        raise OSError(status["error"])
    wanted = outlook.desired, outlook.observed, cast("NodeStatus", status)
    facts = gather(*wanted, outlook.settings.digest)
    return diagnosis_json(facts, at, time.monotonic() - started)


def _status(outlook: Outlook, path: Path) -> dict[str, Any]:
    """The daemon's own, or what can be seen without it."""
    try:
        return ask("status")
    except (NotRunning, Silent) as without:
        seen = report_status(outlook.report(path), counts=Counts.of(counted()))
        return {**seen, "daemon": without.daemon}
