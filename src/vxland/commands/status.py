"""``vxland status``: overlays, tunnels, and what is wrong with them."""

import json
import sys
from argparse import Namespace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from vxland.commands.trouble import complain, explained
from vxland.control import NotRunning, ask

IN_SYNC, NOT_IN_SYNC, NOT_RUNNING, ERROR = 0, 2, 3, 1
WIDE = 200  # columns where nobody's terminal sets a width


def run(options: Namespace) -> int:
    """0 in sync, 2 not, 3 daemon not running, 1 error."""
    with explained(options):
        try:
            status: dict[str, Any] = {"daemon": "running", **ask("status")}
        except NotRunning:
            status = {"daemon": "not running", **_by_eye(options.config)}
    if "error" in status:
        complain(options, status["error"])
        return ERROR
    if options.json:
        print(json.dumps(status, indent=2))
    else:
        _print(status)
    if status["daemon"] != "running":
        return NOT_RUNNING
    return IN_SYNC if status["in_sync"] else NOT_IN_SYNC


def _by_eye(path: Path) -> dict[str, Any]:
    """What can be seen without the daemon. Raises InvalidConfig, Unresolved, OSError."""
    from vxland.kernel.linux import LinuxKernel  # noqa: PLC0415 - the daemon's answer needs no look
    from vxland.outlook import look  # noqa: PLC0415
    from vxland.status import node_status  # noqa: PLC0415

    with LinuxKernel() as kernel:
        outlook = look(path, kernel)
    plan = outlook.plan
    return node_status(outlook.desired, outlook.observed, plan, plan.problems, {})


def _print(status: dict[str, Any]) -> None:
    from rich.console import Console  # noqa: PLC0415 - JSON needs no table
    from rich.table import Table  # noqa: PLC0415

    console = Console(width=None if sys.stdout.isatty() else WIDE, highlight=False)
    if status["daemon"] != "running":
        console.print(
            "the daemon isn't running here; this is what the kernel shows", style="yellow"
        )
    for error in status.get("config", {}).get("errors", []):
        console.print(f"configuration refused: {error}", style="red", markup=False)
    for overlay in status["overlays"]:
        console.print(
            f"overlay {overlay['name']}: bridge {overlay['bridge']} {overlay['bridge_state']},"
            f" MTU {overlay['mtu']}, guards {', '.join(overlay['guards'])}"
        )
        table = Table("peer", "address", "device", "VNI", "state", "last repair", box=None)
        for tunnel in overlay["tunnels"]:
            state = tunnel["state"] if tunnel["in_sync"] else f"{tunnel['state']}, not in sync"
            table.add_row(
                tunnel["peer"],
                tunnel["address"],
                tunnel["device"],
                str(tunnel["vni"]),
                state,
                _repair(tunnel["last_repair"]),
                style=None if tunnel["in_sync"] else "red",
            )
        console.print(table)
    for problem in status["problems"]:
        style = "yellow" if problem["kind"] == "hint" else "red"
        console.print(f"{problem['kind']}: {problem['text']}", style=style, markup=False)
        if problem["cure"]:
            console.print(f"  {problem['cure']}", markup=False)
    console.print("in sync" if status["in_sync"] else "not in sync")


def _repair(repair: dict[str, Any] | None) -> str:
    if repair is None:
        return ""
    moment = datetime.fromtimestamp(repair["at"], UTC).astimezone()
    return f"{moment:%Y-%m-%d %H:%M:%S} {repair['what']}"
