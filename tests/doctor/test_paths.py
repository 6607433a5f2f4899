"""A way between two servers that takes less than they think: measured, and mended by an MTU."""

import re
from collections.abc import Iterator

import pytest

from tests.doctor.patient import ails, is_well
from tests.lab import Namespace, Server, Site
from tests.lab.site import HEAD, config

pytestmark = [pytest.mark.kernel, pytest.mark.daemon]

FAR = "203.0.113.2"
MUTE = "iptables -A OUTPUT -p icmp --icmp-type destination-unreachable -j DROP"


class Way:
    """Two servers, two routers, and between these a link that takes 1400 bytes."""

    def __init__(self, site: Site, far: Server) -> None:
        self.servers = (site.servers[0], far)
        self.routers = (Namespace("router1"), Namespace("router2"))
        one, two = self.routers
        site.underlay.sh(f"ip link add r1 type veth peer name eth0 netns {one.path}")
        site.underlay.sh("ip link set r1 master br0 up")
        one.sh(f"ip link add mid mtu 1400 type veth peer name mid mtu 1400 netns {two.path}")
        two.sh(f"ip link add eth0 type veth peer name eth0 netns {far.path}")
        for router, outer, inner in (
            (one, "192.0.2.254/24", "198.51.100.1/24"),
            (two, "203.0.113.254/24", "198.51.100.2/24"),
        ):
            router.sh(f"ip addr add {outer} dev eth0; ip addr add {inner} dev mid")
            router.sh("ip link set eth0 up; ip link set mid up; sysctl -qw net.ipv4.ip_forward=1")
        one.sh("ip route add default via 198.51.100.2")
        two.sh("ip route add default via 198.51.100.1")
        far.sh(f"ip addr add {FAR}/24 dev eth0; ip link set eth0 up")
        far.sh("ip route add default via 203.0.113.254")
        self.servers[0].sh("ip route add default via 192.0.2.254")
        self.routers[0].await_carrier("eth0")
        far.await_carrier("eth0")

    def configure(self, more: str = "") -> None:
        """The same file for both, and what was learned of the way forgotten."""
        for server in self.servers:
            server.sh("ip route flush cache")
            server.configure(config([1, 2], HEAD + more).replace("192.0.2.2", FAR))


@pytest.fixture(scope="module")
def way(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Way]:
    """Both in sync, with the MTU that their own links suggest."""
    folder = tmp_path_factory.mktemp("way")
    with Site(folder, 1) as site:
        far = Server("lxd2", folder / "lxd2")
        way = Way(site, far)
        try:
            for server in way.servers:
                server.write(config([1, 2]).replace("192.0.2.2", FAR))
                server.start()
            yield way
        finally:
            for namespace in (far, *way.routers):
                namespace.delete()


def mtu(cure: str) -> str:
    """The line that it has one write."""
    return f"{re.findall(r'mtu = [0-9]+', cure)[0]}\n"


def test_what_is_cut_on_the_way(way: Way) -> None:
    """A router says so, and cuts the rest: it works, and costs."""
    way.configure()
    told, states = ails(way.servers[0], "path", "only packets of up to 1400 bytes", peer="lxd2")
    assert "198.51.100" in told["text"] or "192.0.2.254" in told["text"]
    assert told["text"].endswith("larger ones are cut on the way, which costs")
    # Once a router has said so to anybody, the kernel tells guests whose IPv6 packets are larger.
    assert (told["state"], states["tunnel", "lxd2"] in {"ok", "warning"}) == ("warning", True)
    assert mtu(told["cure"]) == "mtu = 1350\n"
    way.configure(mtu(told["cure"]))
    is_well(way.servers[0])


def test_what_vanishes_on_the_way(way: Way) -> None:
    """Nobody says so, and what is too large is lost: ssh works, scp hangs."""
    for router in way.routers:
        router.sh(MUTE)
    way.configure('df = "set"\n')
    told, states = ails(way.servers[0], "path", "and nobody says so (no ICMP)", peer="lxd2")
    assert told["text"].startswith("only packets of up to 1400 bytes pass, not of 1500")
    assert (told["state"], states["tunnel", "lxd2"]) == ("problem", "problem")
    way.configure('df = "set"\n' + mtu(told["cure"]))
    is_well(way.servers[0])


def test_an_mtu_that_has_this_machine_cut(way: Way) -> None:
    """A choice: more than the first link takes is cut before it leaves."""
    for router in way.routers:
        router.sh("iptables -F; ip link set mid mtu 1500")
    way.configure("mtu = 1500\n")
    is_well(way.servers[0])
    router = way.routers[0]
    router.sh("iptables -A FORWARD --fragment -j DROP")
    told, states = ails(way.servers[0], "tunnel", "those of 1500 leave in pieces", peer="lxd2")
    assert (told["state"], states["path", "lxd2"]) == ("problem", "ok")
    router.sh("iptables -F")
    is_well(way.servers[0])
