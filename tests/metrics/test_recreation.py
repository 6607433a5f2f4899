"""A tunnel's counters go on when its device is made anew, and say nothing of anybody else's."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import pytest

from tests.daemon.daemon_view import Metrics, metrics
from tests.lab import BROADCAST, Flow, Server, Site, eventually
from tests.lab.site import HEAD, config
from vxland.kernel.counters import read_traffic
from vxland.kernel.events import LinkEvents
from vxland.kernel.netlink import Netlink
from vxland.process.doorbell import Trigger
from vxland.traffic import Seen, Traffic

pytestmark = [pytest.mark.kernel, pytest.mark.daemon, pytest.mark.timeout(120, func_only=True)]

DEVICE = "vxl-lan-lxd2"
COUNTERS = tuple(
    f"vxland_tunnel_{way}_{what}_total"
    for way in ("receive", "transmit")
    for what in ("packets", "bytes", "drops", "errors")
)
RECEIVED = "vxland_tunnel_receive_packets_total"
ROUNDS = 8


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site(tmp_path, 2) as site:
        site.start()
        site.add_containers()
        yield site


@pytest.fixture
def server(site: Site) -> Server:
    return site.servers[0]


@contextmanager
def traffic(site: Site) -> Iterator[None]:
    """Broadcasts in both directions."""
    one, other = site.containers
    with Flow(one, BROADCAST), Flow(other, BROADCAST):
        yield


def device(server: Server) -> Seen | None:
    """The tunnel's device as the kernel has it now."""
    with server.entered(), Netlink() as netlink:
        return read_traffic(netlink).get(DEVICE)


def counting(server: Server) -> None:
    """Wait until frames of both directions have passed from now on; nothing is scraped."""
    before = device(server)
    assert before

    def passed() -> bool:
        now = device(server)
        return (
            now is not None
            and now.incarnation == before.incarnation
            and now.traffic.receive_packets > before.traffic.receive_packets
            and now.traffic.transmit_packets > before.traffic.transmit_packets
        )

    eventually(passed, lambda: f"more passes than {before}: {device(server)}")


def counters(seen: Metrics) -> dict[str, float]:
    return {name: seen(name, peer="lxd2") for name in COUNTERS}


def is_back(server: Server, gone: Seen) -> bool:
    now = device(server)
    return now is not None and now.up and now.incarnation != gone.incarnation


def remake(server: Server, how: str) -> None:
    """Have the device made anew, by something else or by vxland itself."""
    before = device(server)
    assert before
    server.sh(how)
    eventually(lambda: is_back(server, before), lambda: f"the tunnel is back:\n{server.tail()}")


class Witness:
    """Hears the kernel's last words on its own, and scrapes all the while."""

    def __init__(self, server: Server) -> None:
        self.scrapes: list[dict[str, float]] = []
        self._last_words: dict[int, Traffic] = {}
        self._server = server
        with server.entered():
            self._events = LinkEvents(Trigger.NETLINK, farewell=self._note)
        self._ended = threading.Event()
        self._scraping = threading.Thread(target=self._scrape, daemon=True)

    def __enter__(self) -> Self:
        self._scraping.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._scraping.join()
        self._events.close()

    def total(self) -> Traffic:
        """What all devices so far have counted."""
        self._events.drain()
        if (now := device(self._server)) is not None:
            self._note(now)
        return sum(self._last_words.values(), Traffic())

    def _note(self, seen: Seen) -> None:
        if seen.alias == "vxland:lan:lxd2":
            self._last_words[seen.incarnation] = seen.traffic

    def _scrape(self) -> None:
        while not self._ended.is_set():
            self.scrapes.append(counters(metrics(self._server)))


