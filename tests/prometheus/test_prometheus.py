"""A real Prometheus scrapes three servers: what it answers, and what alerts it raises."""

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.daemon.daemon_view import frozen
from tests.lab import BROADCAST, Flow, Server, Site, eventually
from tests.lab.site import config
from tests.prometheus.server import Labels, Prometheus
from tests.prometheus.shipped import RULES, SELECTOR, alerts, expressions, filled_in, hurried

pytestmark = [pytest.mark.kernel, pytest.mark.daemon, pytest.mark.timeout(120, func_only=True)]

PATIENCE = 60.0  # seconds; a scrape, an evaluation and a window of ten seconds come before it
HEAD = """\
[http]
listen = "0.0.0.0:9788"

[reconcile]
interval = "1s"

[[overlay]]
name = "lan"
bridge = "vxbr0"
mtu = 1400
"""
TEXT = config((1, 2, 3), HEAD)
ONE = "vxl-lan-lxd2"
STRANGER = "id 99 remote 192.0.2.9 dstport 4790"
# A fight is over after a second's quiet here; the kernel can't be seen while there is a file.
SOON = """\
import os
import vxland.fights
import vxland.kernel.linux as linux

vxland.fights.QUIET = 1.0
look = linux.LinuxKernel.observe

def observe(*words, **more):
    if os.path.exists(os.environ["UNSEEN"]):
        raise OSError("somebody covers its eyes")
    return look(*words, **more)

linux.LinuxKernel.observe = observe
"""


class Mesh(Site):
    """Three servers that are scraped from the underlay."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.folder = folder
        (folder / "sitecustomize.py").write_text(SOON)
        self.underlay.sh("ip addr add 192.0.2.254/24 dev br0")
        self.write(TEXT)
        for server in self.servers:
            self.start_one(server)
        for container in self.add_containers():
            container.server.sh(f"ip link set {container.port} mtu 1400")
            container.sh("ip link set eth0 mtu 1400")

    def start_one(self, server: Server) -> None:
        path = ":".join(filter(None, (str(self.folder), os.environ.get("PYTHONPATH", ""))))
        server.start(environment={"PYTHONPATH": path, "UNSEEN": str(self.unseen(server))})
        server.settled()

    def unseen(self, server: Server) -> Path:
        """The file that keeps its daemon from seeing anything."""
        return self.folder / f"{server.name}.unseen"


@pytest.fixture(scope="module")
def mesh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mesh]:
    with Mesh(tmp_path_factory.mktemp("mesh")) as mesh:
        yield mesh


@pytest.fixture(scope="module")
def prometheus(mesh: Mesh) -> Iterator[Prometheus]:
    """With the shipped rules, in a hurry; traffic flows from each container all the while."""
    rules = mesh.folder / "vxland.rules.yml"
    rules.write_text(hurried(RULES.read_text()))
    targets = {server.name: f"192.0.2.{n}:9788" for n, server in enumerate(mesh.servers, 1)}
    one, two, three = mesh.containers
    with (
        Prometheus(mesh.underlay, mesh.folder / "prometheus", rules, targets) as running,
        Flow(one, BROADCAST, 20),
        Flow(two, BROADCAST, 20),
        Flow(three, BROADCAST, 20),
    ):
        eventually(lambda: len(running.query("vxland_in_sync == 1")) == 3, "it has scraped", 60)
        yield running


@pytest.fixture
def server(mesh: Mesh) -> Server:
    return mesh.servers[0]


@contextmanager
def alarm(prometheus: Prometheus, name: str, **labels: str) -> Iterator[None]:
    """The alert isn't there before, is there once this was done, and goes when it is mended."""

    def fires() -> list[Labels]:
        wanted = {"alertname": name, **labels}.items()
        return [found for found in prometheus.firing() if wanted <= found.items()]

    eventually(lambda: not fires(), lambda: f"{name} is over: {prometheus.firing()}", PATIENCE)
    yield
    eventually(fires, lambda: f"{name}: {prometheus.firing()}", PATIENCE)
    assert {found["alertname"] for found in prometheus.firing()} <= set(alerts())


@contextmanager
def resolved(prometheus: Prometheus) -> Iterator[None]:
    """In the end no alert is left."""
    yield
    eventually(lambda: not prometheus.firing(), lambda: f"{prometheus.firing()}", PATIENCE)


def test_healthy_mesh(prometheus: Prometheus) -> None:
    """No alert fires, and the rules are the shipped ones."""
    eventually(lambda: not prometheus.firing(), lambda: f"{prometheus.firing()}", PATIENCE)
    rules = prometheus.rules()
    assert [rule["name"] for rule in rules] == alerts()
    assert [rule["name"] for rule in rules if rule["health"] != "ok"] == []


def test_everything_that_is_asked_about_is_there(prometheus: Prometheus) -> None:
    """Each metric that a rule or the dashboard names, with the labels by which it is chosen."""
    asked = {*SELECTOR.findall(RULES.read_text())}
    asked |= {name for _, text in expressions() for name in SELECTOR.findall(text)}
    asked -= {name for name in asked if re.search(r"kind=~|kind!=", name)}
    assert len(asked) > 30
    assert [selector for selector in sorted(asked) if not prometheus.query(selector)] == []


def test_dashboard_is_answered(prometheus: Prometheus) -> None:
    """Every panel has something to show, but for that of the alerts."""
    eventually(lambda: prometheus.query("rate(vxland_tunnel_receive_bytes_total[1m])"), "rates")
    empty = [title for title, text in expressions() if not prometheus.query(text)]
    assert empty == ["Alerts"]


