"""The data plane: what the guards cost, and how much of a link is left for what is inside."""

import contextlib
import multiprocessing
import os
import resource
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass

from bench.harness import Row, Spread, Way, in_turns
from bench.scale import Scale
from tests.lab import Server, Site
from tests.lab.namespaces import Namespace
from tests.lab.site import ADDRESS, config
from vxland.kernel.ingress import INGRESS, Ingress
from vxland.kernel.netlink import NETLINK_NETFILTER, Netlink
from vxland.kernel.own_table import DORMANT, PERSIST
from vxland.kernel.transactions import BEGIN, END
from vxland.observed import IngressTable, TableState

GUARDED, OF_LINK = 0.98, 0.94
SHORTER = 8  # so many streams for one, where what is looked for is smaller than the noise
PIECE = bytes(1 << 16)
PROCESSORS = sorted(os.sched_getaffinity(0))
FORK = multiprocessing.get_context("fork")
TUNNELS = "$(ip -br link show type vxlan | cut -d' ' -f1)"
ISOLATED = f"for p in {TUNNELS}; do echo link set dev $p isolated {{}}; done | bridge -batch -"
UNGUARD = f"{ISOLATED.format('off')}; ebtables -F"
GUARD = f"{ISOLATED.format('on')}; ebtables-restore <{{}}"
SHAPE = "tc qdisc replace dev eth0 root tbf rate 1gbit burst 256kb latency 50ms"


def rows(scale: Scale) -> Iterator[Row]:
    """Guarded against unguarded, and a tunnel against the link below it."""
    for peers in (2, 100):
        with Site(scale.folder / f"plane{peers}", 2, prefix=f"pl{peers}-") as site:
            site.start(config(range(1, peers + 1)))
            site.add_containers()
            for server in site.servers:
                server.stop()  # or it would put right what is tried here
            yield from _guards(site, peers, scale)
    with Site(scale.folder / "link", 2, prefix="link-") as site:
        site.start()
        site.add_containers()
        for server in site.servers:
            server.sh(SHAPE)
        yield _link(site, scale)


def _guards(site: Site, peers: int, scale: Scale) -> Iterator[Row]:
    one, other = site.containers
    saved = scale.folder / "rules"
    saved.write_text(site.servers[0].sh("ebtables-save"))
    worked: dict[str, list[float]] = {"guarded": [], "unguarded": []}

    def streamed(name: str) -> float:
        stream = tcp(one, other, other.address, scale.streams / SHORTER)
        worked[name].append(stream.of_processor)
        return stream.rate

    def unguarded() -> float:
        for server in site.servers:
            server.sh(UNGUARD)
            _filter(server, active=False)
        return streamed("unguarded")

    def guarded() -> float:
        for server in site.servers:
            server.sh(GUARD.format(saved))
            _filter(server, active=True)
        return streamed("guarded")

    seen = in_turns({"guarded": guarded, "unguarded": unguarded}, scale.rounds * SHORTER)
    yield Row(
        "data plane, guarded",
        peers,
        seen["guarded"],
        "B/s",
        reference=seen["unguarded"],
        against="unguarded",
        limit=GUARDED,
        least=True,
    )
    counted = {name: Spread(tuple(figures[1:])) for name, figures in worked.items()}
    yield Row(
        "data plane, guarded, by processor time",
        peers,
        counted["guarded"],
        "B/s",
        reference=counted["unguarded"],
        against="unguarded",
        least=True,
    )


def _filter(server: Server, *, active: bool) -> None:
    """What lets only peers in sees packets, or doesn't: a dormant table has no hooks."""
    with (
        server.entered(),
        contextlib.closing(Ingress()) as ingress,
        Netlink(NETLINK_NETFILTER) as netlink,
    ):
        flags = (PERSIST if _table(ingress).persistent else 0) | (0 if active else DORMANT)
        refusal = netlink.transaction(BEGIN, [INGRESS.making(flags, request=0)], [END])
        if refusal or _table(ingress).dormant is active:
            message = f"{server.name}'s table stays as it is: {refusal}"
            raise RuntimeError(message)


def _table(ingress: Ingress) -> IngressTable:
    state = ingress.read()
    if not isinstance(state, TableState) or state.table is None:
        message = f"there is no table that filters: {state}"
        raise RuntimeError(message)
    return state.table


def _link(site: Site, scale: Scale) -> Row:
    seconds = scale.streams
    web, db = site.containers
    one, other = site.servers
    ways: dict[str, Way] = {
        "tunnel": lambda: tcp(web, db, db.address, seconds).rate,
        "link": lambda: tcp(one, other, ADDRESS.format(2), seconds).rate,
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


@dataclass(frozen=True, slots=True)
class Stream:
    """Bytes, the seconds in which they came, and those of processors that both ends took."""

    came: int
    took: float
    worked: float

    @property
    def rate(self) -> float:
        """Bytes in a second."""
        return self.came / self.took

    @property
    def of_processor(self) -> float:
        """Bytes in a second of a processor, who else may use it: steadier on a busy machine."""
        return self.came / self.worked


def tcp(one: Namespace, other: Namespace, address: str, seconds: float) -> Stream:
    """What goes through one connection from one to the other.

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
            started, before, came = time.monotonic(), _processors(), 0
            while piece := connection.recv(1 << 18):
                came += len(piece)
            took = time.monotonic() - started
        child.join()
    return Stream(came, took, _processors() - before)


def _processors() -> float:
    """Seconds of this process and of its children that have ended; with what the kernel did."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in used)


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
