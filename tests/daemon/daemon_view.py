"""What a running daemon says of itself: its status by the control socket, and its metrics."""

import contextlib
import http.client
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from tests.lab import Server, eventually
from vxland.control import NotRunning, ask

STILL = 0.2  # seconds; a daemon that feeds itself turns dozens of times in that


def status(server: Server) -> dict[str, Any]:
    """The daemon's status; empty while it doesn't answer. Much quicker than the command."""
    assert server.daemon is not None
    assert server.daemon.poll() is None, f"the daemon ended:\n{server.tail()}"
    path = Path(f"/run/vxland/net-{server.path.stat().st_ino}/control.sock")
    try:
        return ask("status", path)
    except (NotRunning, ConnectionError):
        return {}


def start(server: Server) -> None:
    """Start the daemon, and wait until it has looked once."""
    server.start(wait=False)
    eventually(lambda: "overlays" in status(server), f"{server.name} answers")


def settled(server: Server) -> None:
    """Wait until the daemon says that all is as wanted."""
    eventually(
        lambda: status(server).get("in_sync"),
        lambda: f"{server.name} in sync; {status(server)['problems']}; it logged:\n{server.tail()}",
    )


def problems(server: Server, kind: str) -> list[dict[str, str]]:
    """The daemon's open problems of one kind."""
    return [p for p in status(server).get("problems", []) if p["kind"] == kind]


def problem(server: Server, kind: str) -> dict[str, str]:
    """Wait for the one problem of this kind."""
    eventually(
        lambda: problems(server, kind),
        lambda: f"a {kind}; there are {status(server)['problems']}; it logged:\n{server.tail()}",
    )
    only, *others = problems(server, kind)
    assert others == []
    return only


def logged(server: Server, *words: str) -> None:
    """Wait for a line of the log with all these words."""
    eventually(
        lambda: any(
            all(word in line for word in words) for line in server.log.read_text().splitlines()
        ),
        lambda: f"a line with {words}; it logged:\n{server.tail()}",
    )


@dataclass(frozen=True)
class Metrics:
    """One scrape."""

    samples: dict[tuple[str, frozenset[tuple[str, str]]], float]

    def __call__(self, name: str, **labels: str) -> float:
        """The sum of the samples with this name and these labels."""
        wanted = labels.items()
        return sum(
            value
            for (sample, have), value in self.samples.items()
            if sample == name and wanted <= have
        )


def metrics(server: Server, port: int = 9788) -> Metrics:
    """What /metrics says now."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    with contextlib.closing(connection):
        with server.entered():
            connection.connect()
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
    return Metrics(
        {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }
    )


@dataclass(frozen=True)
class Work:
    """How much the daemon has done so far."""

    operations: float
    turns: float


def work(server: Server) -> Work:
    """How much the daemon has done so far."""
    seen = metrics(server)
    return Work(seen("vxland_operations_total"), seen("vxland_reconciliations_total"))


def quiet(server: Server) -> Work:
    """Wait until the daemon is in sync and turns no more; returns what it has done so far.

    One that answers to its own echo would never be found the same twice.
    """
    settled(server)
    seen = [work(server)]

    def unmoved() -> bool:
        time.sleep(STILL)
        seen.append(work(server))
        return seen[-1] == seen[-2]

    eventually(unmoved, lambda: f"{server.name} quiet; it logged:\n{server.tail()}")
    settled(server)
    return seen[-1]


@contextlib.contextmanager
def frozen(server: Server) -> Iterator[None]:
    """Let the daemon see nothing until all of it is done."""
    assert server.daemon is not None
    server.daemon.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        server.daemon.send_signal(signal.SIGCONT)
