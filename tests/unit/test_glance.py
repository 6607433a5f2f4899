"""The status as it is printed: what is broken first, and readable on any terminal."""

from collections.abc import Sequence
from typing import Any, cast

import pytest
from msgspec.structs import replace
from rich.console import Console, RenderableType
from rich.text import Text

from vxland.commands.columns import Column, Row, cut, layout
from vxland.commands.glance import View, glance
from vxland.commands.words import moment, size, span, took
from vxland.status.shape import NodeStatus

NOW = 1764100000.0
WIDE = View(NOW, 200)


def tunnel(peer: str, number: int, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - of any key
    """A tunnel that is in sync."""
    traffic = dict.fromkeys(("receive_packets", "transmit_packets"), 9)
    traffic |= {"receive_bytes": 123456789, "transmit_bytes": 999}
    return {
        "peer": peer,
        "address": f"198.51.100.{number}",
        "host": None,
        "local": "192.0.2.1",
        "device": f"vxl-lan-{peer}",
        "vni": 1000000 + number,
        "port": 4789,
        "mtu": 1450,
        "state": "up",
        "running": True,
        "in_sync": True,
        "since": NOW - 7200,
        "pending": [],
        "last_repair": None,
        "traffic": traffic,
        "learned_macs": None,
        **changes,
    }


def overlay(name: str, *tunnels: dict[str, Any], **changes: Any) -> dict[str, Any]:  # noqa: ANN401
    """An overlay with these tunnels."""
    return {
        "name": name,
        "bridge": f"br-{name}",
        "bridge_state": "up",
        "mtu": 1450,
        "guards": ["isolated", "ebtables"],
        "guards_seen": True,
        "in_sync": all(tunnel["in_sync"] for tunnel in tunnels),
        "since": NOW - 7200,
        "looping_pairs": 0,
        "pending": [],
        "waiting": [],
        "ports": {"count": 3, "too_large": [], "isolated": []},
        "peers_wanted": len(tunnels),
        "tunnels_present": sum(tunnel["state"] != "missing" for tunnel in tunnels),
        "tunnels": list(tunnels),
        **changes,
    }


def status(*overlays: dict[str, Any], **changes: Any) -> NodeStatus:  # noqa: ANN401 - of any key
    """A node with these overlays."""
    whole = {
        "version": "0.1.0",
        "node": "lxd1",
        "daemon": "running",
        "in_sync": all(overlay["in_sync"] for overlay in overlays),
        "since": NOW - 240,
        "started_at": NOW - 9000,
        "config": {
            "path": "/etc/vxland.toml",
            "digest": "",
            "loaded_at": NOW - 9000,
            "errors": [],
            "refused_at": None,
        },
        "last_check": {"at": NOW, "seconds": 0.002},
        "last_full_check": NOW,
        "node_pending": [],
        "overlays": list(overlays),
        "problems": [],
        **changes,
    }
    return cast("NodeStatus", whole)


def problem(kind: str, text: str, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - of any key
    """A problem of the overlay lan."""
    whole = {"kind": kind, "overlay": "lan", "peer": "", "device": "", "text": text}
    return {**whole, "cure": "", "since": NOW - 180, **changes}


BROKEN = tunnel(
    "lxd3",
    3,
    state="missing",
    running=False,
    in_sync=False,
    since=NOW - 240,
    traffic=None,
    pending=["create vxl-lan-lxd3"],
    last_repair={"what": "create vxl-lan-lxd3 to lxd3", "at": NOW - 300},
)
MIXED = status(
    overlay("dmz", tunnel("lxd2", 2)),
    overlay("lan", tunnel("lxd2", 2), BROKEN),
    problems=[
        problem("hint", "nothing came from lxd2", peer="lxd2", cure="Look. Or run: foo -x"),
        problem("failed", "could not create it", peer="lxd3", cure="Load it (modprobe vxlan)"),
        problem("refused", "something else", overlay="gone", since=None),
    ],
)


def printed(parts: Sequence[RenderableType], width: int, *, colour: bool = False) -> str:
    """What a person sees."""
    console = Console(
        width=width,
        highlight=False,
        force_terminal=colour,
        color_system="standard" if colour else None,
    )
    with console.capture() as captured:
        for part in parts:
            console.print(part, soft_wrap=isinstance(part, Text))
    return "\n".join(line.rstrip() for line in captured.get().splitlines())


AT_80 = """\
lxd1: NOT in sync since 4 min: 1 of 3 tunnels
  refused: something else

overlay lan: NOT in sync, bridge br-lan up, MTU 1450, guards isolated, ebtables, tunnels 1 of 2, other ports 3
  failed: could not create it (for 3 min)
    Load it (modprobe vxlan)
  hint: nothing came from lxd2 (for 3 min)
    Look
    Or run: foo -x
  to do: create vxl-lan-lxd3
peer  address       device        state                 since  last repair
lxd3  198.51.100.3  vxl-lan-lxd3  missing, NOT in sync  4 min  5 min ago: creat…
lxd2  198.51.100.2  vxl-lan-lxd2  up                    2 h

overlay dmz: bridge br-dmz up, MTU 1450, guards isolated, ebtables, tunnels 1 of 1, other ports 3
peer  address       device            VNI   MTU  state  received   sent  since
lxd2  198.51.100.2  vxl-lan-lxd2  1000002  1450  up     123.5 MB  999 B  2 h"""  # noqa: E501 - as it is


def test_on_eighty_columns_the_least_important_ones_go() -> None:
    """What is broken comes first, with its problem and its cure, the commands uncut."""
    assert printed(glance(MIXED, View(NOW, 80)), 80) == AT_80


TABLES = {
    200: """\
peer  address       device            VNI   MTU  state                 received   sent  since  last repair
lxd3  198.51.100.3  vxl-lan-lxd3  1000003  1450  missing, NOT in sync                   4 min  5 min ago: create vxl-lan-lxd3 to lxd3
lxd2  198.51.100.2  vxl-lan-lxd2  1000002  1450  up                    123.5 MB  999 B  2 h""",  # noqa: E501 - as it is
    120: """\
peer  address       device            VNI   MTU  state                 received   sent  since  last repair
lxd3  198.51.100.3  vxl-lan-lxd3  1000003  1450  missing, NOT in sync                   4 min  5 min ago: create vxl-la…
lxd2  198.51.100.2  vxl-lan-lxd2  1000002  1450  up                    123.5 MB  999 B  2 h""",  # noqa: E501 - as it is
    100: """\
peer  address       device            VNI  state                 received   sent  since  last repair
lxd3  198.51.100.3  vxl-lan-lxd3  1000003  missing, NOT in sync                   4 min  5 min ago
lxd2  198.51.100.2  vxl-lan-lxd2  1000002  up                    123.5 MB  999 B  2 h""",
    60: """\
peer  address       state                 since  last repair
lxd3  198.51.100.3  missing, NOT in sync  4 min  5 min ago
lxd2  198.51.100.2  up                    2 h""",
    40: """\
peer  state                 since
lxd3  missing, NOT in sync  4 min
lxd2  up                    2 h""",
}


@pytest.mark.parametrize("width", TABLES)
def test_a_table_fits(width: int) -> None:
    """Whatever the terminal is."""
    only = status(overlay("lan", tunnel("lxd2", 2), BROKEN))
    shown = printed(glance(only, View(NOW, width)), width)
    assert TABLES[width] in shown.partition("to do: create vxl-lan-lxd3\n")[2] + "\n"


def test_all_well_is_one_glance() -> None:
    """The first line says it, and since when."""
    first, *_ = printed(glance(status(overlay("lan", tunnel("lxd2", 2))), WIDE), 200).splitlines()
    assert first == "lxd1: in sync since 4 min: 1 tunnel"


SEE = "this is what the kernel shows. See what it does: systemctl status vxland"
START = "this is what the kernel shows. Start it: systemctl start vxland"


@pytest.mark.parametrize(
    ("changed", "verdict"),
    [
        ({"in_sync": False}, "lxd1: NOT in sync since 4 min: something is to be done"),
        (
            {"in_sync": False, "problems": [problem("guard", "none"), problem("hint", "h")]},
            "lxd1: NOT in sync since 4 min: 1 problem",
        ),
        ({"node": "", "since": None}, "in sync: 1 tunnel"),
        ({"node_pending": ["write the chain"], "in_sync": False}, "  to do: write the chain"),
        (
            {"daemon": "not running", "since": None},
            f"the daemon isn't running here; {START}",
        ),
        ({"daemon": "silent", "since": None}, f"the daemon doesn't answer; {SEE}"),
    ],
)
def test_the_verdict_says_what_is_wrong(changed: dict[str, Any], verdict: str) -> None:
    """Where no tunnel is, what else it is."""
    shown = printed(glance(status(overlay("lan", tunnel("lxd2", 2)), **changed), WIDE), 200)
    assert verdict in shown.splitlines()


def test_a_refused_configuration_stands_at_the_top() -> None:
    """With since when, and what shows all of it."""
    config = {**MIXED["config"], "errors": [f"line {n}" for n in range(15)], "refused_at": NOW - 90}
    shown = printed(glance(status(overlay("lan"), config=config), WIDE), 200).splitlines()
    assert shown[1:4] == [
        "configuration refused, since 90 s; the last good one stays in force",
        "  line 0",
        "  line 1",
    ]
    assert shown[12] == "  See all that is wrong with it: vxland check /etc/vxland.toml"


def test_guards_that_can_not_be_seen_are_so_called() -> None:
    """And a device that is up but can't send."""
    one = overlay("lan", tunnel("lxd2", 2, running=False), guards_seen=False)
    shown = printed(glance(status(one), WIDE), 200)
    assert "guards isolated, ebtables (unseen)" in shown
    assert "up, no carrier" in shown


def test_what_was_kept_out_is_told_where_there_was_any() -> None:
    """Beside the ports of others."""
    shown = printed(glance(status(overlay("lan", tunnel("lxd2", 2), kept_out=7)), WIDE), 200)
    assert "other ports 3, packets kept out 7" in shown
    assert "kept out" not in printed(glance(status(overlay("lan", kept_out=0)), WIDE), 200)


def many(count: int, broken: int = 0) -> NodeStatus:
    """A mesh, whose last ones are broken."""
    tunnels = [
        tunnel(
            f"p{n}",
            n % 250,
            in_sync=n < count - broken,
            state="up" if n < count - broken else "down",
        )
        for n in range(count)
    ]
    return status(overlay("lan", *tunnels))


def test_a_large_mesh_fits_on_the_screen() -> None:
    """The broken are there, the healthy are summed up; without a screen all are shown."""
    shown = printed(glance(many(1000, 2), View(NOW, 100, 24)), 100).splitlines()
    assert len(shown) <= 24
    assert [line.split()[0] for line in shown[4:6]] == ["p998", "p999"]
    assert shown[-1].startswith("and 98") or shown[-1].startswith("and 97")
    assert shown[-1].endswith("more in sync (--all shows them)")
    assert len(printed(glance(many(1000, 2), View(NOW, 100)), 100).splitlines()) > 1000


def test_a_large_mesh_that_is_broken_is_summed_up_too() -> None:
    """Or the verdict would scroll away."""
    shown = printed(glance(many(1000, 900), View(NOW, 100, 24)), 100).splitlines()
    assert len(shown) <= 25
    assert any("more that are NOT in sync (--all shows them)" in line for line in shown)
    assert shown[-1] == "and 100 more in sync (--all shows them)"


def test_to_do_is_told_of_a_few() -> None:
    """And how much more there is."""
    shown = printed(
        glance(status(overlay("lan", pending=[f"do {n}" for n in range(12)])), WIDE), 200
    )
    assert "  to do: do 9\n  to do: and 2 more" in shown


def test_followed_it_shows_rates() -> None:
    """Per second; none before the second look."""
    view = replace(WIDE, following=True, rates={("lan", "lxd2"): (1234567.0, 0.5)})
    shown = printed(glance(status(overlay("lan", tunnel("lxd2", 2), tunnel("lxd4", 4))), view), 200)
    assert "1.2 MB/s       0 B/s" in shown
    assert "123.5 MB" not in shown


def test_colours_are_for_what_is_wrong() -> None:
    """And nothing in a text is taken for a command to the terminal, or to rich."""
    evil = problem("hint", "device [red]x\x1b[2J", cure="[bold]")
    shown = printed(glance(status(overlay("lan", BROKEN), problems=[evil]), WIDE), 200, colour=True)
    assert "\x1b[31mlxd3" in shown
    assert "device [red]x?[2J" in shown
    assert "    [bold]" in shown


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-5, "0 s"),
        (0.4, "0 s"),
        (119, "119 s"),
        (120, "2 min"),
        (7199, "119 min"),
        (7200, "2 h"),
        (172799, "47 h"),
        (172800, "2 d"),
    ],
)
def test_spans(seconds: float, words: str) -> None:
    assert span(seconds) == words


