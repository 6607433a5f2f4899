"""The status as a person on call reads it: what is broken first, and what mends it under it."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct, field
from msgspec.structs import replace
from rich.cells import cell_len
from rich.text import Text

from vxland.commands.columns import Column, Row, layout
from vxland.commands.words import clean, size, span
from vxland.status.shape import NodeStatus, OverlayStatus, ProblemStatus, TunnelStatus

MOST = 10  # of pending operations that are told
LEAST = 5  # tunnels that are shown on the smallest screen
HINT = "hint"
SENTENCES = re.compile(r"(?<!\.)\. (?=[A-Z])")
WITHOUT = {
    "not running": "the daemon isn't running here; this is what the kernel shows. Start it:"
    " systemctl start vxland",
    "silent": "the daemon doesn't answer; this is what the kernel shows. See what it does:"
    " systemctl status vxland",
}
BAD, GOOD, NOTE = "red", "green", "yellow"

Key = tuple[str, str]  # overlay and peer
Rates = Mapping[Key, tuple[float, float]]  # bytes received and sent per second


class View(Struct, frozen=True):
    """How it is looked at."""

    now: float  # seconds since the epoch
    width: int  # columns
    height: int | None = None  # lines, where healthy tunnels are summed up; None: show all
    rates: Rates = field(default_factory=dict)  # in place of totals
    following: bool = False


def glance(status: NodeStatus, view: View) -> list[Text]:
    """The lines of a status, from the top."""
    overlays = sorted(status["overlays"], key=lambda overlay: _badness(overlay, status))
    names = {overlay["name"] for overlay in overlays}
    head = [*_verdict(status, view), *_config(status, view)]
    node = [problem for problem in status["problems"] if problem["overlay"] not in names]
    head += _problems(node, view)
    if status["node_pending"]:
        head += _pending(status["node_pending"])
    above = [[*_overlay(overlay, status, view)] for overlay in overlays]
    room = None
    if view.height is not None:
        used = sum(_lines(text, view.width) for part in (head, *above) for text in part)
        room = max(LEAST, view.height - used - 3 * len(overlays))
    shown: list[Text] = [*head]
    for overlay, texts in zip(overlays, above, strict=True):
        peers = _worst_first(overlay, status, view)
        fits = peers if room is None else peers[:room]
        shown += [*texts, *_table([peer.row for peer in fits], view), *_rest(peers[len(fits) :])]
        room = None if room is None else max(0, room - len(fits))
    return shown


def _badness(overlay: OverlayStatus, status: NodeStatus) -> tuple[bool, bool]:
    """What sorts the broken first, then what there is a hint about."""
    hints = any(problem["overlay"] == overlay["name"] for problem in status["problems"])
    return overlay["in_sync"], not hints


class Peer(Struct, frozen=True):
    """A peer's line, of a tunnel or of one that waits for its address."""

    name: str
    in_sync: bool
    row: Row


def _worst_first(overlay: OverlayStatus, status: NodeStatus, view: View) -> list[Peer]:
    name = overlay["name"]
    told = {problem["peer"] for problem in status["problems"] if problem["overlay"] == name}
    peers = [
        *(Peer(t["peer"], t["in_sync"], _row(name, t, view)) for t in overlay["tunnels"]),
        *(Peer(peer, in_sync=False, row=_waiting(peer)) for peer in overlay["waiting"]),
    ]
    return sorted(peers, key=lambda peer: (peer.in_sync, peer.name not in told))


def _verdict(status: NodeStatus, view: View) -> Iterator[Text]:
    if (without := WITHOUT.get(status["daemon"])) is not None:
        yield Text(without, style=NOTE)
    tunnels = [tunnel for overlay in status["overlays"] for tunnel in overlay["tunnels"]]
    broken = sum(not tunnel["in_sync"] for tunnel in tunnels)
    since = _for(status["since"], view, " since ")
    count = f"{len(tunnels)} tunnel{'s' * (len(tunnels) != 1)}"
    node = f"{clean(status['node'])}: " if status["node"] else ""
    if status["in_sync"]:
        yield Text(f"{node}in sync{since}: {count}", style=f"bold {GOOD}")
        return
    wrong = sum(problem["kind"] != HINT for problem in status["problems"])
    what = f"{broken} of {count}" if broken else f"{wrong} problem{'s' * (wrong != 1)}"
    if not broken and not wrong:
        what = "something is to be done"
    yield Text(f"{node}NOT in sync{since}: {what}", style=f"bold {BAD}")


def _config(status: NodeStatus, view: View) -> Iterator[Text]:
    config = status["config"]
    if config["errors"]:
        ago = _for(config["refused_at"], view, ", since ")
        line = f"configuration refused{ago}; the last good one stays in force"
        yield Text(line, style=BAD)
        for error in config["errors"][:MOST]:
            yield Text(f"  {clean(error)}", style=BAD)
        yield Text(f"  See all that is wrong with it: vxland check {clean(config['path'])}")


def _for(since: float | None, view: View, words: str) -> str:
    return "" if since is None else f"{words}{span(view.now - since)}"