def test_counters_go_on_and_never_go_backwards(site: Site, server: Server) -> None:
    """However the device goes, under traffic and scrapes; at the end nothing is missing."""
    elsewhere = site.underlay.path
    ways = [f"ip link del {DEVICE}", f"ip link set {DEVICE} netns {elsewhere}"] * (ROUNDS // 2)
    with Witness(server) as witness:
        with traffic(site):
            for how in ways:
                counting(server)
                remake(server, how)
            counting(server)
        server.settled()
        total = witness.total()
        eventually(
            lambda: counters(metrics(server))[RECEIVED] >= total.receive_packets,
            lambda: f"{total} is reached: {counters(metrics(server))}",
        )
    assert len(witness.scrapes) > ROUNDS
    for earlier, later in zip(witness.scrapes, witness.scrapes[1:], strict=False):
        assert [name for name in COUNTERS if later[name] < earlier[name]] == []


def test_nothing_is_lost_between_the_last_scrape_and_the_end(site: Site, server: Server) -> None:
    """Nobody scrapes while traffic flows and devices go."""
    with Witness(server) as witness:
        witness._ended.set()
        witness._scraping.join()
        with traffic(site):
            for _ in range(3):
                counting(server)
                remake(server, f"ip link del {DEVICE}")
        site.cut()
        for container in site.containers:
            container.sh("ip link set eth0 down")

        def they_agree() -> bool:  # once nothing is sent between the two looks
            total, seen = witness.total(), counters(metrics(server))
            return (
                seen[RECEIVED] == total.receive_packets > 0
                and seen["vxland_tunnel_transmit_bytes_total"] == total.transmit_bytes > 0
                and seen["vxland_tunnel_receive_drops_total"] == total.receive_drops
            )

        eventually(they_agree, lambda: f"{witness.total()} is {counters(metrics(server))}")


def test_device_that_vxland_itself_makes_anew(site: Site, server: Server) -> None:
    """Because of another VNI, say."""
    with traffic(site):
        counting(server)
    before = counters(metrics(server))
    gone = device(server)
    assert gone
    server.configure(config((1, 2), HEAD + '[overlay.vnis]\n"lxd1 lxd2" = 4711\n'))
    assert is_back(server, gone)
    after = counters(metrics(server))
    assert before["vxland_tunnel_transmit_bytes_total"] > 0
    assert [name for name in COUNTERS if after[name] < before[name]] == []
    assert metrics(server)("vxland_tunnel_info", vni="4711") == 1


def test_what_has_the_tunnels_name_is_not_counted(site: Site, server: Server) -> None:
    """A stranger's device: the tunnel is missing, and its counters stand still."""
    with traffic(site):
        counting(server)
    assert counters(metrics(server))[RECEIVED] > 0
    server.stop()
    server.sh(f"ip link del {DEVICE}")
    server.sh(f"ip link add {DEVICE} type vxlan id 99 remote 192.0.2.2 dstport 4790")
    server.sh(f"ip link set {DEVICE} up")
    server.start()
    seen = metrics(server)
    assert seen("vxland_tunnel_admin_up", peer="lxd2") == 0
    assert seen("vxland_tunnel_in_sync", peer="lxd2") == 0
    assert seen("vxland_overlay_peers_present") == 0
    assert (seen("vxland_overlay_peers_wanted"), seen("vxland_overlay_conflicts")) == (1, 1)
    assert counters(seen) == dict.fromkeys(COUNTERS, 0)


def test_restart_begins_with_the_device_as_it_is(site: Site, server: Server) -> None:
    """Nothing is kept on disk; the process's own metrics say that it is another one."""
    with traffic(site):
        counting(server)
    remake(server, f"ip link del {DEVICE}")
    before = metrics(server)
    assert counters(before)[RECEIVED] > 0
    site.cut()
    server.stop()
    server.start()
    after, now = metrics(server), device(server)
    assert now
    assert counters(after)[RECEIVED] == now.traffic.receive_packets
    assert after("process_start_time_seconds") > before("process_start_time_seconds")
    assert after("vxland_reconciliations_total", trigger="start") == 1


def test_peer_that_left_is_forgotten(site: Site, server: Server) -> None:
    """It begins anew when it comes back."""
    with traffic(site):
        counting(server)
    site.cut()
    assert counters(metrics(server))[RECEIVED] > 0
    server.configure(config((1, 3)))
    seen = metrics(server)
    assert {name for name, labels in seen.samples if ("peer", "lxd2") in labels} == set()
    server.configure(config((1, 2)))
    assert metrics(server)(RECEIVED, peer="lxd2") == 0
