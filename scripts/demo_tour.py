"""The checks of the demo, in the order in which they are shown."""

import time
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from itertools import permutations
from typing import Self

from demo_stage import Stage  # it says where tests.lab is
from tests.lab import (
    BROADCAST,
    Flow,
    Listener,
    Moments,
    Server,
    Site,
    broadcast,
    eventually,
)
from tests.lab.site import HEAD, config

ALL = (1, 2, 3)
# Where ebtables-legacy tells of no changes, the interval finds them.
TEXT = HEAD + '\n[reconcile]\ninterval = "10s"\n'
TUNNEL = "vxl-lan-lxd{}".format
DROP = "-j DROP"
PAUSE = 0.5  # seconds of traffic before and after something is done to it
SHOWN = ("in_sync", "admin_up", "packets_total", "bytes_total")  # ends of metrics' names

Detail = str
Check = Callable[[], Detail]


class Failed(Exception):
    """A check didn't hold."""


def expect(condition: object, otherwise: str) -> None:
    """Raise Failed if the condition doesn't hold."""
    if not condition:
        raise Failed(otherwise)


class Traffic:
    """A stream of numbered frames from each container to the next, and to all."""

    def __init__(self, site: Site, numbers: tuple[int, ...] = ALL) -> None:
        self._containers = [site.containers[number - 1] for number in numbers]
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        enter = self._stack.enter_context
        listeners = [enter(Listener(container)) for container in self._containers]
        nexts = [*listeners[1:], listeners[0]]
        self._streams = [
            (enter(Flow(container, listener.mac)), [listener])
            for container, listener in zip(self._containers, nexts, strict=True)
        ]
        shouts = enter(Flow(self._containers[0], BROADCAST, rate=100))
        self._streams.append((shouts, listeners[1:]))
        time.sleep(PAUSE)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def result(self) -> Detail:
        """How many frames were lost: none. Raises Failed."""
        time.sleep(PAUSE)
        for flow, _ in self._streams:
            flow.stop()
        sent = sum(flow.sent * len(listeners) for flow, listeners in self._streams)
        lost = self._lost()
        if lost:  # or still on their way
            time.sleep(PAUSE)
            lost = self._lost()
        expect(lost == 0, f"{lost} of {sent} frames were lost")
        copies = max(
            tap.copies(flow.number) for flow, listeners in self._streams for tap in listeners
        )
        expect(copies == 1, f"a frame came {copies} times")
        return f"0 of {sent} frames lost, none came twice"

    def _lost(self) -> int:
        return sum(flow.lost(tap) for flow, listeners in self._streams for tap in listeners)


