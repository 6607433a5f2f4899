"""Nothing that is forged gets in, whatever it looks like, and everything of the peers' does."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from tests.daemon.daemon_view import metrics
from tests.ingress.door import BESIDE, STRANGER, WITH_IT, Door
from tests.ingress.forgery import CHAINS, EVERYBODY, PORT, Fire, Packet, joined
from tests.lab import Namespace, eventually
from tests.lab.dns import ZONE, NameServer, name_servers

pytestmark = [pytest.mark.kernel, pytest.mark.timeout(120, func_only=True)]

TINY = 8  # bytes of a fragment: the UDP header alone, and the VNI in the next one
LARGE = 64
KNOCKS = 5
FOREIGN = 99
COUNTED = "vxland_ingress_dropped_packets_total"
MOVED = 102  # in the address that a peer gets
PINGS = "ping -q -c1 -W5 10.99.0.1 || ping -q -c3 -W5 10.99.0.1"
CLOSED = "nft list chain inet admin input"
COMMON = {
    "index": ('vni = "index"\n', (0, 1)),
    "shared": ('mode = "shared"\nvni = 4711\n', (4711,)),
}
# The same, and each pair its own, where the third server is the only peer.
ALONE = {"pair": ("", BESIDE)} | {name: (keys, vnis[0]) for name, (keys, vnis) in COMMON.items()}
UDP_LITE = 136
EXCLUSIVE = 'ingress = "exclusive"\n'
# What may stand in a VXLAN header (group policy, another inner protocol, no VNI, all there is), in
# UDP's, and before that.
HEADERS: tuple[dict[str, Any], ...] = (
    {"flags": b"\x88\0\xff\xff"},
    {"flags": b"\x0c\0\0\x03"},
    {"flags": b"\0\0\0\0"},
    {"flags": b"\xff\xff\xff\xff"},
    {"checksum": 0},
    {"checksum": 1},
    {"behind": "options"},
    {"size": 0},
)
MANY = ("192.0.2.255", EVERYBODY, "224.0.0.1")
MAPPED = ("::ffff:192.0.2.2", "::ffff:192.0.2.66")  # IPv4's addresses, as IPv6 has them


@pytest.mark.parametrize("pieces", [0, LARGE, TINY], ids=["whole", "in pieces", "in tiny pieces"])
@pytest.mark.parametrize("vni", [WITH_IT, BESIDE])
def test_a_strangers_packet_is_dropped(door: Door, vni: int, pieces: int) -> None:
    """Whole or in fragments, even where the first one doesn't tell the VNI."""
    door.stays_shut_for(door.packet(STRANGER, vni, pieces))


def test_headers_before_udp_hide_nothing(door: Door) -> None:
    """Nor does a first fragment that ends before it tells what it is a piece of."""
    packets = behind(door.packet(STRANGER, WITH_IT))
    door.stays_shut_for(*packets, *(replace(packet, pieces=LARGE) for packet in packets))
    tiny = [replace(packet, pieces=TINY) for packet in packets]
    door.unheard({door.knock(packet): packet for packet in tiny for _ in range(KNOCKS)})


def test_nothing_in_the_headers_is_a_way_in(door: Door) -> None:
    """Nor is another address that is heard here: each is dropped, and counted for the VNI."""
    plain = door.packet(STRANGER, WITH_IT)
    forged = [replace(plain, **values) for values in HEADERS]
    door.stays_shut_for(*forged, *elsewhere(plain))


def test_the_server_itself_is_no_peer_of_its_own(door: Door) -> None:
    """By its address and over its loopback."""
    plain, own = door.packet(1, WITH_IT), "127.0.0.1" if door.version == 4 else "::1"
    door.stays_shut_for(plain, replace(plain, source=own, target=own), sender=door.server)


