"""Start: from exec to READY, and how long a command takes that only looks."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from bench.harness import Row, in_turns
from bench.place import Place, clean, text, unit_environment
from bench.scale import Scale
from tests.lab.server import VXLAND

PEERS = 10
READY, HELP, STATUS = 0.5, 0.1, 0.3  # seconds
PATIENCE = 30


def rows(scale: Scale) -> Iterator[Row]:
    """All with ten peers."""
    with Place("start", scale.folder / "start") as place:
        place.write(text(PEERS))
        ways = {
            "new": lambda: _from_nothing(place, scale.folder),
            "again": lambda: _ready(place, scale.folder),
        }
        ready = in_turns(ways, scale.rounds)
        yield Row("start, exec to READY", PEERS, ready["again"], limit=READY)
        yield Row("start, from nothing", PEERS, ready["new"], limit=READY)
        place.start()
        place.settled()
        ways = {
            "python": lambda: _exec(place, sys.executable, "-c", "pass"),
            "help": lambda: _run(place, "--help"),
            "status": lambda: _run(place, "status", "--config", str(place.config)),
        }
        seen = in_turns(ways, scale.rounds * 2)
        place.stop()
        ways = {"alone": ways["status"]}
        seen |= in_turns(ways, scale.rounds * 2)
    python = {"python -c pass": seen["python"]}
    for what, key, limit in (
        ("vxland --help", "help", HELP),
        ("vxland status", "status", STATUS),
        ("vxland status, no daemon", "alone", STATUS),
    ):
        yield Row(what, PEERS, seen[key], limit=limit, others=python)


def _from_nothing(place: Place, folder: Path) -> float:
    """The same where there are no tunnels; leaves them to the next start."""
    with place.entered():
        clean()
    return _ready(place, folder)


def _ready(place: Place, folder: Path) -> float:
    """Start a daemon, and end it; returns the seconds until it was ready."""
    path = folder / "notify"
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as notify:
        path.unlink(missing_ok=True)
        notify.bind(str(path))
        notify.settimeout(PATIENCE)
        started = time.perf_counter()
        daemon = subprocess.Popen(
            place.command(str(VXLAND), "run", "--config", str(place.config)),
            env={**os.environ, **unit_environment(), "NOTIFY_SOCKET": str(path)},
            stderr=subprocess.DEVNULL,
        )
        while b"READY=1" not in notify.recv(4096):
            pass
        took = time.perf_counter() - started
        daemon.send_signal(signal.SIGTERM)
        daemon.wait(PATIENCE)
    return took


def _run(place: Place, *words: str) -> float:
    return _exec(place, str(VXLAND), *words)


def _exec(place: Place, *words: str) -> float:
    command = place.command(*words)
    started = time.perf_counter()
    subprocess.run(command, check=False, capture_output=True)
    return time.perf_counter() - started
