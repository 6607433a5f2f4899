"""Firewalls reload, and the guard nftables stands: no frame is lost meanwhile, and none loops.

What they do with packets to the UDP port meanwhile is theirs; here they let them pass if they can.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.lab import BROADCAST, Container, Flow, Listener, Namespace, Server, eventually
from tests.neighbours.host import Host

pytestmark = [pytest.mark.kernel, pytest.mark.timeout(240, func_only=True)]

TABLE = "bridge vxland"
DROP = 'iifname "vxl-*" oifname "vxl-*" drop'
BRIDGED = "/proc/sys/net/bridge/bridge-nf-call-iptables"  # bridged packets are the firewall's, too
CONF, KEY = "etc/firewalld/firewalld.conf", "ReloadPolicy"  # a key that it has since 2.0
TIMES, FRAMES = 3, 500  # reloads, and how many frames are sent at least from one to the next
ONLY = """
[reconcile]
interval = "24h"

[[overlay]]
name = "lan"
bridge = "vxbr0"
guard = ["nftables"]
"""
CONFIG = ONLY + "".join(
    f'\n[[peer]]\nname = "{name}"\naddress = "192.0.2.{number}"\n'
    for number, name in enumerate("abc", 1)
)


@dataclass(frozen=True)
class Firewall:
    """How it is started, which tells whether it lets packets pass while it reloads."""

    start: Callable[[Host], bool]
    reload: str
    shows: str  # what of it is there then, as nft shows it


def start_firewalld(host: Host) -> bool:
    """With its defaults, but for what it does to packets while it reloads, if it can be told."""
    lets_pass = KEY in host.ask_inside(f"cat {CONF}")
    host.ask_inside(f"sed -i /{KEY}/d {CONF}")
    host.ask_inside(f"sed -i $a{KEY}=ACCEPT {CONF}")
    host.start_bus()
    host.start_inside("firewalld --nofork --nopid")
    eventually(
        lambda: "running" in host.ask_inside("firewall-cmd --state", check=False),
        lambda: f"firewalld runs; it logged:\n{host.tail()}",
    )
    host.ask_inside("firewall-cmd --permanent --add-port=4789/udp")
    host.ask_inside("firewall-cmd --reload")
    return lets_pass


def start_ufw(host: Host) -> bool:
    """With its defaults, but for what it does to packets: while it reloads, no port is open."""
    host.ask_inside("ufw default allow incoming")
    host.ask_inside("ufw --force enable")
    return True


def start_nft(host: Host) -> bool:
    """As Debian's nftables.service has it: /etc/nftables.conf flushes all, and is loaded."""
    return "flush ruleset" in host.ask_inside("cat etc/nftables.conf")


FIREWALLS = {
    "firewalld": Firewall(start_firewalld, "firewall-cmd --reload", "table inet firewalld"),
    "firewalld, all anew": Firewall(
        start_firewalld, "firewall-cmd --complete-reload", "table inet firewalld"
    ),
    "ufw": Firewall(start_ufw, "ufw reload", "ufw-user-input"),
    "nftables.service": Firewall(start_nft, "nft -f etc/nftables.conf", "table inet filter"),
}


@pytest.fixture
def peers(host: Host, tmp_path: Path) -> Iterator[list[Server]]:
    """The two other servers of the mesh, without daemons, on an underlay with the host."""
    underlay = Namespace("beside-underlay")
    underlay.sh("ip link add br0 type bridge mcast_snooping 0; ip link set br0 up")
    others = [Server(f"beside{number}", tmp_path / f"beside{number}") for number in (2, 3)]
    for number, server in enumerate((host, *others), 1):
        underlay.sh(f"ip link add p{number} type veth peer name eth0 netns {server.path}")
        underlay.sh(f"ip link set p{number} master br0 up")
        server.sh(f"ip addr add 192.0.2.{number}/24 dev eth0; ip link set eth0 up")
        server.write(CONFIG)
    for server in others:
        server.vxland("apply", check=True)
    yield others
    for namespace in (*others, underlay):
        namespace.delete()


@pytest.fixture
def guests(host: Host, peers: list[Server]) -> Iterator[list[Container]]:
    """A container on each of the three, whose bridges are there already."""
    host.sh(f"! test -e {BRIDGED} || echo 0 >{BRIDGED}")
    host.vxland("apply", check=True)
    made = [Container(server, number) for number, server in enumerate((host, *peers), 1)]
    yield made
    for guest in made:
        guest.delete()


@pytest.mark.parametrize("name", FIREWALLS)
def test_a_firewall_reloads_and_the_guard_stands(
    host: Host, guests: list[Container], name: str
) -> None:
    """From the second server's container to the first's all arrives, to the third's once."""
    firewall = FIREWALLS[name]
    lets_pass = firewall.start(host)
    host.start()
    host.settled()
    eventually(lambda: guests[1].reaches(guests[0].address), "the mesh works")
    eventually(lambda: guests[1].reaches(guests[2].address), "the mesh works")
    before = host.sh(f"nft list table {TABLE}")
    assert DROP in before
    with ExitStack() as stack:
        first, third = (stack.enter_context(Listener(guests[place])) for place in (0, 2))
        unicast = stack.enter_context(Flow(guests[1], first.mac))
        shouting = stack.enter_context(Flow(guests[1], BROADCAST, rate=300))
        for sent in range(FRAMES, FRAMES * (TIMES + 1), FRAMES):
            host.ask_inside(firewall.reload)
            eventually(lambda sent=sent: unicast.sent > sent, "frames are sent")  # type: ignore[misc]
        assert firewall.shows in host.sh("nft list ruleset 2>/dev/null")
        for flow in (unicast, shouting):
            flow.stop()
        if lets_pass:
            eventually(lambda: unicast.lost(first) == 0, lambda: f"{unicast.lost(first)} are lost")
            assert shouting.lost(first) == 0
        eventually(lambda: shouting.lost(third) == 0, lambda: f"{shouting.lost(third)} are lost")
        assert (first.copies(shouting.number), third.copies(shouting.number)) == (1, 1)
    assert host.sh(f"nft list table {TABLE}") == before
    assert "put right" not in host.log.read_text()


def test_nft_as_debian_has_it_reads_what_vxland_wrote(host: Host) -> None:
    """And can neither flush nor delete it, while vxland runs and the kernel knows owners."""
    host.write(ONLY + '\n[[peer]]\nname = "a"\naddress = "192.0.2.1"\n')
    host.start()
    host.settled()
    shown = host.ask_inside(f"nft list table {TABLE}")
    assert DROP in shown
    assert "priority filter - 10; policy accept;" in shown
    if "owner" in shown:
        host.ask_inside("nft flush ruleset")
        host.ask_inside(f"nft delete table {TABLE}", check=False)
        assert host.ask_inside(f"nft list table {TABLE}") == shown