def _problems(problems: Sequence[ProblemStatus], view: View) -> Iterator[Text]:
    """The worst first, each with its cure on a line of its own."""
    for problem in sorted(problems, key=lambda problem: problem["kind"] == HINT):
        style = NOTE if problem["kind"] == HINT else BAD
        since = "" if problem["since"] is None else f" (for {span(view.now - problem['since'])})"
        yield Text(f"  {problem['kind']}: {clean(problem['text'])}{since}", style=style)
        for way in SENTENCES.split(problem["cure"]) if problem["cure"] else ():
            yield Text(f"    {clean(way)}")


def _pending(pending: Sequence[str]) -> Iterator[Text]:
    for what in pending[:MOST]:
        yield Text(f"  to do: {clean(what)}", style=BAD)
    if len(pending) > MOST:
        yield Text(f"  to do: and {len(pending) - MOST} more", style=BAD)


def _overlay(overlay: OverlayStatus, status: NodeStatus, view: View) -> Iterator[Text]:
    yield Text("")
    state = "" if overlay["in_sync"] else "NOT in sync, "
    guards = ", ".join(overlay["guards"]) or "none"
    guards += "" if overlay["guards_seen"] else " (unseen)"
    ports = f"{overlay['ports']['count']}"
    ports += f", packets kept out {kept}" if (kept := overlay.get("kept_out")) else ""
    yield Text(
        f"overlay {overlay['name']}: {state}bridge {overlay['bridge']} {overlay['bridge_state']},"
        f" MTU {overlay['mtu']}, guards {guards},"
        f" tunnels {overlay['tunnels_present']} of {overlay['peers_wanted']}, other ports {ports}",
        style="bold" if overlay["in_sync"] else f"bold {BAD}",
    )
    mine = [problem for problem in status["problems"] if problem["overlay"] == overlay["name"]]
    yield from _problems(mine, view)
    pending = list(overlay["pending"])
    pending += [what for tunnel in overlay["tunnels"] for what in tunnel["pending"]]
    yield from _pending(pending)


COLUMNS = (
    Column("peer"),
    Column("address", 3),
    Column("device", 5),
    Column("VNI", 7, right=True),
    Column("MTU", 8, right=True),
    Column("state", 1),
    Column("received", 6, right=True),
    Column("sent", 6, right=True),
    Column("since", 2),
    Column("last repair", 4, elastic=11),
)
RATED = {"received", "sent"}  # wide enough for any rate, so that the table doesn't jump
FOLLOWED = tuple(replace(c, usual=10) if c.title in RATED else c for c in COLUMNS)
UNKNOWN = "\N{EN DASH}"


def _table(rows: Sequence[Row], view: View) -> Iterator[Text]:
    if rows:
        table = layout(FOLLOWED if view.following else COLUMNS, rows, view.width)
        yield table.header()
        for row in rows:
            yield from table.lines(row)


def _waiting(peer: str) -> Row:
    """A peer whose tunnel can't be laid out yet."""
    cells = [""] * len(COLUMNS)
    titles = [column.title for column in COLUMNS]
    cells[titles.index("peer")] = peer
    cells[titles.index("state")] = "waiting"
    return Row(tuple(cells), BAD)


def _row(name: str, tunnel: TunnelStatus, view: View) -> Row:
    repair = tunnel["last_repair"]
    last = f"{span(view.now - repair['at'])} ago: {repair['what']}" if repair else ""
    cells = (
        tunnel["peer"],
        f"{tunnel['address']} ({tunnel['host']})" if tunnel["host"] else tunnel["address"],
        tunnel["device"],
        str(tunnel["vni"]),
        str(tunnel["mtu"]),
        _state(tunnel),
        *_traffic(name, tunnel, view),
        _for(tunnel["since"], view, ""),
        last,
    )
    return Row(cells, "" if tunnel["in_sync"] else BAD)


def _state(tunnel: TunnelStatus) -> str:
    idle = tunnel["state"] == "up" and not tunnel["running"]
    state = "up, no carrier" if idle else tunnel["state"]
    return state if tunnel["in_sync"] else f"{state}, NOT in sync"


def _traffic(name: str, tunnel: TunnelStatus, view: View) -> tuple[str, str]:
    if view.following:
        rates = view.rates.get((name, tunnel["peer"]))
        return (
            (UNKNOWN, UNKNOWN) if rates is None else (f"{size(rates[0])}/s", f"{size(rates[1])}/s")
        )
    traffic = tunnel["traffic"]
    if traffic is None:
        return ("", "")
    return size(traffic["receive_bytes"]), size(traffic["transmit_bytes"])


def _rest(peers: Sequence[Peer]) -> Iterator[Text]:
    """Those that there is no room for."""
    broken = sum(not peer.in_sync for peer in peers)
    if broken:
        yield Text(f"and {broken} more that are NOT in sync (--all shows them)", style=BAD)
    if len(peers) > broken:
        yield Text(f"and {len(peers) - broken} more in sync (--all shows them)", style="dim")


def _lines(text: Text, width: int) -> int:
    return max(1, math.ceil(cell_len(text.plain) / max(1, width)))
