"""The bridge is the server's own, as Proxmox's vmbr0: its NIC in it, its address on it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab import Server, Site
from tests.lab.site import config
from tests.underlay.view import mtu, quiet, says
from vxland.identity import pair_vni

pytestmark = [pytest.mark.kernel, pytest.mark.daemon]

BRIDGE = "vmbr0"
NIC = "0a:00:00:00:00:01"
LOW = "02:00:00:00:00:0"  # and a digit
LXD2, LXD3 = "vxl-lan-lxd2", "vxl-lan-lxd3"
HEAD = f'[[overlay]]\nname = "lan"\nbridge = "{BRIDGE}"\n'


@pytest.fixture(name="server")
def _server(tmp_path: Path) -> Iterator[Server]:
    """Nobody has set its bridge's MTU or MAC address, and a guest is in it."""
    with Site(tmp_path, 1) as site:
        (server,) = site.servers
        server.sh(
            f"ip link set eth0 address {NIC}; ip link add {BRIDGE} type bridge mcast_snooping 0;"
            "ip link add nic link eth0 type macvlan mode passthru;"  # a veth might be a guest's
            f"ip link set nic up master {BRIDGE}; ip link set {BRIDGE} up;"
            f"ip addr flush dev eth0; ip addr add 192.0.2.1/24 dev {BRIDGE};"
            f"ip link add guest mtu 1450 type veth peer name guest-in mtu 1450;"
            f"ip link set guest address fe:00:00:00:00:01 master {BRIDGE} up"
        )
        server.write(config((1, 2, 3), HEAD))
        yield server


def mac(server: Server, device: str = BRIDGE) -> str:
    """A device's MAC address."""
    return str((server.link(device) or {})["address"])


def apply(server: Server, *words: str) -> None:
    """Make it as it should be."""
    done = server.vxland("apply", *words)
    assert done.returncode == 0, done.stdout + done.stderr


def nothing_to_do(server: Server) -> None:
    """It is as it should be."""
    planned = server.vxland("plan")
    assert planned.returncode == 0, planned.stdout


def test_it_follows_the_tunnels_and_they_do_not_follow_it(server: Server) -> None:
    """By its MTU, that is. Its MAC address is the network card's, before and after."""
    assert mac(server) == NIC
    for _ in range(2):
        apply(server)
        assert (mtu(server, LXD2), mtu(server, BRIDGE)) == (1450, 1450)
    nothing_to_do(server)
    assert mac(server, LXD2).startswith("fe:")
    assert mac(server) == NIC
    server.vxland("down", check=True)
    assert (mac(server), server.link(LXD2)) == (NIC, None)


def test_the_daemon_tells_and_the_cure_cures(server: Server) -> None:
    """Also where the address is on what sits on the bridge, as a VLAN does, and shrinks with it."""
    server.sh(
        f"ip link set guest nomaster; ip addr flush dev {BRIDGE};"
        f"ip link add link {BRIDGE} name wan type macvlan mode bridge; ip link set wan up;"
        " ip addr add 192.0.2.1/24 dev wan"
    )
    server.start()
    told = says(
        server, f"since bridge {BRIDGE} follows", "has the tunnels' MTU of 1450", kind="hint"
    )
    assert "in two pieces" in told["text"]
    assert [mtu(server, device) for device in (LXD2, BRIDGE, "wan")] == [1450] * 3
    server.sh(told["cure"].partition(" (or ")[0])
    quiet(server)
    assert [mtu(server, device) for device in (LXD2, BRIDGE, "wan")] == [1450, 1500, 1500]
    assert "set the MTU" not in server.log.read_text()


def test_a_tunnel_that_gives_it_its_mac_address_keeps_it(server: Server) -> None:
    """One that is taken over, say. Others get vxland's, and so does it where it doesn't matter."""
    server.sh(
        "".join(
            f"ip link add old{peer} address {LOW}{peer} type vxlan id {vni} dstport 4789"
            f" local 192.0.2.1 remote 192.0.2.{peer} ttl auto nolearning;"
            f"ip link set old{peer} mtu 1450 master {BRIDGE} up;"
            for peer in (2, 3)
            for vni in [pair_vni("lan", "lxd1", f"lxd{peer}")]
        )
    )
    assert mac(server) == f"{LOW}2"
    apply(server, "--adopt")
    nothing_to_do(server)
    assert mac(server) == mac(server, LXD2) == f"{LOW}2"
    assert mac(server, LXD3).startswith("fe:")
    server.sh(f"ip link set {BRIDGE} address {NIC}")  # as is right: it follows no port any more
    apply(server)
    assert mac(server) == NIC
    assert mac(server, LXD2).startswith("fe:")