def test_what_the_filter_isnt_asked_about_is_for_nobody(door: Door) -> None:
    """It isn't UDP, or for another port."""
    plain = door.packet(STRANGER, WITH_IT)
    forged = [replace(plain, protocol=UDP_LITE), replace(plain, port=PORT + 1)]
    door.unheard({door.knock(packet): packet for packet in forged for _ in range(KNOCKS)})


@pytest.mark.parametrize(("keys", "vni"), ALONE.values(), ids=ALONE)
def test_a_peer_of_another_overlay_is_a_stranger(door: Door, keys: str, vni: int) -> None:
    """Also where both overlays have one port, and one's peers have its VNIs in common."""
    second, third = door.site.servers[1:]
    proof, forged = door.packet(3, vni), door.packet(2, vni)
    for port in (PORT, PORT + 1):
        door.server.configure(door.beside_another(keys, port))
        door.opens_for(proof, third)
        door.stays_shut_for(forged, sender=second, proof=proof)
    theirs = replace(forged, port=PORT + 1)
    door.unheard({door.knock(theirs, second): theirs for _ in range(KNOCKS)}, proof)
    door.server.configure(door.file())


@pytest.mark.parametrize("pieces", [0, LARGE], ids=["whole", "in pieces"])
def test_a_peers_packet_with_another_pairs_vni_is_dropped(door: Door, pieces: int) -> None:
    """Each has the door of its own tunnel, and no other."""
    second, third = door.site.servers[1:]
    door.opens_for(door.packet(2, WITH_IT, pieces), second)
    door.opens_for(door.packet(3, BESIDE, pieces), third)
    door.stays_shut_for(door.packet(3, WITH_IT, pieces), sender=third)
    door.stays_shut_for(door.packet(2, BESIDE, pieces), sender=second)


@pytest.mark.parametrize(("keys", "vnis"), COMMON.values(), ids=COMMON)
def test_what_is_all_peers_is_no_strangers(door: Door, keys: str, vnis: Sequence[int]) -> None:
    """Where peers have VNIs in common: any of them may use each, and nobody else."""
    door.server.configure(door.file(keys))
    for vni in vnis:
        for number, sender in enumerate(door.site.servers[1:], 2):
            door.opens_for(door.packet(number, vni), sender)
        for pieces in (0, TINY):
            door.stays_shut_for(door.packet(STRANGER, vni, pieces), proof=door.packet(2, vni))
    door.server.configure(door.file())


def test_what_is_kept_out_is_told(door: Door) -> None:
    """Of an overlay's VNI, for the overlay, by status too; what is nobody's, of none."""
    before, shown = metrics(door.server), door.server.status()["overlays"][0]["kept_out"]
    door.stays_shut_for(door.packet(STRANGER, WITH_IT))
    after = metrics(door.server)
    assert after(COUNTED, overlay="lan") > before(COUNTED, overlay="lan")
    assert after(COUNTED, overlay="") == before(COUNTED, overlay="")
    assert door.server.status()["overlays"][0]["kept_out"] > shown
    door.server.configure(door.file(EXCLUSIVE))
    door.stays_shut_for(door.packet(STRANGER, FOREIGN))
    last = metrics(door.server)
    assert last(COUNTED, overlay="") > after(COUNTED, overlay="")
    assert last(COUNTED, overlay="lan") == after(COUNTED, overlay="lan")
    door.server.configure(door.file())


def test_who_speaks_with_a_peers_address_gets_in(door: Door) -> None:
    """What docs/security.md says the filter can't tell, if the network lets it pass."""
    door.opens_for(door.packet(2, WITH_IT))


