"""The data plane: what the guards cost, and how much of a link is left for what is inside."""

import contextlib
import multiprocessing
import os
import socket
import time
from collections.abc import Iterator

from bench.harness import Row, Way, in_turns
from bench.scale import Scale
from tests.lab import Site
from tests.lab.namespaces import Namespace
from tests.lab.site import ADDRESS, config

GUARDED, OF_LINK = 0.98, 0.94
SHORTER = 4  # so many streams for one, where what is looked for is smaller than the noise
PIECE = bytes(1 << 16)
PROCESSORS = sorted(os.sched_getaffinity(0))
FORK = multiprocessing.get_context("fork")
TUNNELS = "$(ip -br link show type vxlan | cut -d' ' -f1)"
UNGUARD = f"for p in {TUNNELS}; do bridge link set dev $p isolated off; done; ebtables -F"
GUARD = f"for p in {TUNNELS}; do bridge link set dev $p isolated on; done; ebtables-restore <{{}}"
SHAPE = "tc qdisc replace dev eth0 root tbf rate 1gbit burst 256kb latency 50ms"


def rows(scale: Scale) -> Iterator[Row]:
    """Guarded against unguarded, and a tunnel against the link below it."""
    for peers in (2, 100):
        with Site(scale.folder / f"plane{peers}", 2, prefix=f"pl{peers}-") as site:
            site.start(config(range(1, peers + 1)))
            site.add_containers()
            for server in site.servers:
                server.stop()  # or it would put right what is tried here
            yield _guards(site, peers, scale)
    with Site(scale.folder / "link", 2, prefix="link-") as site:
        site.start()
        site.add_containers()
        for server in site.servers:
            server.sh(SHAPE)
        yield _link(site, scale)


def _guards(site: Site, peers: int, scale: Scale) -> Row:
    one, other = site.containers
    saved = scale.folder / "rules"
    saved.write_text(site.servers[0].sh("ebtables-save"))

    def unguarded() -> float:
        for server in site.servers:
            server.sh(UNGUARD)
        return tcp(one, other, other.address, scale.streams / SHORTER)

    def guarded() -> float:
        for server in site.servers:
            server.sh(GUARD.format(saved))
        return tcp(one, other, other.address, scale.streams / SHORTER)

    seen = in_turns({"guarded": guarded, "unguarded": unguarded}, scale.rounds * SHORTER)
    return Row(
        "data plane, guarded",
        peers,
        seen["guarded"],
        "B/s",
        reference=seen["unguarded"],
        against="unguarded",
        limit=GUARDED,
        least=True,
    )


def _link(site: Site, scale: Scale) -> Row:
    seconds = scale.streams
    web, db = site.containers
    one, other = site.servers
    ways: dict[str, Way] = {
        "tunnel": lambda: tcp(web, db, db.address, seconds),
        "link": lambda: tcp(one, other, ADDRESS.format(2), seconds),
    }
    seen = in_turns(ways, scale.rounds)
    return Row(
        "data plane, TCP in the tunnel at 1 Gbit/s",
        2,
        seen["tunnel"],
        "B/s",
        reference=seen["link"],
        against="the link below",
        limit=OF_LINK,
        least=True,
    )


def tcp(one: Namespace, other: Namespace, address: str, seconds: float) -> float:
    """Bytes in a second through one connection from one to the other.

    Each end has a processor of its own: how the scheduler places two that talk to each other is
    worth more than all that is compared.
    """
    with other.entered():
        listener = socket.create_server((address, 0))
    with listener, _on(PROCESSORS[0]):
        with one.entered():
            sender = socket.create_connection(listener.getsockname())
        connection, _ = listener.accept()
        with connection:
            child = FORK.Process(target=_send, args=(sender, seconds))
            child.start()
            sender.close()
            started, came = time.monotonic(), 0
            while piece := connection.recv(1 << 18):
                came += len(piece)
            took = time.monotonic() - started
        child.join()
    return came / took


@contextlib.contextmanager
def _on(processor: int) -> Iterator[None]:
    os.sched_setaffinity(0, {processor})
    try:
        yield
    finally:
        os.sched_setaffinity(0, PROCESSORS)


def _send(sender: socket.socket, seconds: float) -> None:
    os.sched_setaffinity(0, {PROCESSORS[-1]})
    end = time.monotonic() + seconds
    with contextlib.suppress(OSError):
        while time.monotonic() < end:
            sender.sendall(PIECE)
