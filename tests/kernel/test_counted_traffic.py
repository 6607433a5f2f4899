"""What the table counts of real tunnels is what their devices count, over either family."""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from ipaddress import ip_address

import pytest

from tests.lab import eventually
from tests.lab.namespaces import Namespace
from vxland.identity import TALLY_TABLE
from vxland.kernel.peer_counters import read_counters
from vxland.kernel.tally import Tally
from vxland.observed import Counted
from vxland.operations import MakeTally
from vxland.tables.tally import inner
from vxland.traffic import Count, Traffic

pytestmark = [pytest.mark.kernel, pytest.mark.timeout(120, func_only=True)]

VNI, PORT = 4711, 4789
BULK = 5_000_000  # bytes


@dataclass(frozen=True)
class Side:
    """One of two servers with a tunnel to the other, in no bridge."""

    namespace: Namespace
    peer: Counted
    inside: str

    def device(self) -> Traffic:
        """What the tunnel's device has counted."""
        (shown,) = self.namespace.json("ip -s -j link show dev vx0")
        stats = shown["stats64"]
        ways = [stats[way][what] for what in ("packets", "bytes") for way in ("rx", "tx")]
        return Traffic(*ways)

    def counted(self) -> tuple[Count, Count]:
        """What the table has."""
        with self.namespace.entered():
            received, sent = read_counters().of(self.peer)
        assert received
        assert sent
        return received, sent


@pytest.fixture(params=[4, 6])
def sides(request: pytest.FixtureRequest, laboratory: None) -> Iterator[tuple[Side, Side]]:
    """Over one family. Nothing passes by itself, since there is no IPv6 inside."""
    del laboratory
    family = request.param
    prefix = "192.0.2." if family == 4 else "2001:db8::"
    names = [Namespace(f"tally{number}") for number in (1, 2)]
    first, second = names
    first.sh(f"ip link add u0 type veth peer name u0 netns {second.path}")
    made = []
    for number, namespace in enumerate(names, 1):
        peer = Counted(ip_address(f"{prefix}{3 - number}"), VNI, PORT)
        length = "24" if family == 4 else "64 nodad"
        namespace.sh(
            f"""
            ip addr add {prefix}{number}/{length} dev u0
            ip link set u0 up
            ip link add vx0 type vxlan id {VNI} dstport {PORT} local {prefix}{number} \\
                remote {peer.address}
            echo 1 >/proc/sys/net/ipv6/conf/vx0/disable_ipv6
            ip addr add 10.9.9.{number}/24 dev vx0
            """
        )
        with namespace.entered(), closing(Tally()) as tally:
            assert tally.write(MakeTally("", TALLY_TABLE, (peer,), replaces=False)) is None
        made.append(Side(namespace, peer, f"10.9.9.{number}"))
    for side in made:
        side.namespace.await_carrier("u0")
        side.namespace.sh("ip link set vx0 mtu 1400 up")
    yield made[0], made[1]
    for namespace in names:
        namespace.delete()


def bulk(here: Side, there: Side) -> None:
    """Send much by TCP, so that offloads make large packets of it."""
    with there.namespace.entered():
        listener = socket.create_server((there.inside, 5000))
    with listener, here.namespace.entered():
        sender = socket.create_connection((there.inside, 5000), timeout=30)
        with sender, listener.accept()[0] as receiver:
            sending = threading.Thread(target=sender.sendall, args=(bytes(BULK),))
            sending.start()
            left = BULK
            while left:
                left -= len(receiver.recv(1 << 20))
            sending.join()


def agree(side: Side) -> bool:
    """Whether table and device say the same."""
    return inner(side.peer, *side.counted()) == side.device()


def told(*sides: Side) -> str:
    return "\n".join(f"{inner(s.peer, *s.counted())} is {s.device()}" for s in sides)


def test_counts_are_those_of_a_tunnels_device(sides: tuple[Side, Side]) -> None:
    """Small packets and large ones, which count once, before they are cut and when put together."""
    one, other = sides
    one.namespace.sh(f"ping -q -c3 -i0.05 {other.inside}")
    bulk(one, other)
    eventually(lambda: agree(one) and agree(other), lambda: told(one, other))
    sent, received = one.device(), other.device()
    assert (sent.transmit_packets, sent.transmit_bytes) == (
        received.receive_packets,
        received.receive_bytes,
    )
    assert BULK < sent.transmit_bytes < sent.transmit_packets * 65536
    assert sent.transmit_bytes > 3 * sent.transmit_packets * 1400  # larger than any frame


@pytest.mark.parametrize("sides", [4], indirect=True)
def test_fragments_count_as_the_packet_that_they_were(sides: tuple[Side, Side]) -> None:
    """Over IPv4 at both ends. Over IPv6 a VXLAN device sends none."""
    one, other = sides
    for side in sides:
        side.namespace.sh("ip link set vx0 mtu 3000")
    one.namespace.sh(f"ping -q -c3 -i0.05 -s 2500 {other.inside}")
    eventually(lambda: agree(one) and agree(other), lambda: told(one, other))
    assert other.device().receive_bytes > 3 * 2500
    numbers = other.namespace.sh("grep ^Ip: /proc/net/snmp").splitlines()
    shown = dict(zip(*(line.split() for line in numbers), strict=True))
    assert int(shown["ReasmOKs"]) >= 3


def test_of_fragments_over_ipv6_the_first_one_counts(sides: tuple[Side, Side]) -> None:
    """At the receiver, whose input comes before they are put together; as sent they are whole."""
    one, other = sides
    family = one.peer.address.version
    with one.namespace.entered():
        kind = socket.AF_INET if family == 4 else socket.AF_INET6
        sender = socket.socket(kind, socket.SOCK_DGRAM)
    header = b"\x08\0\0\0" + VNI.to_bytes(3, "big") + b"\0"
    with sender:
        sender.sendto(header + bytes(2992), (str(one.peer.address), PORT))
    whole = Count(1, 3000 + (28 if family == 4 else 48))
    assert one.counted()[1] == whole
    eventually(lambda: other.counted()[0].packets, "it arrives")
    expected = whole if family == 4 else Count(1, 1496)
    assert other.counted()[0] == expected
