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
from bench.place import MESH, SHARED, Place, clean, text, unit_environment
from bench.scale import Scale, Size
from tests.lab.server import VXLAND

PEERS = 10
READY, HELP, STATUS = 0.5, 0.1, 0.3  # seconds
PATIENCE = 30
NO_DAEMON = 3  # the exit status of ``vxland status``


def rows(scale: Scale) -> Iterator[Row]:
    """All with ten peers, and starts with long flood lists, too."""
    with Place("start", scale.folder / "start") as place:
        yield from _starts(place, Size(PEERS, MESH), scale)
        place.start()
        place.settled()
        status = ("status", "--config", str(place.config))
        ways = {
            "python": lambda: _exec(place, sys.executable, "-c", "pass"),
            "help": lambda: _exec(place, str(VXLAND), "--help"),
            "status": lambda: _exec(place, str(VXLAND), *status),
        }
        seen = in_turns(ways, scale.rounds * 2)
        place.stop()
        ways = {"alone": lambda: _exec(place, str(VXLAND), *status, expected=NO_DAEMON)}
        seen |= in_turns(ways, scale.rounds * 2)
        for peers in scale.flooded:
            yield from _starts(place, Size(peers, SHARED), scale)
    python = {"python -c pass": seen["python"]}
    for what, key, limit in (
        ("vxland --help", "help", HELP),
        ("vxland status", "status", STATUS),
        ("vxland status, no daemon", "alone", STATUS),
    ):
        yield Row(what, PEERS, seen[key], limit=limit, others=python)


def _starts(place: Place, size: Size, scale: Scale) -> Iterator[Row]:
    place.write(text(size.peers, size.mode))
    ways = {
        "new": lambda: _from_nothing(place, scale.folder),
        "again": lambda: _ready(place, scale.folder),
    }
    ready, limit = in_turns(ways, scale.rounds), size.limit({PEERS: READY})
    yield Row(size.of("start, exec to READY"), size.peers, ready["again"], limit=limit)
    yield Row(size.of("start, from nothing"), size.peers, ready["new"], limit=limit)


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
        _expect("vxland run", daemon.wait(PATIENCE), 0)
    return took


def _exec(place: Place, *words: str, expected: int = 0) -> float:
    command = place.command(*words)
    started = time.perf_counter()
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    took = time.perf_counter() - started
    _expect(" ".join(words), done.returncode, expected, done.stderr)
    return took


def _expect(what: str, status: int, expected: int, said: str = "") -> None:
    """Raises RuntimeError where a program ended in another way: how fast it failed is no figure."""
    if status != expected:
        message = f"{what} ended with {status} instead of {expected}: {said}"
        raise RuntimeError(message)