def test_rules_as_they_are_shipped_are_answered(prometheus: Prometheus) -> None:
    """The hurried ones differ in times alone; none of the others finds anything either."""
    for rule in re.findall(
        r"expr: (?:[>|]-\n)?(.+?)\n +(?:for|labels):", RULES.read_text(), re.DOTALL
    ):
        assert prometheus.query(filled_in(rule)) == [], rule


@pytest.mark.parametrize("way", ["receive", "transmit"])
def test_traffic_is_counted(prometheus: Prometheus, way: str) -> None:
    """Broadcasts of a container's arrive at both others."""

    def flows() -> set[tuple[str, str]]:
        seen = prometheus.query(f"rate(vxland_tunnel_{way}_packets_total[10s]) > 5")
        return {(labels["instance"], labels["peer"]) for labels, _ in seen}

    eventually(lambda: len(flows()) == 6, lambda: f"all six ways: {flows()}", PATIENCE)


def test_tunnel_whose_name_something_else_has(prometheus: Prometheus, server: Server) -> None:
    """A conflict, and a tunnel out of sync."""
    with resolved(prometheus):
        with (
            alarm(prometheus, "VxlandTunnelOutOfSync", instance="lxd1", peer="lxd2"),
            alarm(prometheus, "VxlandConflict", instance="lxd1", overlay="lan"),
            frozen(server),
        ):
            server.sh(f"ip link del {ONE}; ip link add {ONE} type vxlan {STRANGER}")
        server.sh(f"ip link del {ONE}")


def test_tunnel_of_somebody_elses_in_the_bridge(prometheus: Prometheus, server: Server) -> None:
    with resolved(prometheus):
        with alarm(prometheus, "VxlandHazard", instance="lxd1", overlay="lan"):
            server.sh("ip link add stranger0 type vxlan " + STRANGER)
            server.sh("ip link set stranger0 master vxbr0 up")
        server.sh("ip link del stranger0")


def test_fight(prometheus: Prometheus, server: Server) -> None:
    with resolved(prometheus), alarm(prometheus, "VxlandFight", instance="lxd1"):
        line = f"while :; do ip link set {ONE} mtu 1300; sleep 0.02; done"
        vandal = subprocess.Popen(server.command("sh", "-c", line), stderr=subprocess.DEVNULL)
        try:
            kinds = 'vxland_problems{kind="fight", overlay="lan"} == 1'
            eventually(lambda: prometheus.query(kinds), "the fight is seen", PATIENCE)
        finally:
            vandal.kill()
            vandal.wait()
    drift = prometheus.query('vxland_drift_total{kind="mtu"} > 10')
    assert [labels["instance"] for labels, _ in drift] == ["lxd1"]


def test_bad_configuration(prometheus: Prometheus, server: Server) -> None:
    with resolved(prometheus):
        with alarm(prometheus, "VxlandConfigRefused", instance="lxd1"):
            server.write(TEXT + "[[peer\n")
        server.write(TEXT)


def test_daemon_that_is_gone(prometheus: Prometheus, mesh: Mesh, server: Server) -> None:
    with resolved(prometheus):
        with alarm(prometheus, "VxlandDown", instance="lxd1"):
            server.stop(kill=True)
        mesh.start_one(server)


def test_daemon_that_is_started_again_and_again(
    prometheus: Prometheus, mesh: Mesh, server: Server
) -> None:
    started = "process_start_time_seconds{instance='lxd1'}"
    with resolved(prometheus), alarm(prometheus, "VxlandRestarting", instance="lxd1"):
        for _ in range(4):
            before = prometheus.query(started)
            server.stop(kill=True)
            mesh.start_one(server)
            eventually(
                lambda before=before: prometheus.query(started) not in ([], before),  # type: ignore[misc]
                "the new one is scraped",
            )


def test_daemon_that_can_not_look(prometheus: Prometheus, mesh: Mesh, server: Server) -> None:
    with resolved(prometheus):
        with alarm(prometheus, "VxlandNoFullCheck", instance="lxd1"):
            mesh.unseen(server).touch()
        mesh.unseen(server).unlink()


def test_traffic_one_way(prometheus: Prometheus, server: Server) -> None:
    """What lxd2 sends is dropped before lxd1's tunnel; the other direction goes on."""
    with resolved(prometheus):
        with alarm(prometheus, "VxlandTunnelOneWay", node="lxd1", peer="lxd2", overlay="lan"):
            server.sh(
                "nft add table inet wall; nft 'add chain inet wall in"
                " { type filter hook input priority 0; }';"
                " nft add rule inet wall in ip saddr 192.0.2.2 udp dport 4789 drop"
            )
        assert {
            (labels["node"], labels["peer"])
            for labels in prometheus.firing()
            if labels["alertname"] == "VxlandTunnelOneWay"
        } == {("lxd1", "lxd2")}
        server.sh("nft delete table inet wall")


def test_packets_that_do_not_get_out(prometheus: Prometheus, server: Server) -> None:
    with resolved(prometheus):
        with alarm(prometheus, "VxlandTunnelErrors", instance="lxd1", peer="lxd3"):
            server.sh("ip route add blackhole 192.0.2.3/32")
        server.sh("ip route del blackhole 192.0.2.3/32")


def test_guest_with_too_large_an_mtu(prometheus: Prometheus, mesh: Mesh, server: Server) -> None:
    guest = mesh.containers[0]  # whose own interface counts; its port's change is an event
    with resolved(prometheus):
        with alarm(prometheus, "VxlandGuestPortMtu", instance="lxd1", overlay="lan"):
            guest.sh("ip link set eth0 mtu 1500")
            server.sh("ip link set veth1 mtu 1500")
        guest.sh("ip link set eth0 mtu 1400")
        server.sh("ip link set veth1 mtu 1400")
