"""What goes wrong between two servers: the doctor finds it, and what it says mends it."""

from collections.abc import Iterator

import pytest

from tests.daemon.kernel_view import assert_equal, snapshot
from tests.doctor.patient import ails, examined, is_well
from tests.lab import Site
from tests.lab.site import HEAD, config

pytestmark = [pytest.mark.kernel, pytest.mark.daemon]

BASE = config([1, 2, 3])
PING = "ping -b -q -i 0.1 10.10.10.255 >/dev/null 2>&1 & echo $! >/run/{}.pid"
FIREWALL = """nft 'table inet mine {
  chain in {
    type filter hook input priority 0; policy drop;
    iif lo accept
    meta l4proto { icmp, icmpv6, tcp } accept
  }
}'"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Three servers in sync, each with a container."""
    with Site(tmp_path_factory.mktemp("peers"), 3) as site:
        site.start(BASE)
        site.add_containers()
        yield site


def test_all_is_well_and_stays_as_it_is(site: Site) -> None:
    """Each tunnel is proven, both ways, at full size; nothing is changed by that."""
    server = site.servers[0]
    is_well(server)
    before = snapshot(server)
    diagnosis = examined(server)
    assert_equal(before, snapshot(server))
    assert diagnosis["node"] == "lxd1"
    assert diagnosis["daemon"] == "running"
    told = {(f["check"], f["peer"], f["text"]) for f in diagnosis["findings"]}
    for peer in ("lxd2", "lxd3"):
        assert ("path", peer, "packets of 1500 bytes pass") in told
        assert ("tunnel", peer, "works both ways, with packets of 1450 bytes inside") in told
        assert any(key[:2] == ("offload", peer) for key in told)
    counts = diagnosis["counts"]
    assert counts == {"problem": 0, "warning": 0, "unknown": 0, "ok": len(told)}
    text = server.vxland("doctor").stdout
    assert "lxd1: all is well" in text
    assert "  ok       tunnel     lxd2, lxd3: works both ways" in text


@pytest.mark.parametrize(
    "firewall",
    ["iptables -A INPUT -p udp --dport 4789 -j DROP", FIREWALL],
    ids=["iptables", "nft"],
)
def test_a_firewall_that_drops(site: Site, firewall: str) -> None:
    """From outside it is silence; on the server itself the doctor names the rule to add."""
    server, walled = site.servers[:2]
    walled.sh(firewall)
    try:
        told, states = ails(server, "tunnel", "", peer="lxd2")
        assert "On that server, vxland doctor" in told["cure"]
        assert states["tunnel", "lxd3"] == "ok"
        there, _ = ails(walled, "tunnel", "a firewall here drops UDP port 4789", peer="lxd1")
        walled.sh(there["cure"])
        is_well(server)
    finally:
        walled.sh("nft list tables | grep -q mine && nft delete table inet mine; iptables -F INPUT")


def test_a_firewall_that_refuses(site: Site) -> None:
    """It says so."""
    server, walled = site.servers[:2]
    refuse = "INPUT -p udp --dport 4789 -j REJECT --reject-with icmp-admin-prohibited"
    walled.sh(f"iptables -A {refuse}")
    try:
        told, _ = ails(server, "port", "refused by 192.0.2.2: administratively prohib", peer="lxd2")
        assert "let UDP port 4789 in from 192.0.2.1" in told["cure"]
    finally:
        walled.sh(f"iptables -D {refuse}")
    is_well(server)


def test_a_server_that_is_off(site: Site) -> None:
    """Nothing comes back at all."""
    server = site.servers[0]
    site.underlay.sh("ip link set p2 down")
    try:
        _, states = ails(server, "tunnel", "nothing comes from it, neither", peer="lxd2")
        assert states["path", "lxd2"] in {"unknown", "problem"}  # where the kernel itself says so
    finally:
        site.underlay.sh("ip link set p2 up")
    is_well(server)


def test_a_server_without_vxland(site: Site) -> None:
    """Its port is closed."""
    server, without = site.servers[:2]
    without.stop()
    without.vxland("down", check=True)
    ails(server, "port", "nothing listens at UDP 4789 there", peer="lxd2")
    without.start()
    without.settled()
    without.sh(f"ip link set {site.containers[1].port} master vxbr0")
    is_well(server)


def test_a_server_whose_file_names_things_otherwise(site: Site) -> None:
    """Its tunnel has another VNI, by which its guests' packets come."""
    server, other = site.servers[:2]
    other.configure(BASE.replace('name = "lan"', 'name = "lam"'))
    guest = site.containers[1]
    guest.sh(PING.format(guest.name))
    try:
        told, _ = ails(server, "vni", "its packets come with VNI", peer="lxd2")
        assert "named alike in the files of both" in told["cure"]
        assert told["state"] == "problem"
    finally:
        guest.sh(f"kill $(cat /run/{guest.name}.pid)")
    other.configure(BASE)
    is_well(server)


def test_two_guests_with_one_mac_address(site: Site) -> None:
    """As with cloned machines: the bridge sees it here and there."""
    one, other = site.containers[:2]
    mac, own = (str((guest.link("eth0") or {})["address"]) for guest in (one, other))
    other.sh(f"ip link set eth0 address {mac}")
    for guest in (one, other):
        guest.sh(PING.format(guest.name))
    try:
        ails(site.servers[0], "macs", f"{mac} is at {one.port} and vxl-lan-lxd2 (to lxd2)")
    finally:
        for guest in (one, other):
            guest.sh(f"kill $(cat /run/{guest.name}.pid)")
        other.sh(f"ip link set eth0 address {own}")
    is_well(site.servers[0])


def test_over_ipv6(site: Site) -> None:
    """Everything is tried there, too, but for clocks: ICMPv6 has no timestamps."""
    for number, server in enumerate(site.servers, 1):
        server.sh(f"ip addr add 2001:db8::{number}/64 dev eth0 nodad")
    for container in site.containers:
        container.sh("ip link set eth0 mtu 1430")
        container.server.sh(f"ip link set {container.port} mtu 1430")
    text = config([1, 2, 3], HEAD).replace('"192.0.2.', '"2001:db8::')
    for server in site.servers:
        server.configure(text)
    server, walled = site.servers[:2]
    is_well(server, but="clock")
    told = {(f["check"], f["text"]) for f in examined(server)["findings"]}
    assert ("path", "packets of 1500 bytes pass") in told
    assert ("tunnel", "works both ways, with packets of 1430 bytes inside") in told
    walled.sh("ip6tables -A INPUT -p udp --dport 4789 -j DROP")
    there, _ = ails(walled, "tunnel", "a firewall here drops UDP", peer="lxd1")
    assert there["cure"].startswith("ip6tables -I INPUT")
    walled.sh(there["cure"])
    is_well(server, but="clock")
    walled.sh("ip6tables -F INPUT; ip6tables -A INPUT -p udp --dport 4789 -j REJECT")
    ails(server, "port", "nothing listens at UDP 4789", peer="lxd2")
    walled.sh("ip6tables -F INPUT")
