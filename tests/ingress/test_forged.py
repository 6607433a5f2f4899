"""Nothing that is forged gets in, whatever it looks like, and everything of the peers' does."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import product

import pytest

from tests.ingress.door import BESIDE, STRANGER, WITH_IT, Door
from tests.ingress.forgery import Fire
from tests.lab import Namespace, eventually

pytestmark = [pytest.mark.kernel, pytest.mark.timeout(120, func_only=True)]

TINY = 8  # bytes of a fragment: the UDP header alone, and the VNI in the next one
LARGE = 64
KNOCKS = 5
COMMON = {
    "index": ('vni = "index"\n', (0, 1)),
    "shared": ('mode = "shared"\nvni = 4711\n', (4711,)),
}


@pytest.mark.parametrize("pieces", [0, LARGE, TINY], ids=["whole", "in pieces", "in tiny pieces"])
@pytest.mark.parametrize("vni", [WITH_IT, BESIDE])
def test_a_strangers_packet_is_dropped(door: Door, vni: int, pieces: int) -> None:
    """Whole or in fragments, even where the first one doesn't tell the VNI."""
    door.stays_shut_for(door.packet(STRANGER, vni, pieces))


@pytest.mark.parametrize("door", ["2001:db8::{}"], ids=["IPv6"], indirect=True)
def test_headers_before_udp_hide_nothing(door: Door) -> None:
    """Nor does a first fragment that ends before it tells what it is a piece of."""
    packet = replace(door.packet(STRANGER, WITH_IT), behind=True)
    door.stays_shut_for(packet)
    door.stays_shut_for(replace(packet, pieces=LARGE))
    flows = [door.knock(replace(packet, pieces=TINY)) for _ in range(KNOCKS)]
    door.opens_for(door.packet(2, WITH_IT), door.site.servers[1])
    assert not any(map(door.listener.arrived, flows))


@pytest.mark.parametrize("pieces", [0, LARGE], ids=["whole", "in pieces"])
def test_a_peers_packet_with_another_pairs_vni_is_dropped(door: Door, pieces: int) -> None:
    """Each has the door of its own tunnel, and no other."""
    second, third = door.site.servers[1:]
    door.opens_for(door.packet(2, WITH_IT, pieces), second)
    door.opens_for(door.packet(3, BESIDE, pieces), third)
    door.stays_shut_for(door.packet(3, WITH_IT, pieces), third)
    door.stays_shut_for(door.packet(2, BESIDE, pieces), second)


@pytest.mark.parametrize(("keys", "vnis"), COMMON.values(), ids=COMMON)
def test_what_is_all_peers_is_no_strangers(door: Door, keys: str, vnis: Sequence[int]) -> None:
    """Where peers have VNIs in common: any of them may use each, and nobody else."""
    door.server.configure(door.file(keys))
    for vni in vnis:
        for number, sender in enumerate(door.site.servers[1:], 2):
            door.opens_for(door.packet(number, vni), sender)
        for pieces in (0, TINY):
            door.stays_shut_for(door.packet(STRANGER, vni, pieces), known=vni)
    door.server.configure(door.file())


def test_who_speaks_with_a_peers_address_gets_in(door: Door) -> None:
    """What docs/security.md says the filter can't tell, if the network lets it pass."""
    door.opens_for(door.packet(2, WITH_IT))


def test_without_the_filter_all_of_it_would_come_in(door: Door) -> None:
    """So the tests above mean something: ``ingress = "off"``, and on again."""
    door.server.configure(door.file('ingress = "off"\n'))
    assert "vxland-ingress" not in door.server.sh("nft list tables")
    for pieces, behind in product((0, LARGE, TINY), {False, ":" in door.address}):
        door.opens_for(replace(door.packet(STRANGER, WITH_IT, pieces), behind=behind))
    door.server.configure(door.file())
    door.stays_shut_for(door.packet(STRANGER, WITH_IT))


def test_other_vnis_of_the_port_pass(door: Door) -> None:
    """As those of Docker Swarm, which shares it."""
    address = door.address.format
    others = {door.server: 1, door.stranger: STRANGER}
    for namespace, number in others.items():
        remote = address(STRANGER + 1 - number)
        namespace.sh(
            f"""
            ip link add other0 type vxlan id 99 dstport 4789 local {address(number)} remote {remote}
            ip addr add 10.99.0.{number}/24 dev other0
            ip link set other0 up
            """
        )
    before = door.dropped()
    door.stranger.sh("ping -q -c1 -W5 10.99.0.1 || ping -q -c3 -W5 10.99.0.1")
    assert door.dropped() == before
    for namespace in others:
        namespace.sh("ip link del other0")


def test_what_the_host_closes_stays_closed(door: Door) -> None:
    """Its own firewall drops peers' packets, too, and vxland's accept opens nothing."""
    packet, second = door.packet(2, WITH_IT), door.site.servers[1]
    door.opens_for(packet, second)
    closing(door.server)
    flow = door.knock(packet, second)
    counted = "nft list chain inet admin input"
    while "packets 0 " in door.server.sh(counted):
        flow = door.knock(packet, second)
    assert not door.listener.arrived(flow)
    assert "vxland-ingress" in door.server.sh("nft list tables")
    door.server.sh("nft delete table inet admin")
    door.opens_for(packet, second)


@pytest.mark.parametrize("door", ["2001:db8::{}"], ids=["IPv6"], indirect=True)
def test_there_is_no_moment_to_slip_in(door: Door) -> None:
    """Whatever becomes of the daemon and its peers, under fire from the first packet on."""
    server = door.server
    packets = [door.packet(STRANGER, vni) for vni in (WITH_IT, BESIDE)]
    with Fire(door.stranger, *packets) as fire:
        for peers in ((1, 3), (1, 2, 3)):
            server.configure(door.file(peers=peers))
        server.stop(kill=True)
        server.vxland("down", check=True)
        server.start()
        server.settled()
        server.configure(door.file('vni = ["index", "pair"]\n'))
        server.configure(door.file())
        before = door.dropped()
        eventually(lambda: door.dropped() > before, "the stranger fires still")
    door.opens_for(door.packet(2, WITH_IT), door.site.servers[1])
    assert not door.listener.arrived(fire.flow), f"of {fire.sent} packets some came through"


def closing(server: Namespace) -> None:
    """The administrator closes the port, in a table of their own."""
    server.sh(
        """
        nft add table inet admin
        nft 'add chain inet admin input { type filter hook input priority 0; policy accept; }'
        nft add rule inet admin input udp dport 4789 counter drop
        """
    )