def test_other_words() -> None:
    """Times, durations, sizes."""
    assert (took(None), took(0.0123), took(90)) == ("", "12 ms", "90 s")
    assert (size(1), size(0), size(999), size(1000), size(12345678)) == (
        "1 B",
        "0 B",
        "999 B",
        "1.0 kB",
        "12.3 MB",
    )
    assert len(moment(NOW, NOW)) == len("12:34:56")
    assert moment(NOW - 2 * 86400, NOW).startswith("2025-11-2")


def test_an_empty_column_is_not_shown_and_the_last_one_stays() -> None:
    """However narrow it is."""
    columns = (Column("a"), Column("b", 2), Column("c", 1))
    table = layout(columns, [Row(("long text", "x", ""))], 4)
    assert table.header().plain == "a"
    assert not table.whole


def test_what_is_tiny_is_not_shown() -> None:
    """Of a last repair, when it was stands alone where there is no room for what it was."""
    assert cut("5 min ago: create x", 19) == ["5 min ago: create x"]
    assert cut("5 min ago: create x", 17) == ["5 min ago: creat…"]
    assert cut("5 min ago: create x", 11) == ["5 min ago"]
    assert cut("5 min ago: create x", 5) == ["5 mi…"]
    assert cut("vxl-lan-lxd2", 5) == ["vxl-…"]


