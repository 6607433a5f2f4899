"""What a running daemon says of itself, and how busy it is."""

import contextlib
import http.client
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families

from tests.lab import Server, eventually

STILL = 0.2  # seconds; a daemon that feeds itself turns dozens of times in that


def problems(server: Server, kind: str) -> list[dict[str, str]]:
    """The daemon's open problems of one kind."""
    return [p for p in server.status().get("problems", []) if p["kind"] == kind]


def problem(server: Server, kind: str) -> dict[str, str]:
    """Wait for the one problem of this kind."""
    eventually(
        lambda: problems(server, kind),
        lambda: f"a {kind}; there are {server.status()['problems']}; it logged:\n{server.tail()}",
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
        eventually(lambda: _connects(server, connection), f"{server.name} serves metrics")
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
    return Metrics(
        {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }
    )


def _connects(server: Server, connection: http.client.HTTPConnection) -> bool:
    try:
        with server.entered():
            connection.connect()
    except ConnectionRefusedError:  # it listens once the first check is over
        return False
    return True


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
    server.settled()
    seen = [work(server)]

    def unmoved() -> bool:
        time.sleep(STILL)
        seen.append(work(server))
        return seen[-1] == seen[-2]

    eventually(unmoved, lambda: f"{server.name} quiet; it logged:\n{server.tail()}")
    server.settled()
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
