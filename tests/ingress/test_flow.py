"""What the filter does to peers' traffic: nothing, whatever becomes of the filter."""

import socket
from dataclasses import replace

import pytest

from tests.ingress.door import STRANGER, WITH_IT, Door
from tests.lab import Container, Server, Steady, eventually

pytestmark = [pytest.mark.kernel, pytest.mark.timeout(180, func_only=True)]

EDITS = 6
FLOWS = 2000
HIDDEN = 202
FILTERS = "@vnis drop"
TRACKS = """
    nft add table inet admin
    nft 'add chain inet admin input { type filter hook input priority 0; }'
    nft add rule inet admin input ct state new counter
    echo 0 >/proc/sys/net/bridge/bridge-nf-call-iptables || true  # frames of guests aren't meant
    """


def test_no_frame_is_lost_while_peers_come_and_go(door: Door) -> None:
    """1,000 frames a second from a peer that stays, through the changes of the sets."""
    source = reaching(door)
    with Steady(source, door.listener.mac) as flow:
        for _ in range(EDITS):
            for peers in ((1, 2), (1, 2, 3)):
                door.server.configure(door.file(peers=peers))
                shown = door.server.sh("nft list set inet vxland-ingress vnis")
                assert shown.count(" . 4789") == len(peers) - 1
    assert flow.sent > EDITS
    flow.all_arrive(door.listener)


def test_no_frame_is_lost_while_the_port_is_closed_to_others(door: Door) -> None:
    """And opened again, as often as somebody likes."""
    source = reaching(door)
    with Steady(source, door.listener.mac) as flow:
        for _ in range(EDITS):
            for extra, ports in (('ingress = "exclusive"\n', 1), ("", 0)):
                door.server.configure(door.file(extra))
                shown = door.server.sh("nft list set inet vxland-ingress exclusive")
                assert shown.count("elements = { 4789 }") == ports
    assert flow.sent > EDITS
    flow.all_arrive(door.listener)


def test_what_somebody_does_to_the_filter_is_undone(door: Door) -> None:
    """Where the kernel lets them: from Linux 6.9 on it doesn't, as the daemon owns the table."""
    before = door.server.sh("nft -a list table inet vxland-ingress")
    flush = ["nft", "flush", "chain", "inet", "vxland-ingress", "input"]
    done = door.server.run(flush, check=False)
    owned = "not permitted" in done.stderr
    assert owned or done.returncode == 0
    if not owned:
        eventually(lambda: FILTERS in door.server.sh("nft list ruleset"), "the rules are back")
    door.server.sh("nft flush ruleset")
    if owned:
        assert door.server.sh("nft -a list table inet vxland-ingress") == before
    eventually(lambda: FILTERS in door.server.sh("nft list ruleset"), "the filter is back")
    door.server.settled()
    door.stays_shut_for(door.packet(STRANGER, WITH_IT))


def test_peers_are_not_tracked(door: Door) -> None:
    """A tunnel's source ports are as many as the flows inside: they would fill the table."""
    source = reaching(door)
    for server in door.site.servers[:2]:
        server.sh(TRACKS)
    storm(source, door.guest.address)
    assert {tracked(server) < FLOWS / 10 for server in door.site.servers[:2]} == {True}
    for server in door.site.servers[:2]:
        server.configure(door.file('ingress = "off"\n'))
    storm(source, door.guest.address)
    assert {tracked(server) > FLOWS / 2 for server in door.site.servers[:2]} == {True}
    for server in door.site.servers[:2]:
        server.configure(door.file())
        server.sh("nft delete table inet admin")


def test_what_rewrites_the_source_goes_on(door: Door) -> None:
    """A server that sends from another address than its peers know has it rewritten by itself."""
    second, address = door.site.servers[1], door.address.format
    family, length = ("ip", 24) if "." in door.address else ("ip6", 64)
    extra = "nodad" if family == "ip6" else ""
    second.sh(
        f"""
        ip addr add {address(HIDDEN)}/{length} dev eth0 {extra}
        nft add table {family} admin
        nft 'add chain {family} admin post {{ type nat hook postrouting priority 100; }}'
        nft add rule {family} admin post {family} saddr {address(HIDDEN)} udp dport 4789 \\
            snat to {address(2)}
        """
    )
    own = f'[node]\nname = "lxd2"\naddress = "{address(HIDDEN)}"\n\n'
    second.configure(own + door.file())
    before = door.dropped()
    reaching(door)
    assert door.dropped() == before
    second.configure(door.file())
    second.sh(f"nft delete table {family} admin; ip addr del {address(HIDDEN)}/{length} dev eth0")
    reaching(door)


def test_what_rewrites_the_target_goes_on(door: Door) -> None:
    """Peers may know a server by an address that it has not, and translates by itself."""
    second, address = door.site.servers[1], door.address.format
    family, brackets = ("ip", "{}") if door.version == 4 else ("ip6", "[{}]")
    public = address(HIDDEN)
    second.sh(f"ip route add {public} via {address(1)} dev eth0")
    door.server.sh(
        f"""
        nft add table {family} admin
        nft 'add chain {family} admin pre {{ type nat hook prerouting priority -100; }}'
        nft add rule {family} admin pre {family} daddr {public} udp dport 4789 \\
            dnat to {brackets.format(address(1))}
        """
    )
    door.opens_for(replace(door.packet(2, WITH_IT), target=public), second)
    door.stays_shut_for(replace(door.packet(STRANGER, WITH_IT), target=address(1)))
    door.server.sh(f"nft delete table {family} admin")
    second.sh(f"ip route del {public} via {address(1)} dev eth0")


def test_it_goes_with_vxland_down_and_takes_nothing_else_along(door: Door) -> None:
    """Other tables of the same family are as they were."""
    third = door.site.servers[2]
    third.sh(
        """
        nft add table inet vxland-mine
        nft 'add chain inet vxland-mine input { type filter hook input priority 0; }'
        nft add rule inet vxland-mine input udp dport 4789 counter
        """
    )
    shown = third.sh("nft -s list table inet vxland-mine")
    third.stop()
    assert "inet vxland-ingress" in third.sh("nft list tables")
    third.vxland("down", check=True)
    assert "inet vxland-ingress" not in third.sh("nft list tables")
    assert third.sh("nft -s list table inet vxland-mine") == shown


def reaching(door: Door) -> Container:
    """The guest of the second server, once it reaches the first one's."""
    source = door.site.containers[1]
    eventually(lambda: source.reaches(door.guest.address), "the guests reach each other")
    return source


def storm(source: Container, address: str) -> None:
    """Datagrams from so many ports."""
    with source.entered():
        for port in range(FLOWS):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
                sender.bind(("", 10000 + port))
                sender.sendto(b"storm", (address, 9))


def tracked(server: Server) -> int:
    """Connections in the table."""
    return int(server.sh("cat /proc/sys/net/netfilter/nf_conntrack_count"))
