"""``vxland status``: overlays, tunnels, and what is wrong with them."""

import json
import sys
import time
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from msgspec.structs import replace

from vxland.commands.trouble import complain, explained
from vxland.control.client import NotRunning, Silent, ask
from vxland.process.litter import picked_up

if TYPE_CHECKING:
    from vxland.commands.glance import Rates
    from vxland.status.shape import NodeStatus

IN_SYNC, NOT_IN_SYNC, NOT_RUNNING, ERROR = 0, 2, 3, 1


def run(options: Namespace) -> int:
    """0 in sync, 2 not, 3 no daemon answers, 1 error; followed, 0 when it is interrupted."""
    if options.watch is not None:
        return _watch(options)
    with explained(options):
        status = _asked(options.config)
    if "error" in status:
        complain(options, status["error"])
        return ERROR
    if options.json:
        print(json.dumps(status, indent=2))
    else:
        _print(cast("NodeStatus", status), options)
    if status["daemon"] != "running":
        return NOT_RUNNING
    return IN_SYNC if status["in_sync"] else NOT_IN_SYNC


def _asked(path: Path) -> dict[str, Any]:
    """The daemon's own, or what can be seen without it. Raises as ``_by_eye`` does."""
    try:
        return ask("status")
    except (NotRunning, Silent) as without:
        return {**_by_eye(path), "daemon": without.daemon}


def _by_eye(path: Path) -> "NodeStatus":
    """What can be seen without the daemon. Raises InvalidConfig, Unresolved, OSError."""
    from vxland.kernel.linux import LinuxKernel  # noqa: PLC0415 - the daemon's answer needs no look
    from vxland.outlook import counted, counted_for_peers, kept_out, look  # noqa: PLC0415
    from vxland.status.build import Counts, report_status  # noqa: PLC0415

    with LinuxKernel() as kernel:
        outlook = look(path, kernel)
    desired = outlook.desired
    counts = replace(Counts.of(counted(), counted_for_peers(desired)), kept_out=kept_out(desired))
    return report_status(outlook.report(path), counts=counts)


def _print(status: "NodeStatus", options: Namespace) -> None:
    from vxland.commands.columns import output  # noqa: PLC0415 - JSON needs no table
    from vxland.commands.glance import View, glance  # noqa: PLC0415

    console = output()
    height = None if options.all or not console.is_terminal else console.height - 1
    for line in glance(status, View(time.time(), console.width, height)):
        # A command that is cut into lines can't be copied.
        console.print(line, soft_wrap=True)


def _watch(options: Namespace) -> int:
    """Show it again and again, until Ctrl-C."""
    picked_up()
    try:
        if options.json:
            for status in _followed(options):
                print(json.dumps(status), flush=True)
        else:
            _show(options)
    except KeyboardInterrupt:
        pass
    return 0


def _followed(options: Namespace) -> Iterator[dict[str, Any]]:
    """The status now, and after each pause; an error is one, too: the daemon may come back."""
    from vxland.config.errors import InvalidConfig  # noqa: PLC0415
    from vxland.problems import Unresolved  # noqa: PLC0415

    while True:
        try:
            yield _asked(options.config)
        except (InvalidConfig, Unresolved, OSError) as error:
            yield {"error": str(error)}
        time.sleep(options.watch)


def _show(options: Namespace) -> None:
    from rich.console import Group  # noqa: PLC0415
    from rich.live import Live  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    from vxland.commands.columns import output  # noqa: PLC0415
    from vxland.commands.glance import View, glance  # noqa: PLC0415

    console = output()
    rates = _Rates()

    def picture(status: dict[str, Any]) -> Group:
        if "error" in status:
            return Group(Text(f"vxland: {status['error']}", style="red"))
        known = cast("NodeStatus", status)
        height = None if options.all or not console.is_terminal else console.height - 1
        measured = rates.after(known)
        view = View(time.time(), console.width, height, measured, following=True)
        return Group(*glance(known, view))

    if not console.is_terminal:
        for status in _followed(options):
            console.print(picture(status), Text(""))
            sys.stdout.flush()
        return
    with Live(console=console, screen=True, auto_refresh=False) as live:
        for status in _followed(options):
            live.update(picture(status), refresh=True)


class _Rates:
    """Bytes per second, from one look to the next."""

    def __init__(self) -> None:
        self._before: dict[tuple[str, str], tuple[float, int, int]] = {}

    def after(self, status: "NodeStatus") -> "Rates":
        """What passed since the last look; nothing of a tunnel that was made anew meanwhile."""
        now = time.monotonic()
        seen = {
            (overlay["name"], tunnel["peer"]): (
                now,
                tunnel["traffic"]["receive_bytes"],
                tunnel["traffic"]["transmit_bytes"],
            )
            for overlay in status["overlays"]
            for tunnel in overlay["tunnels"]
            if tunnel["traffic"] is not None
        }
        rates = {}
        for key, (_, received, sent) in seen.items():
            then, *before = self._before.get(key, (now, 0, 0))
            if now > then and received >= before[0] and sent >= before[1]:
                passed = now - then
                rates[key] = ((received - before[0]) / passed, (sent - before[1]) / passed)
        self._before = seen
        return rates
