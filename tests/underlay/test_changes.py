"""The underlay changes under tunnels that stay: they carry again by themselves."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab import Server, Site, eventually
from tests.lab.dns import name_servers
from tests.lab.site import HEAD, config
from tests.underlay.view import ends, index, mtu, quiet, says
from vxland.lookup.hosts import HOSTS

pytestmark = [pytest.mark.kernel, pytest.mark.daemon]

LXD1, LXD2 = "vxl-lan-lxd1", "vxl-lan-lxd2"
OWN = "192.0.2.1/24"


def plugged(site: Site, name: str, mtu: int = 1500) -> None:
    """Another interface of lxd1's on the same underlay, up."""
    one = site.servers[0]
    site.underlay.sh(
        f"ip link add {name}p mtu {mtu} type veth peer name {name} mtu {mtu} netns {one.path}"
    )
    site.underlay.sh(f"ip link set {name}p master br0 up")
    one.sh(f"ip link set {name} up")
    one.await_carrier(name)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """Two servers whose containers reach each other."""
    with Site(tmp_path, 2) as made:
        made.start()
        made.add_containers()
        yield made


@pytest.fixture
def one(site: Site) -> Iterator[Server]:
    """The first of them, whose tunnel must be the same device at the end."""
    server = site.servers[0]
    before = index(server, LXD2)
    yield server
    assert index(server, LXD2) == before
    assert ends(server, LXD2) == ("192.0.2.1", "192.0.2.2")


def test_the_address_goes_and_comes_back(site: Site, one: Server) -> None:
    """Meanwhile the tunnel stays, and status says for what it waits."""
    one.sh(f"ip addr del {OWN} dev eth0")
    problem = says(one, "underlay address 192.0.2.1 isn't on any interface yet")
    assert "tunnels work from that moment on" in problem["cure"]
    assert not one.in_sync()
    one.sh(f"ip link set {LXD2} mtu 1300")  # what somebody does meanwhile is put right
    eventually(lambda: mtu(one, LXD2) == 1450, lambda: f"the MTU is repaired: {one.tail()}")
    one.sh(f"ip addr add {OWN} dev eth0")
    quiet(one)
    site.all_reach()


def test_the_address_moves_to_another_interface(site: Site, one: Server) -> None:
    """With its MTU."""
    plugged(site, "eth1", 1400)
    one.sh(f"ip addr del {OWN} dev eth0; ip addr add {OWN} dev eth1")
    eventually(lambda: mtu(one, LXD2) == 1350, lambda: f"the MTU follows: {one.tail()}")
    one.settled()
    site.all_reach()


def test_the_interface_gets_another_name(site: Site, one: Server) -> None:
    """Which matters only where [node] names it."""
    one.configure('[node]\ninterface = "eth0"\n' + config((1, 2)))
    one.sh("ip link set eth0 down; ip link set eth0 name wan0; ip link set wan0 up")
    says(one, "no interface eth0, which [node] names")
    site.all_reach()
    one.sh("ip link set wan0 down; ip link set wan0 name eth0; ip link set eth0 up")
    quiet(one)
    site.all_reach()


def test_the_interface_is_replaced(site: Site, one: Server) -> None:
    """As a modem is that was unplugged."""
    one.sh("ip link del eth0")
    says(one, "underlay address 192.0.2.1 isn't on any interface yet")
    plugged(site, "eth0")
    one.sh(f"ip addr add {OWN} dev eth0")
    quiet(one)
    site.all_reach()


@pytest.mark.parametrize(
    ("make", "into"),
    [
        ("ip link add wan type bridge mcast_snooping 0", "ip link set eth0 master wan"),
        ("ip link add wan link eth0 type macvlan mode bridge", ""),
    ],
    ids=["bridge", "macvlan"],
)
def test_the_address_moves_on_top_of_the_interface(
    site: Site, one: Server, make: str, into: str
) -> None:
    """Onto a bridge that the interface becomes a port of, as into a bond; or as onto a VLAN."""
    one.sh(f"{make}; ip link set wan up; ip addr del {OWN} dev eth0; {into}")
    one.sh(f"ip addr add {OWN} dev wan")
    quiet(one)
    site.all_reach()


def test_the_default_route_moves(tmp_path: Path) -> None:
    """To an interface with another MTU, and back."""
    with Site(tmp_path, 2, addresses=["192.0.2.{}/32"]) as site:
        for server in site.servers:
            server.sh("ip route add default dev eth0")
        site.start()
        one = site.servers[0]
        site.add_containers()
        before = index(one, LXD2)
        plugged(site, "eth1", 1400)
        for device, size in (("eth1", 1350), ("eth0", 1450)):
            one.sh(f"ip route replace default dev {device}")
            eventually(
                lambda size=size: mtu(one, LXD2) == size and one.in_sync(),  # type: ignore[misc]
                lambda: f"the MTU follows: {mtu(one, LXD2)}; logged:\n{one.tail()}",
            )
            site.all_reach()
        one.sh("ip route del default")
        says(one, "there is no route to peer lxd2 (192.0.2.2)")
        one.sh("ip route add default dev eth0")
        quiet(one)
        site.all_reach()
        assert index(one, LXD2) == before