def test_what_comes_as_one_is_judged_as_one(door: Door) -> None:
    """docs/security.md says what that leaves open, and that a firewall by the source closes it."""
    forged, (_, second, *_) = door.packet(STRANGER, WITH_IT), door.site.servers
    untaken = replace(door.packet(2, WITH_IT), flags=bytes(4))  # lets the next one in, unheard

    def sent(sender: Namespace = door.stranger) -> int:
        with sender.entered():
            return joined(door.packet(STRANGER, FOREIGN), forged)

    def sent_by_a_peer() -> int:
        with second.entered():
            return joined(untaken, door.packet(2, BESIDE))

    door.hears(sent, "what is cut behind the filter")
    door.hears(partial(sent, door.server), "the same by the loopback")
    door.hears(sent_by_a_peer, "what is cut off a peer's packet")
    field, (_, *others) = "ip" if door.version == 4 else "ip6", door.site.servers
    peers = ", ".join(door.address.format(number) for number, _ in enumerate(others, 2))
    closing(door.server, f"{field} saddr {{ {peers} }} udp dport 4789 accept")
    flows = [sent()]
    while "packets 0 " in door.server.sh(CLOSED):
        flows.append(sent())
    door.unheard(dict.fromkeys(flows, forged))
    door.server.sh("nft delete table inet admin")
    door.server.configure(door.file(EXCLUSIVE))
    for sender in (door.stranger, door.server):
        flows = door.refuses(partial(sent, sender), "what is to be cut")
        door.unheard(dict.fromkeys(flows, forged))
    door.hears(sent_by_a_peer, "what is cut off a peer's packet, also then")
    door.server.configure(door.file())


def test_a_name_that_moves_takes_its_rights_along(door: Door, tmp_path: Path) -> None:
    """Under fire: the new address is let in, the old one isn't any more, and nobody else is."""
    old, new = door.packet(2, WITH_IT), door.packet(MOVED, WITH_IT)
    named = door.file().replace(f'"{old.source}"', f'"lxd2.{ZONE}"')
    forged = [door.packet(STRANGER, vni) for vni in (WITH_IT, BESIDE)]
    with (
        name_servers("nameserver 127.0.0.1\n"),
        NameServer(door.server, tmp_path, {"lxd2": old.source}) as names,
    ):
        door.server.configure(named)
        door.opens_for(old)
        with Fire(door.stranger, *forged) as fire:
            names.records({"lxd2": new.source})
            assert door.server.ask("reload")["errors"] == []
            door.opens_for(new)
        door.stays_shut_for(old, proof=new)
        assert not door.listener.arrived(fire.flow), f"of {fire.sent} packets some came through"
        door.server.configure(door.file())


def test_without_the_filter_all_of_it_would_come_in(door: Door) -> None:
    """So the tests above mean something: ``ingress = "off"``, and on again."""
    door.server.configure(door.file('ingress = "off"\n'))
    assert "vxland-ingress" not in door.server.sh("nft list tables")
    plain = door.packet(STRANGER, WITH_IT)
    for packet in (plain, *behind(plain)):
        door.opens_for(packet)
    for pieces, headers in product((LARGE, TINY), ("", "options")):
        door.opens_for(replace(plain, pieces=pieces, behind=headers))
    for packet in elsewhere(door.packet(STRANGER, WITH_IT)):
        door.opens_for(packet)
    if door.version == 4:  # over IPv6 the kernel wants one
        door.opens_for(replace(door.packet(STRANGER, WITH_IT), checksum=0))
    door.server.configure(door.file())
    door.stays_shut_for(door.packet(STRANGER, WITH_IT))


def test_other_vnis_of_the_port_pass(door: Door) -> None:
    """As those of Docker Swarm, which shares it, unless it is for vxland alone, which is said."""
    address = door.address.format
    others = {door.server: 1, door.stranger: STRANGER}
    for namespace, number in others.items():
        ends = f"local {address(number)} remote {address(STRANGER + 1 - number)}"
        namespace.sh(
            f"""
            ip link add other0 type vxlan id {FOREIGN} dstport 4789 {ends}
            ip addr add 10.99.0.{number}/24 dev other0
            ip link set other0 up
            """
        )
    before = door.dropped()
    door.stranger.sh(PINGS)
    assert door.dropped() == before
    assert door.server.status()["overlays"][0]["ingress"] == "peers"
    door.server.configure(door.file(EXCLUSIVE))
    assert door.server.status()["overlays"][0]["ingress"] == "exclusive"
    ping = ("ping", "-q", "-c1", "-W1", "10.99.0.1")
    door.refuses(lambda: door.stranger.run(ping, check=False).returncode, "a ping")
    foreign = door.packet(STRANGER, FOREIGN)
    door.stays_shut_for(*(replace(foreign, pieces=pieces) for pieces in (0, LARGE, TINY)))
    door.opens_for(door.packet(2, WITH_IT), door.site.servers[1])
    assert "other0" in str(door.server.status()["problems"])
    door.server.configure(door.file())
    door.stranger.sh(PINGS)
    for namespace in others:
        namespace.sh("ip link del other0")


