"""Events as they are printed: in a table, or folded, and nothing is cut."""

import io
import time
from typing import cast

import pytest
from rich.console import Console

from vxland.cli import main
from vxland.commands.history import History
from vxland.history.events import EventJson

NOW = time.time()
FOUND = "the device was down, its MTU was 1500, and it was in no bridge; all of it since a moment"
DONE = "set vxl-lan-lxd2 up, set mtu of vxl-lan-lxd2 to 1450, put vxl-lan-lxd2 into vxbr0"


def event(number: int, kind: str = "repaired", **changes: object) -> EventJson:
    """Something that happened."""
    whole: dict[str, object] = {"number": number, "at": NOW, "first_at": NOW, "count": 1}
    whole |= {"kind": kind, "overlay": "lan", "peer": "lxd2", "device": "vxl-lan-lxd2"}
    whole |= {"found": FOUND, "done": DONE, "seconds": 0.006, "who": "ip (pid 12)"}
    return cast("EventJson", {**whole, **changes})


STARTED = event(1, "started", overlay="", peer="", device="", found="", done="", who="")


def shown(
    width: int, *batches: list[EventJson], terminal: bool = True, following: bool = False
) -> list[str]:
    """The lines of these, one batch after another; the time is left out of folded ones."""
    console = Console(
        file=io.StringIO(), width=width, highlight=False, force_terminal=terminal, no_color=True
    )
    history = History(console, batches[0], following=following)
    for batch in batches:
        history.show(batch)
    text = cast("io.StringIO", console.file).getvalue()
    return text.replace("\x1b[1m", "").replace("\x1b[0m", "").splitlines()


def test_a_narrow_terminal_folds() -> None:
    """First what it is about, then the whole of what was found and done."""
    first, second, *others = shown(80, [STARTED, event(2, count=3)])
    assert first.split()[-3:] == ["started", "6", "ms"]
    assert second.endswith("  lan  lxd2  vxl-lan-lxd2  repaired 3 times  6 ms  ip (pid 12)")
    assert others == [
        "    the device was down, its MTU was 1500, and it was in no bridge; all of it",
        "    since a moment",
        "    -> set vxl-lan-lxd2 up, set mtu of vxl-lan-lxd2 to 1450, put vxl-lan-lxd2",
        "       into vxbr0",
    ]


@pytest.mark.parametrize("width", [20, 40, 80, 120, 160, 200])
def test_nothing_is_cut_and_nothing_is_too_wide(width: int) -> None:
    """Every word is there, whatever the terminal is."""
    lines = shown(width, [event(1, peer="a-peer-with-a-rather-long-name")])
    assert max(map(len, lines)) <= width
    told = "".join("".join(lines).split())
    for word in f"{FOUND} {DONE} vxl-lan-lxd2 repaired".split() if width > 40 else ():
        assert word in told
    assert "…" not in told


def test_a_wide_terminal_has_a_table() -> None:
    """With a header, and in it what is long is wrapped."""
    header, first, *more = shown(160, [event(1)])
    assert header.split() == [
        "time",
        "overlay",
        "peer",
        "device",
        "event",
        "found",
        "done",
        "took",
        "who",
    ]
    assert header.index("found") == first.index("the device")
    assert more
    assert more[0].index(more[0].split()[0]) == header.index("found")


def test_a_line_is_an_event_where_nobody_looks() -> None:
    """And ends where it ends."""
    lines = shown(1000, [STARTED, event(2)], terminal=False)
    assert len(lines) == 3
    assert [line for line in lines if line != line.rstrip()] == []
    assert FOUND in lines[2]
    assert DONE in lines[2]
    assert lines[2].endswith("6 ms  ip (pid 12)")


@pytest.mark.parametrize("terminal", [True, False])
def test_what_comes_later_stands_under_what_came_first(*, terminal: bool) -> None:
    """One header, for all; what the first one hadn't has its place."""
    short = event(2, found="it was down", done="set it up")
    header, first, *rest = shown(
        170 if terminal else 1000, [STARTED], [short], terminal=terminal, following=True
    )
    assert rest == [line for line in rest if "overlay" not in line]
    (line,) = rest
    for title, text in {
        "overlay": "lan",
        "peer": "lxd2",
        "device": "vxl-lan",
        "event": "repaired",
        "found": "it was",
        "done": "set it",
        "who": "ip (",
    }.items():
        assert header.index(title) == line.index(text), title
    assert first.index("started") == header.index("event")


def test_a_long_one_that_comes_later_is_whole() -> None:
    """A pipe gets it on one line."""
    *_, last = shown(1000, [STARTED], [event(2)], terminal=False, following=True)
    assert f"{FOUND}  {DONE}" in last
    assert last.endswith("6 ms  ip (pid 12)")


@pytest.mark.parametrize("wrong", ["-1", "x", "1.5", "²", ""])
def test_a_number_that_is_none_is_a_wrong_command_line(
    wrong: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """64, as all of them."""
    with pytest.raises(SystemExit) as ended:
        main(["events", "-n", wrong])
    assert ended.value.code == 64
    assert "isn't a number from 0" in capsys.readouterr().err
