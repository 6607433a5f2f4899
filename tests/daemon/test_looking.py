"""Looking at a daemon: the status on a terminal and for programs, followed, and the events."""

import json
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.core.test_status import strict
from tests.daemon.terminal import Terminal
from tests.lab import Server, Site, eventually
from tests.lab.server import VXLAND
from tests.lab.site import config
from vxland.history.events import EventsJson
from vxland.status.shape import NodeStatus

pytestmark = [pytest.mark.kernel, pytest.mark.daemon]

LXD2, LXD3 = "vxl-lan-lxd2", "vxl-lan-lxd3"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """One of three servers, in sync."""
    with Site(tmp_path, 1) as made:
        made.start(config([1, 2, 3]))
        yield made


@pytest.fixture
def server(site: Site) -> Server:
    """The server."""
    return site.servers[0]


def events(server: Server) -> list[dict[str, Any]]:
    """What the daemon tells."""
    return list(server.ask("events")["events"])


def repairs(server: Server, device: str) -> list[dict[str, Any]]:
    """The events of this device's being put right."""
    return [e for e in events(server) if (e["kind"], e["device"]) == ("repaired", device)]


def shape_of(server: Server) -> dict[str, Any]:
    """The status, once it is what its type says."""
    status = json.loads(server.vxland("status", "--json").stdout)
    strict(NodeStatus).model_validate(status)
    return dict(status)


def test_the_status_is_what_it_is_documented_to_be(server: Server) -> None:
    """By the daemon, and by eye: the same, but for what only a daemon remembers."""
    told = shape_of(server)
    assert told["daemon"] == "running"
    assert told["started_at"] <= told["since"] <= time.time()
    tunnel = told["overlays"][0]["tunnels"][0]
    assert tunnel["traffic"].keys() >= {"receive_bytes", "transmit_drops"}
    assert tunnel["since"] <= time.time()
    server.stop()
    by_eye = shape_of(server)
    assert (by_eye["daemon"], by_eye["since"], by_eye["in_sync"]) == ("not running", None, True)
    assert by_eye["overlays"][0]["tunnels"][0]["traffic"] is not None
    assert by_eye["config"]["digest"] == told["config"]["digest"]


def test_colours_are_for_terminals(server: Server) -> None:
    """And not for those who want none."""
    with Terminal(server, "status") as terminal:
        assert terminal.ended() == 0
    assert "\x1b[1;32mlxd1: in sync since" in terminal.shown
    with Terminal(server, "status", NO_COLOR="1") as terminal:
        assert terminal.ended() == 0
    assert "lxd1: in sync since" in terminal.shown
    assert "\x1b[1;32m" not in terminal.shown
    assert "\x1b" not in server.vxland("status").stdout


@pytest.mark.parametrize(
    ("columns", "there", "not_there"), [(80, "device", "VNI"), (200, "VNI", "…")]
)
def test_it_fits_the_terminal(server: Server, columns: int, there: str, not_there: str) -> None:
    """No line is cut by the terminal, not with a repair to tell of either."""
    server.sh(f"ip link set {LXD3} mtu 1300")
    eventually(lambda: repairs(server, LXD3), "it is told of")
    with Terminal(server, "status", size=(columns, 40), NO_COLOR="1") as terminal:
        assert terminal.ended() == 0
    plain = re.sub(r"\x1b\[[\d;]*m", "", terminal.shown)  # headings are bold
    table = plain.partition("peer ")[2]
    assert there in table
    assert not_there not in table
    assert max(len(line.rstrip()) for line in table.splitlines()) <= columns


def test_it_is_followed_on_a_terminal(server: Server) -> None:
    """Drift, the end of the daemon, and its return; Ctrl-C is no failure."""
    with Terminal(server, "status", "--watch", "0.2") as terminal:
        terminal.awaits("in sync since", "0 B/s")
        server.sh(f"ip link del {LXD2}")
        terminal.awaits("ago: creat")
        server.stop()
        terminal.awaits("the daemon isn't running here")
        server.start()
        terminal.awaits("in sync since")
        assert terminal.interrupt() == 0
    assert "\x1b[?1049h" in terminal.shown  # a screen of its own
    assert "\x1b[?1049l" in terminal.shown
    assert "Traceback" not in terminal.shown