def test_no_line_ends_in_blanks() -> None:
    """What is piped into a file is as wide as what is in it."""
    lines = glance(MIXED, View(NOW, 1000))
    assert [line.plain for line in lines if line.plain != line.plain.rstrip()] == []
    assert max(len(line.plain) for line in lines) < 140


def test_a_peer_that_waits_has_a_line() -> None:
    """Among the broken ones."""
    waits = overlay("lan", tunnel("lxd2", 2), waiting=["lxd9"], in_sync=False)
    shown = printed(glance(status(waits), View(NOW, 80)), 80).splitlines()
    assert [line.split() for line in shown if line.startswith("lxd9 ")] == [["lxd9", "waiting"]]
    assert shown.index(next(line for line in shown if line.startswith("lxd9 "))) < len(shown) - 1


@pytest.mark.parametrize("width", [80, 120, 200])
def test_followed_it_does_not_jump(width: int) -> None:
    """The first frame, which knows no rates, has the columns of the second."""
    view = replace(WIDE, width=width, following=True)
    rates = {("lan", "lxd2"): (123456789.0, 999.0)}
    whole = status(overlay("lan", tunnel("lxd2", 2), tunnel("lxd4", 4)))
    first, second = (
        printed(glance(whole, replace(view, rates=known)), width).splitlines()
        for known in ({}, rates)
    )
    assert [line for line in first if line.startswith("peer")] == [
        line for line in second if line.startswith("peer")
    ]
    assert "\N{EN DASH}" in first[-1]
    assert len(first[-1]) == len(second[-1])