def test_another_address_under_the_same_name(tmp_path: Path) -> None:
    """As by DHCP and dynamic DNS: both ends follow in place."""
    peers = "".join(f'\n[[peer]]\nname = "lxd{n}"\naddress = "lxd{n}.mesh.test"\n' for n in (1, 2))
    hosts = "192.0.2.1 lxd1.mesh.test\n192.0.2.2 lxd2.mesh.test\n"
    with name_servers(hosts, HOSTS) as known, Site(tmp_path, 2) as site:
        site.write(HEAD + peers)
        one, two = site.servers
        for server, device in ((one, LXD2), (two, LXD1)):
            server.start()
            eventually(
                lambda server=server, device=device: server.link(device) and server.in_sync(),  # type: ignore[misc]
                lambda server=server: f"it has its tunnel; logged:\n{server.tail()}",  # type: ignore[misc]
            )
        site.add_containers()
        before = index(one, LXD2), index(two, LXD1)
        one.sh(f"ip addr del {OWN} dev eth0; ip addr add 192.0.2.77/24 dev eth0")
        known.write_text(hosts.replace("192.0.2.1 ", "192.0.2.77 "))
        for server in site.servers:
            assert server.ask("reload")["errors"] == []
        eventually(
            lambda: (
                ends(one, LXD2) == ("192.0.2.77", "192.0.2.2")
                and ends(two, LXD1) == ("192.0.2.2", "192.0.2.77")
            ),
            lambda: f"both follow: {ends(one, LXD2)}, {ends(two, LXD1)}; logged:\n{one.tail()}",
        )
        site.all_reach()
        for server in site.servers:
            server.settled()
        assert before == (index(one, LXD2), index(two, LXD1))


def test_behind_nat_the_private_address_is_found_and_followed(tmp_path: Path) -> None:
    """The peers' list has the public one; DHCP may give another private one at any time."""
    public = config((1, 2)).replace("192.0.2.1", "203.0.113.1")
    with Site(tmp_path, 2) as site:
        one, two = site.servers
        site.underlay.sh(
            "sysctl -qw net.ipv4.ip_forward=1; ip addr add 192.0.2.254/24 dev br0;"
            "ip link set p1 nomaster; ip addr add 10.0.0.254/24 dev p1;"
            "cd /proc/sys/net/netfilter;"  # what was translated is soon forgotten
            "echo 1 > nf_conntrack_udp_timeout; echo 1 > nf_conntrack_udp_timeout_stream;"
            "nft add table ip nat;"
            "nft 'add chain ip nat in { type nat hook prerouting priority -100; }';"
            "nft 'add chain ip nat out { type nat hook postrouting priority 100; }';"
            "nft add rule ip nat in ip daddr 203.0.113.1 dnat to 10.0.0.1;"
            "nft add rule ip nat out ip saddr 10.0.0.0/24 snat to 203.0.113.1"
        )
        one.sh(f"ip addr del {OWN} dev eth0; ip addr add 10.0.0.1/24 dev eth0")
        one.sh("ip route add default via 10.0.0.254")
        two.sh("ip route add 203.0.113.0/24 via 192.0.2.254")
        two.write(public)
        two.start()
        one.write('[node]\nname = "lxd1"\n' + public)
        one.start()
        hint = says(
            one, "underlay address 203.0.113.1", "from 10.0.0.1, as behind NAT", kind="hint"
        )
        assert "interface in [node]" in hint["cure"]
        one.configure('[node]\nname = "lxd1"\ninterface = "eth0"\n' + public)
        quiet(one)
        assert ends(one, LXD2) == ("10.0.0.1", "192.0.2.2")
        site.add_containers()
        before = index(one, LXD2)
        one.sh("ip addr del 10.0.0.1/24 dev eth0; ip addr add 10.0.0.77/24 dev eth0")
        one.sh("ip route add default via 10.0.0.254")
        site.underlay.sh(
            "nft flush chain ip nat in;"
            "nft add rule ip nat in ip daddr 203.0.113.1 dnat to 10.0.0.77"
        )
        eventually(
            lambda: ends(one, LXD2) == ("10.0.0.77", "192.0.2.2"),
            lambda: f"the local address follows: {ends(one, LXD2)}; logged:\n{one.tail()}",
        )
        quiet(one)
        site.all_reach()
        assert index(one, LXD2) == before