def test_it_is_followed_by_a_program(server: Server) -> None:
    """A JSON object a line."""
    command = server.command(str(VXLAND), "status", "--json", "--watch", "0.2")
    words = [*command, "--config", str(server.config)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = [json.loads(process.stdout.readline()) for _ in range(2)]
        process.terminate()
    assert [line["in_sync"] for line in lines] == [True, True]
    assert lines[0]["last_check"]["at"] <= lines[1]["last_check"]["at"]


def test_followed_into_a_file_it_is_plain(server: Server, tmp_path: Path) -> None:
    """One status after the other."""
    words = server.command(str(VXLAND), "status", "--watch", "0.2", "--config", str(server.config))
    output = tmp_path / "followed"
    with output.open("wb") as file, subprocess.Popen(words, stdout=file) as process:
        eventually(lambda: output.read_text().count("lxd1: in sync") > 1, "two of them")
        process.terminate()
    assert "\x1b" not in output.read_text()
    assert "B/s" in output.read_text()


@pytest.mark.parametrize("wrong", ["0", "-1", "often", "nan"])
def test_a_pause_must_make_sense(server: Server, wrong: str) -> None:
    """Else the command line is wrong."""
    done = server.vxland("status", f"--watch={wrong}")
    assert done.returncode == 64
    assert "isn't a number of seconds from 0.1" in done.stderr


def test_drift_is_an_event(server: Server) -> None:
    """What was found, what was done, how long it took."""
    server.sh(f"ip link del {LXD2}; ip link set {LXD3} mtu 1300")
    eventually(lambda: repairs(server, LXD2) and repairs(server, LXD3), "both are told of")
    (made,) = repairs(server, LXD2)
    assert (made["overlay"], made["peer"], made["found"]) == ("lan", "lxd2", "missing")
    assert made["done"].startswith(f"create {LXD2} to lxd2")
    assert 0 < made["seconds"] < 60
    (mended,) = repairs(server, LXD3)
    assert mended["found"] == "MTU 1300 instead of 1450"
    strict(EventsJson).model_validate(server.ask("events"))
    server.settled()
    tunnel = server.status()["overlays"][0]["tunnels"][0]
    assert tunnel["last_repair"]["what"] == made["done"]
    assert tunnel["since"] < made["at"] <= tunnel["last_repair"]["at"]  # put right at once


def test_who_took_the_rules_away_is_told(server: Server) -> None:
    """nftables names them."""
    server.sh("ebtables -F")
    eventually(lambda: repairs(server, "VXLAND"), "it is told of")
    (event,) = repairs(server, "VXLAND")
    assert event["found"] == "chain VXLAND missing rules"
    assert event["who"].startswith(("ebtables (pid ", "iptables (pid ", "xtables-nft-mul (pid "))


def test_the_same_drift_again_is_counted(server: Server) -> None:
    """In one event, that moves to the end."""
    for _ in range(3):
        server.sh(f"ip link set {LXD3} mtu 1300")
        eventually(lambda: (server.link(LXD3) or {}).get("mtu") == 1450, "it is put right")
        server.settled()
    eventually(
        lambda: [event["count"] for event in repairs(server, LXD3)] == [3],
        lambda: f"{events(server)}",
    )
    (event,) = repairs(server, LXD3)
    assert event["first_at"] < event["at"]
    assert event["number"] == max(e["number"] for e in events(server))


def test_events_are_printed(server: Server) -> None:
    """A table, the last few, or JSON."""
    server.sh(f"ip link set {LXD3} mtu 1300")
    eventually(lambda: repairs(server, LXD3), "it is told of")
    done = server.vxland("events")
    assert (done.returncode, done.stderr) == (0, "")
    head, *lines = done.stdout.splitlines()
    assert head.split() == ["time", "overlay", "peer", "device", "event", "found", "done", "took"]
    assert "MTU 1300 instead of 1450" in lines[-1]
    last = server.vxland("events", "-n", "1").stdout.splitlines()
    assert last[1:] == [last[-1]]
    assert "MTU 1300" in last[-1]
    assert server.vxland("events", "-n", "0").stdout == ""
    assert json.loads(server.vxland("events", "--json").stdout) == server.ask("events")
    few = json.loads(server.vxland("events", "--json", "--lines", "2").stdout)
    assert few["events"] == events(server)[-2:]
    assert server.vxland("events", "-n", "-1").returncode == 64


def test_events_are_followed(server: Server) -> None:
    """What comes, and what comes after the daemon was started anew."""
    with Terminal(server, "events", "-f", "-n", "1", size=(160, 30), NO_COLOR="1") as terminal:
        terminal.awaits("time")
        server.sh(f"ip link set {LXD3} mtu 1300")
        terminal.awaits("MTU 1300 instead of 1450")
        server.stop()
        server.start()
        terminal.awaits("started")
        assert terminal.interrupt() == 0
    assert terminal.shown.count("MTU 1300") == 1
    assert "Traceback" not in terminal.shown


def test_events_without_a_daemon(server: Server) -> None:
    """It says where else to look."""
    server.stop()
    done = server.vxland("events")
    assert (done.returncode, done.stdout) == (3, "")
    assert "journalctl -u vxland" in done.stderr
    done = server.vxland("events", "--json")
    assert done.returncode == 3
    assert "journalctl" in json.loads(done.stdout)["errors"][0]
