"""docs/guests/docker.md, typed on two servers."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.daemon.kernel_view import Snapshot, assert_equal, snapshot
from tests.guests import docker
from tests.guests.guest import Guest
from tests.guests.host import Host
from tests.guests.recipes import config, type_recipe
from tests.guests.segment import (
    assert_content,
    assert_large_is_lost,
    assert_mtu_matters,
    assert_one_segment,
    assert_told,
)
from tests.guests.site import GuestSite
from tests.lab import Container, eventually
from tests.lab.site import HEAD
from tests.system.quickstart import Step

pytestmark = [
    pytest.mark.guests,
    pytest.mark.kernel,
    pytest.mark.daemon,
    pytest.mark.timeout(300, func_only=True),
]

OWN = "Containers in vxbr0"
RULE = "A rule for what stays within the bridge"
EACH_START = "The same rule each time that Docker starts"
NO_IPTABLES = "No iptables for bridged packets"
MTU_OPTION = "--opt com.docker.network.driver.mtu=1450"
DOCKERS = "Docker's own bridge as the overlay's"


@pytest.fixture
def dockers(site: GuestSite) -> GuestSite:
    """A site where Docker runs on both servers."""
    for host in site.pair:
        docker.start_with_image(host)
    return site


def bridges(site: GuestSite, name: str = "vxbr0") -> list[Mapping[str, Any]]:
    """All about the servers' bridges but their timers."""
    return [snapshot(server).links[name] for server in site.servers]


def indexes(site: GuestSite, name: str = "vxbr0") -> list[int]:
    """By these one tells a bridge from one that was made again."""
    return [snapshot(server).indexes[name] for server in site.servers]


def containers(site: GuestSite) -> tuple[Guest, Guest]:
    """The two that the document starts."""
    one, other = site.pair
    return docker.guest(one, "web"), docker.guest(other, "db")


def take_network_away(site: GuestSite) -> None:
    """Be the owner of Docker's network, who no longer wants it."""
    for host in site.pair:
        host.typed("docker rm --force $(docker ps --quiet)")
        host.typed("docker network rm lan")


def test_containers_in_vxlands_bridge(dockers: GuestSite) -> None:
    """Docker neither alters the bridge, nor takes it along with its network."""
    dockers.start()
    before, numbers = bridges(dockers), indexes(dockers)
    type_recipe(dockers.hosts, "docker.md", OWN)
    web, db = containers(dockers)
    assert_one_segment(web, db)
    assert_equal(before, bridges(dockers))
    for server in dockers.servers:
        assert_content(server)
    assert_mtu_matters(web, db)
    for server in dockers.servers:
        assert_told(server, "Docker: ")

    take_network_away(dockers)
    assert numbers == indexes(dockers)
    for server in dockers.servers:
        server.settled()


def test_a_bridge_that_docker_made(dockers: GuestSite) -> None:
    """Made before vxland came, it is used; deleted by Docker, it is made again, ports and all."""
    found: list[Mapping[str, Any]] = []

    def vxland_comes_late(host: Host, step: Step) -> str:
        if "ping" in step.command:
            found.extend(bridges(dockers))
            dockers.start_with(HEAD + "reattach = true\n")
        return host.typed(step.command.replace(MTU_OPTION, ""))

    type_recipe(dockers.hosts, "docker.md", OWN, vxland_comes_late)
    web, db = containers(dockers)
    assert (web.mtu, db.mtu) == (1500, 1500), "what a container has that nobody told"
    assert_large_is_lost(web, db)
    for server in dockers.servers:
        assert_told(server, "Docker: ")
    assert {before["mtu"] for before in found} == {1500}
    # The kernel's doing: a bridge that nobody gave an MTU has that of its smallest port.
    assert_equal([{**before, "mtu": 1450} for before in found], bridges(dockers))

    numbers = indexes(dockers)
    dockers.attach_containers()
    take_network_away(dockers)
    for server, number in zip(dockers.servers, numbers, strict=True):
        eventually(lambda s=server: s.link("vxbr0"), "there is a bridge")  # type: ignore[misc]
        server.settled()
        bridge = server.link("vxbr0")
        assert bridge is not None
        assert bridge["ifindex"] != number
        assert bridge["ifalias"] == "vxland:lan"
        assert bridge["mtu"] == 1450
    for host in dockers.pair:
        type_recipe({"lxd1": host}, "docker.md", RULE)
    dockers.all_reach()


def reaches_by_ipv6(one: Container, other: Container) -> bool:
    """Whether one ping to the other's link-local address comes back."""
    (link,) = other.json("ip -j -6 addr show dev eth0 scope link")
    address = link["addr_info"][0]["local"]
    return one.run(["ping", "-c1", "-W1", "-n", f"{address}%eth0"], check=False).returncode == 0


@pytest.mark.parametrize("cure", [RULE, EACH_START, NO_IPTABLES])
def test_other_guests_beside_docker(site: GuestSite, cure: str) -> None:
    """Where bridged packets go through iptables, they are lost, until it's told otherwise."""
    server, host = site.servers[0], site.pair[0]
    if server.sh("cat /proc/sys/net/bridge/bridge-nf-call-iptables || true") != "1\n":
        pytest.skip("this kernel has no br_netfilter")
    site.start()
    one, other = site.add_containers()
    docker.start(host)
    assert not one.reaches(other.address)
    eventually(lambda: reaches_by_ipv6(one, other), "IPv6 goes on")
    assert server.in_sync()

    type_recipe(site.hosts, "docker.md", cure)
    if cure == EACH_START:  # no systemd is here, that would run it
        line = host.typed("grep ^ExecStartPost= /etc/systemd/system/docker.service.d/vxbr0.conf")
        for _ in range(2):
            host.typed(line.partition("=")[2])
        assert host.typed("iptables -S DOCKER-USER").count("-i vxbr0 -o vxbr0 -j ACCEPT") == 1
    eventually(lambda: one.reaches(other.address), "IPv4, too")


def test_dockers_bridge_as_the_overlays(dockers: GuestSite) -> None:
    """It is neither altered nor deleted."""
    found: list[Snapshot] = []

    def vxland_comes(_: object, step: Step) -> None:
        if "ping" in step.command:
            found.extend(snapshot(server) for server in dockers.servers)
            dockers.start_with(config("docker.md", DOCKERS))

    type_recipe(dockers.hosts, "docker.md", DOCKERS, vxland_comes)
    assert_one_segment(*containers(dockers))
    for server, before in zip(dockers.servers, found, strict=True):
        now = snapshot(server)
        assert_equal(before.of(before.links), now.of(before.links))
        server.stop()
        assert server.vxland("down").returncode == 0
        assert_equal(before, snapshot(server))
