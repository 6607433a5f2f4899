"""Three servers that go from one scheme of VNIs to another, and guests that mustn't notice."""

import contextlib
import time
from collections.abc import Iterator, Sequence
from itertools import permutations
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.lab import BROADCAST, Container, Flow, Listener, Server, Site
from tests.lab.frames import _frame, _mac
from tests.lab.site import HEAD, config

RATE = 1000  # frames a second, each way, between the guests of each two servers
BROADCASTS = 100  # a second, of each guest
PAUSE = 0.4  # seconds between a server's step and the next one's
INDEX, HEARS_PAIR, HEARS_INDEX, PAIR = '"index"', '["index", "pair"]', '["pair", "index"]', '"pair"'
STAGES = (INDEX, HEARS_PAIR, HEARS_INDEX, PAIR)
DROPPED = Path("/proc/net/softnet_stat")


def file(vni: str) -> str:
    """The configuration of all three, with this ``vni``."""
    return config((1, 2, 3), f"{HEAD}vni = {vni}\n")


def indexes(server: Server) -> dict[str, int]:
    """The tunnels' devices and their numbers: another one once it was made anew."""
    links = server.json("ip -j link show type vxlan")
    return {link["ifname"]: link["ifindex"] for link in links}


class Steady(Flow):
    """Sends by the clock: a sleep that lasted too long is made up for."""

    def _work(self) -> None:
        source, started = _mac(self._socket), time.monotonic()
        while not self.ended.is_set():
            with contextlib.suppress(OSError):  # the machine is behind: it wasn't sent
                self._socket.send(_frame(self._target, source, self.number, self.sent))
                self.sent += 1
            time.sleep(max(0.0, started + self.sent * self._pause - time.monotonic()))


class Traffic:
    """Frames between all guests, each way, and broadcasts of each. Once it is over, it is known.

    ``silent`` are guests that only receive.
    """

    def __init__(
        self,
        guests: Sequence[Container],
        silent: Sequence[Container] = (),
        broadcasts: int = BROADCASTS,
    ) -> None:
        self._rate = broadcasts
        self._stack = contextlib.ExitStack()
        self._guests, self._silent = guests, silent
        self._flows: list[tuple[Flow, Listener]] = []
        self._broadcasts: list[tuple[Flow, list[Listener]]] = []
        self._dropped_before = 0
        self.sent = self.lost = self.copied = self.unheard = 0
        self.dropped = 0  # by the machine itself, too busy, of whatever it had to do

    def __enter__(self) -> Self:
        enter = self._stack.enter_context
        listeners = {guest: enter(Listener(guest)) for guest in self._guests}
        self._dropped_before = dropped()
        for one, other in permutations(self._guests, 2):
            if one not in self._silent:
                flow = enter(Steady(one, listeners[other].mac, RATE))
                self._flows.append((flow, listeners[other]))
        for guest in self._guests if self._rate else ():
            if guest not in self._silent:
                others = [at for where, at in listeners.items() if where is not guest]
                flow = enter(Steady(guest, BROADCAST, self._rate))
                self._broadcasts.append((flow, others))
        time.sleep(PAUSE)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._stack:
            time.sleep(PAUSE)
            for flow in (*(f for f, _ in self._flows), *(f for f, _ in self._broadcasts)):
                flow.stop()
            time.sleep(PAUSE)  # what is under way
            self._count()

    def _count(self) -> None:
        self.dropped = dropped() - self._dropped_before
        for flow, at in self._flows:
            self.sent += flow.sent
            self.lost += flow.lost(at)
        for flow, others in self._broadcasts:
            for at in others:
                self.unheard += flow.lost(at)
                self.copied += at.arrived(flow.number) - len(at.numbers(flow.number))


def dropped() -> int:
    """Frames that the kernel dropped because the machine was too busy, in all namespaces."""
    return sum(int(line.split()[1], 16) for line in DROPPED.read_text().splitlines())


def taken(site: Site, vni: str, order: Sequence[int]) -> Iterator[Server]:
    """A step, taken server by server in this order; each of them once it was."""
    for number in order:
        server = site.servers[number]
        server.configure(file(vni))
        time.sleep(PAUSE)
        yield server