def test_what_the_host_closes_stays_closed(door: Door) -> None:
    """Its own firewall drops peers' packets, too, and vxland's accept opens nothing."""
    packet, second = door.packet(2, WITH_IT), door.site.servers[1]
    door.opens_for(packet, second)
    for accept in ("", "ct state established,related accept"):
        closing(door.server, accept)
        flow = door.knock(packet, second)
        while "packets 0 " in door.server.sh(CLOSED):
            flow = door.knock(packet, second)
        assert not door.listener.arrived(flow)
        assert "vxland-ingress" in door.server.sh("nft list tables")
        door.server.sh("nft delete table inet admin")
    door.opens_for(packet, second)


def test_what_is_opened_to_all_that_is_untracked_is_open_to_peers_alone(door: Door) -> None:
    """Tunnels' packets are that, whoever sends them (docs/security.md)."""
    closing(door.server, "ct state untracked accept")
    door.opens_for(door.packet(2, WITH_IT), door.site.servers[1])
    door.stays_shut_for(door.packet(STRANGER, WITH_IT))
    door.server.sh("nft delete table inet admin")


def test_there_is_no_moment_to_slip_in(door: Door) -> None:
    """Whatever becomes of the daemon and its peers, under fire from the first packet on.

    Over IPv4 the port is the overlay's alone.
    """
    keys = EXCLUSIVE if door.version == 4 else ""
    server = door.server
    packets = [door.packet(STRANGER, vni) for vni in (WITH_IT, BESIDE)]
    server.configure(door.file(keys))
    with Fire(door.stranger, *packets) as fire:
        for peers in ((1, 3), (1, 2, 3)):
            server.configure(door.file(keys, peers=peers))
        server.stop(kill=True)
        server.vxland("down", check=True)
        server.start()
        server.settled()
        server.configure(door.file(keys + 'vni = ["index", "pair"]\n'))
        server.configure(door.file(keys))
        server.stop()
        door.made_anew()
        server.start()
        server.settled()
        server.configure(door.file())
        before = door.dropped()
        eventually(lambda: door.dropped() > before, "the stranger fires still")
    door.opens_for(door.packet(2, WITH_IT), door.site.servers[1])
    assert not door.listener.arrived(fire.flow), f"of {fire.sent} packets some came through"


def behind(packet: Packet) -> list[Packet]:
    """The same with all that may stand before UDP's header."""
    kinds = CHAINS if ":" in packet.source else ("options",)
    return [replace(packet, behind=kind) for kind in kinds]


def elsewhere(packet: Packet) -> list[Packet]:
    """The same to or from an address of another kind."""
    if ":" in packet.source:
        mapped = [replace(packet, source=source) for source in MAPPED]
        return [replace(packet, target="ff02::1"), *mapped]
    return [replace(packet, target=target) for target in MANY]


def closing(server: Namespace, accept: str = "") -> None:
    """The administrator closes the port, but for what is accepted, in a table of their own."""
    rules = (*filter(None, [accept]), "udp dport 4789 counter drop")
    server.sh(
        """
        nft add table inet admin
        nft 'add chain inet admin input { type filter hook input priority 0; policy accept; }'
        """
        + "".join(f"nft 'add rule inet admin input {rule}'\n" for rule in rules)
    )