class Tour:
    """The checks, in the order in which they are shown. Each returns what it saw."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._site = stage.build()
        self._before = {server.name: traces(server) for server in self._site.servers}

    @property
    def site(self) -> Site:
        """The servers."""
        return self._site

    def checks(self) -> dict[str, Check]:
        """Every check by what it shows."""
        shown = {
            "the mesh converges": self.converges,
            "all containers reach each other": self.all_reach,
            "a broadcast arrives exactly once": self.broadcast_once,
            "a tunnel deleted by hand is back": self.tunnel_deleted,
            "ebtables -F is put right": self.rules_flushed,
            "a peer removed from the file is gone": self.peer_removed,
            "a peer put back into the file is back": self.peer_put_back,
            "kill -9 loses no packet": self.killed,
            "nor does the start after it": self.restarted,
            "metrics of one tunnel": self.metrics,
        }
        return shown if self._stage.keep else {**shown, "down leaves nothing": self.down}

    def converges(self) -> Detail:
        """Three daemons with the same file."""
        self._site.write(config(ALL, TEXT))
        started = time.monotonic()
        for server in self._site.servers:
            self._stage.start(server)
        for server in self._site.servers:
            server.settled()
        took = time.monotonic() - started
        for server in self._site.servers:
            tunnels = server.status()["overlays"][0]["tunnels"]
            expect(len(tunnels) == len(ALL) - 1, f"{server.name} has {len(tunnels)} tunnels")
        return f"3 daemons with the same file, 2 tunnels each, in sync {took:.1f} s after the start"

    def all_reach(self) -> Detail:
        """A container behind each bridge."""
        containers = self._site.add_containers()
        return f"{len(list(permutations(containers, 2)))} of 6 pings came back"

    def broadcast_once(self) -> Detail:
        """One frame to all, and nothing more."""
        one, *others = self._site.containers
        with ExitStack() as stack:
            back = stack.enter_context(Listener(one))
            taps = [stack.enter_context(Listener(container)) for container in others]
            number = broadcast(one)
            eventually(lambda: all(tap.arrived(number) for tap in taps), "the broadcast arrives")
            time.sleep(PAUSE)  # for more copies, if there were any
            counts = [tap.arrived(number) for tap in taps]
            expect(counts == [1, 1], f"{counts[0]} and {counts[1]} copies arrived")
            expect(back.arrived(number) == 0, "it came back to where it was sent")
        return "1 copy at lxd2's container, 1 at lxd3's, 0 back at lxd1's"

    def tunnel_deleted(self) -> Detail:
        """By hand, as somebody might."""
        server, device = self._site.servers[0], TUNNEL(2)
        with Moments(server) as moments:
            server.sh(f"ip link del {device}")
            eventually(lambda: moments.outage(device) is not None, f"{device} is up again")
            outage = moments.outage(device)
        self._site.all_reach()
        return f"up again {(outage or 0.0) * 1000:.0f} ms after it went"

    def rules_flushed(self) -> Detail:
        """As another program might, which thinks that it owns the rules."""
        server = self._site.servers[1]
        with Traffic(self._site) as traffic:
            server.sh("ebtables -F")
            took = eventually(
                lambda: DROP in server.sh("ebtables-save"), "vxland's rules are there again"
            )
            result = traffic.result()
        return f"vxland's rules are seen again {took * 1000:.0f} ms later; {result}"

    def peer_removed(self) -> Detail:
        """From the file, which is the same everywhere; and the other two don't notice."""
        one, two, three = self._site.servers
        with Traffic(self._site, (1, 2)) as traffic:
            self._site.write(config((1, 2), TEXT))
            for server in (one, two):
                eventually(partial(_is_without, server, TUNNEL(3)), f"{server.name} forgets lxd3")
            result = traffic.result()
        eventually(
            lambda: three.status()["config"]["errors"], "lxd3 says that it isn't in the file"
        )
        expect(
            not self._site.containers[2].reaches(self._site.containers[0].address),
            "lxd3's container still reaches the others",
        )
        return f"no tunnel leads to lxd3, which says why; between lxd1 and lxd2 {result}"

    def peer_put_back(self) -> Detail:
        """The same file as before."""
        with Traffic(self._site, (1, 2)) as traffic:
            self._site.write(config(ALL, TEXT))
            self._site.all_reach()
            result = traffic.result()
        return f"all reach each other again; between lxd1 and lxd2 {result}"

    def killed(self) -> Detail:
        """SIGKILL, to every daemon at once."""
        with Traffic(self._site) as traffic:
            for server in self._site.servers:
                server.stop(kill=True)
            self._stage.record()
            result = traffic.result()
        return f"all three daemons, {result}"

    def restarted(self) -> Detail:
        """The new daemons find all as it should be."""
        with Traffic(self._site) as traffic:
            for server in self._site.servers:
                self._stage.start(server)
            for server in self._site.servers:
                server.settled()
            return traffic.result()

    def metrics(self) -> Detail:
        """What Prometheus would scrape."""
        server = self._site.servers[0]
        url = "http://127.0.0.1:9788/metrics"
        with server.entered(), urllib.request.urlopen(url, timeout=10) as answer:
            text = answer.read().decode()
        lines = [
            line
            for line in text.splitlines()
            if line.startswith("vxland_tunnel_") and 'peer="lxd2"' in line
        ]
        values = {line.partition("{")[0]: float(line.split()[-1]) for line in lines}
        expect(
            values.get("vxland_tunnel_admin_up") == 1, "the metrics don't say that the tunnel is up"
        )
        packets = values.get("vxland_tunnel_receive_packets_total", 0)
        expect(packets > 0, "the metrics have seen no packet")
        shown = [line for line in lines if line.partition("{")[0].endswith(SHOWN)]
        return "\n".join((f"{url} on lxd1", *shown))

    def down(self) -> Detail:
        """Every server is as it was before the first start."""
        for container in self._site.containers:
            container.server.sh(f"ip link del {container.port}")  # ours, so for us to take out
        for server in self._site.servers:
            status = server.stop()
            expect(status == 0, f"{server.name}: the daemon ended with status {status}")
            done = server.vxland("down")
            expect(done.returncode == 0, f"{server.name}: vxland down said: {done.stderr}")
            left = traces(server) - self._before[server.name]
            expect(not left, f"{server.name} still has: {', '.join(sorted(left))}")
        return "links, addresses and rules of all three servers are as they were"


def traces(server: Server) -> frozenset[str]:
    """What there is on a server: links, addresses, and rules."""
    rules = server.sh("ebtables-save | grep -E '^-A|VXLAND' || true")
    seen = server.sh("ip -br link; ip -br addr") + rules
    return frozenset(" ".join(line.split()) for line in seen.splitlines())


def _is_without(server: Server, link: str) -> bool:
    return server.link(link) is None
