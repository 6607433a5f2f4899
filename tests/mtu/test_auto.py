"""An overlay's MTU follows the underlay's, in place, and nobody else's devices."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab import Flow, Listener, Moments, Server, Site, eventually
from tests.lab.site import HEAD, config
from tests.mtu.daemons import WORKS, becomes, hint, mtu, no_hint, set_guest
from tests.mtu.sending import ARRIVES, BULK, tcp_bytes, udp

pytestmark = [pytest.mark.kernel, pytest.mark.daemon]

OWN = ("vxl-lan-lxd2", "vxbr0")
FAR = """\
[[overlay]]
name = "lan"
bridge = "vxbr0"

[[peer]]
name = "lxd1"
address = "192.0.2.1"

[[peer]]
name = "lxd2"
address = "203.0.113.2"
"""


@pytest.fixture(name="site")
def _site(tmp_path: Path) -> Iterator[Site]:
    with Site(tmp_path, 2) as made:
        yield made


@pytest.fixture(name="server")
def _server(site: Site) -> Server:
    return site.servers[0]


def test_it_follows_devices_and_routes(site: Site, server: Server) -> None:
    """Down and up again, while every packet arrives."""
    site.start()
    web, db = site.add_containers()
    with Moments(server) as moments, Listener(db) as there, Flow(web, there.mac) as flow:
        server.sh("ip link set eth0 mtu 1400")
        becomes(server, 1350, *OWN)
        # The guests have stayed as they were.
        assert "veth1 (1450)" in hint(server, "larger than the 1350 of overlay lan")["text"]
        server.sh("ip link set eth0 mtu 1500")
        becomes(server, 1450, *OWN)
        no_hint(server)
        server.sh("ip route add 192.0.2.2/32 dev eth0 mtu 1340")
        becomes(server, 1290, *OWN)
        server.sh("ip route change 192.0.2.2/32 dev eth0 mtu 1420")
        becomes(server, 1370, *OWN)
        server.sh("ip route del 192.0.2.2/32")
        becomes(server, 1450, *OWN)
        flow.stop()
        eventually(lambda: flow.lost(there) == 0, lambda: f"{flow.lost(there)} are lost")
    assert not set(OWN) & set(moments.gone)
    assert mtu(site.servers[1], "vxl-lan-lxd1") == 1450


def test_it_follows_the_default_route(site: Site, server: Server) -> None:
    """To another device, unless it is told which one counts."""
    server.sh("ip link add wan type veth peer name far-wan mtu 1420; ip link set far-wan up")
    server.sh("ip link set wan mtu 1420 up; ip addr add 198.51.100.1/24 dev wan")
    server.write(FAR)
    server.start()
    for device in OWN:  # while it waits for a route
        assert mtu(server, device) == 1450
    server.sh("ip route add default via 198.51.100.9")
    becomes(server, 1370, *OWN)
    server.sh("ip route replace default via 192.0.2.9")
    becomes(server, 1450, *OWN)
    server.configure('[node]\ninterface = "wan"\n' + FAR)
    becomes(server, 1370, *OWN)
    server.sh("ip link set wan mtu 1492")
    becomes(server, 1442, *OWN)
    server.sh("ip link set wan mtu 9000")
    becomes(server, 1450, *OWN)
    del site


def test_a_bridge_of_somebodys_is_left_as_it_is(site: Site, server: Server) -> None:
    """It is told of where it is too large, with the command that mends it."""
    site.add_bridges()
    # From here on it follows no port. Setting the MTU that it has wouldn't count.
    server.sh("ip link set vxbr0 mtu 1400; ip link set vxbr0 mtu 1500")
    site.start()
    told = hint(server, "bridge vxbr0, which isn't vxland's, has an MTU of 1500")
    assert mtu(server, "vxbr0") == 1500
    server.sh(told["cure"].partition(". ")[0])
    no_hint(server)
    server.sh("ip link set eth0 mtu 1400")
    becomes(server, 1350, "vxl-lan-lxd2")
    hint(server, "has an MTU of 1450, larger than the 1350")
    server.sh("ip link set eth0 mtu 1500; ip link set vxbr0 mtu 1400")
    becomes(server, 1450, "vxl-lan-lxd2")
    no_hint(server)
    assert mtu(server, "vxbr0") == 1400
    # One whose MTU nobody has set follows the tunnel by itself, and was never told of.
    other = site.servers[1]
    assert mtu(other, "vxbr0") == 1450
    assert "which isn't vxland's" not in other.log.read_text()


def test_jumbo_frames(site: Site) -> None:
    """A number may be as large as the underlay allows; ``auto`` stays at what all paths carry."""
    for number, server in enumerate(site.servers, 1):
        site.underlay.sh(f"ip link set p{number} mtu 9000")
        server.sh("ip link set eth0 mtu 9000")
    site.underlay.sh("ip link set br0 mtu 9000")
    site.start()
    assert [mtu(server, "vxbr0") for server in site.servers] == [1450, 1450]
    jumbo = config((1, 2), HEAD + "mtu = 8950\n")
    for server in site.servers:
        server.configure(jumbo)
        becomes(server, 8950, "vxbr0")
        assert "warning" not in server.vxland("check", check=True).stdout
    web, db = site.attach_containers()
    for guest in (web, db):
        set_guest(guest, 8950)
    site.all_reach()
    for pair in ((web, db), (db, web)):
        address = pair[1].address
        assert udp(pair, address, 8950, WORKS, whole=True) == ARRIVES
        assert tcp_bytes(pair, address, WORKS) == BULK
        assert pair[0].server.status()["problems"] == []
