"""What VXLAN devices have counted, on the real kernel: looked at, and told as the last word."""

import errno
import json
import os
from collections.abc import Iterator
from typing import Any

import pytest
from msgspec.structs import replace

from tests.contract.namespace import fresh_namespace
from tests.kernel.test_events import readable, sh
from vxland.kernel.counters import read_traffic
from vxland.kernel.events import LinkEvents
from vxland.kernel.links import dump_request
from vxland.kernel.netlink import Netlink
from vxland.kernel.wire import NetlinkError
from vxland.process.doorbell import Doorbell, Trigger
from vxland.traffic import Seen

pytestmark = pytest.mark.kernel

TUNNEL = "ip link add vx type vxlan id 7 remote 127.0.0.1 dstport 4789"
MARKED = "ip link set vx alias vxland:lan:lxd2"
SEGMENT = f"""
sysctl -qw net.ipv6.conf.default.disable_ipv6=1
ip link set lo up
ip link add br0 type bridge forward_delay 0
ip link set br0 up
{TUNNEL}
{MARKED}
ip link set vx mtu 1400
ip link set vx master br0 up
ip link add va type veth peer name vb
ip link set va master br0 up
ip link set vb up
"""
FRAME = b"\xff" * 6 + b"\x02\x00\x00\x00\x00\x11" + b"\x08\x06" + bytes(46)


@pytest.fixture(autouse=True)
def namespace(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A bridge with a tunnel and a guest."""
    if os.geteuid() != 0:
        pytest.fail("this needs root, to make network namespaces")
    with fresh_namespace() as elsewhere:
        monkeypatch.setenv("ELSEWHERE", elsewhere)
        sh(SEGMENT)
        yield


def look() -> dict[str, Seen]:
    with Netlink() as netlink:
        return read_traffic(netlink)


def shown(name: str) -> dict[str, Any]:
    """A link as ``ip`` shows it."""
    return dict(json.loads(sh(f"ip -j -s link show dev {name}"))[0])


def test_vxlan_devices_and_no_others() -> None:
    """With what `ip` and /sys show of them."""
    seen = look()
    assert seen.keys() == {"vx"}
    vx = seen["vx"]
    assert (vx.name, vx.alias, vx.mtu, vx.up) == ("vx", "vxland:lan:lxd2", 1400, True)
    assert vx.incarnation == shown("vx")["ifindex"]
    sh("ip link set vx down")
    assert (look()["vx"].up, look()["vx"].running) == (False, False)


def test_counters_are_the_kernels() -> None:
    """Each of the eight; those that nothing has moved yet are no other's either."""
    sh("ip link set vx nomaster; ip addr add 10.9.9.1/24 dev vx")
    sh("ip neigh add 10.9.9.2 lladdr 02:00:00:00:00:99 dev vx")
    sh("ping -c 3 -i 0.01 -W 0.1 -n 10.9.9.2 || true")  # the tunnel ends at itself
    traffic = look()["vx"].traffic
    for short, ours in (("rx", "receive"), ("tx", "transmit")):
        expected = shown("vx")["stats64"][short]
        for what, plural in (("packets", "packets"), ("bytes", "bytes")):
            assert getattr(traffic, f"{ours}_{plural}") == expected[what] > 0
        assert getattr(traffic, f"{ours}_errors") == expected["errors"]
        assert getattr(traffic, f"{ours}_drops") == expected["dropped"]


def test_errors_and_drops() -> None:
    """Where the remote is behind a device that takes no packets they aren't zero."""
    sh("ip link set vx nomaster; ip addr add 10.9.9.1/24 dev vx")
    sh("ip neigh add 10.9.9.2 lladdr 02:00:00:00:00:99 dev vx")
    sh("ip link set vx type vxlan id 7 remote 192.0.2.9")
    sh("ping -c 3 -i 0.01 -W 0.1 -n 10.9.9.2 || true")
    traffic, expected = look()["vx"].traffic, shown("vx")["stats64"]["tx"]
    assert traffic.transmit_errors == expected["errors"]
    assert traffic.transmit_drops == expected["dropped"]
    assert traffic.transmit_errors + traffic.transmit_drops > 0


def test_learned_macs() -> None:
    """Those that the bridge has learned; not what was set by hand or taught, nor its own MACs."""
    sh("bridge fdb add 02:00:00:00:00:01 dev vx master dynamic")
    sh("bridge fdb add 02:00:00:00:00:02 dev vx master dynamic")
    sh("bridge fdb add 02:00:00:00:00:03 dev vx master static")
    sh("bridge fdb add 02:00:00:00:00:04 dev vx master permanent")
    sh("bridge fdb add 02:00:00:00:00:05 dev vx master dynamic extern_learn")
    sh("bridge fdb add 02:00:00:00:00:06 dev va master dynamic")
    assert look()["vx"].learned_macs == 2


def test_learned_macs_of_a_device_that_learns_are_counted_once() -> None:
    """The VXLAN device notes the same address for itself."""
    sh("bridge fdb add 02:00:00:00:00:01 dev vx master dynamic")
    sh("bridge fdb add 02:00:00:00:00:01 dev vx dst 127.0.0.8 dynamic")
    sh("bridge fdb add 02:00:00:00:00:02 dev vx dst 127.0.0.9 dynamic")
    sh("bridge fdb append 00:00:00:00:00:00 dev vx dst 127.0.0.9")
    seen = look()["vx"]
    assert seen.learned_macs == 1
    counts = {str(vtep): count for vtep, count in seen.learned_from.items()}
    counts.pop("127.0.0.1", 0)  # it is its own remote, and may have heard itself
    assert counts == {"127.0.0.8": 1, "127.0.0.9": 1}


class Farewells:
    """What a listener is told when devices go."""

    def __init__(self) -> None:
        self.told: list[Seen] = []
        self.events = LinkEvents(Trigger.NETLINK, farewell=self.told.append)

    def after(self, change: str) -> list[Seen]:
        sh(change)
        while readable(self.events, 0.2):
            self.events.drain()
        return self.told


@pytest.fixture
def farewells() -> Iterator[Farewells]:
    made = Farewells()
    with made.events:
        yield made


def some_traffic() -> Seen:
    """Frames into the tunnel, which come back; they come to rest, so that they can be compared."""
    sh("ip link set vx nomaster; ip addr add 10.9.9.1/24 dev vx")
    sh("ip neigh add 10.9.9.2 lladdr 02:00:00:00:00:99 dev vx")
    sh("ping -c 3 -i 0.01 -W 0.1 -n 10.9.9.2 || true")
    sh("ip addr flush dev vx; ip link set vx master br0; bridge link set dev vx flood off")
    sh("bridge link set dev vx mcast_flood off; bridge link set dev vx bcast_flood off")
    sh("ip link set vb down")
    return look()["vx"]


@pytest.mark.parametrize("how", ["ip link del vx", "ip link set vx netns $ELSEWHERE"])
def test_last_word(farewells: Farewells, how: str) -> None:
    """A device that is deleted or moved away is told of once, with its mark and its counters."""
    before = some_traffic()
    (told,) = farewells.after(how)
    assert (told.name, told.alias, told.incarnation) == ("vx", before.alias, before.incarnation)
    # What the kernel drops while it takes the device away counts too.
    assert told.traffic.transmit_drops >= before.traffic.transmit_drops
    assert replace(told.traffic, transmit_drops=before.traffic.transmit_drops) == before.traffic
    assert told.traffic.receive_bytes > 0


def test_last_word_comes_before_the_next_device(farewells: Farewells) -> None:
    """Of the same name; the numbers tell one from the other."""
    before = some_traffic()
    (told,) = farewells.after(f"ip link del vx; {TUNNEL}; {MARKED}")
    assert told.incarnation == before.incarnation != look()["vx"].incarnation


def test_leaving_the_bridge_is_no_last_word(farewells: Farewells) -> None:
    """Though the bridge tells of its port by a message of the same kind."""
    assert farewells.after("ip link set vx nomaster; ip link set vx down") == []


def test_last_word_of_other_devices(farewells: Farewells) -> None:
    """They are told of too, without a mark."""
    assert {seen.alias for seen in farewells.after("ip link del va")} == {""}


def test_doorbell_hears_farewells_of_nobody_else() -> None:
    """By default nobody is told, and it rings all the same."""
    with Doorbell() as doorbell, LinkEvents(Trigger.NETLINK) as events:
        doorbell.add(events)
        sh("ip link del vx")
        assert Trigger.NETLINK in doorbell.wait(5.0)


def test_what_cant_be_read_keeps_nobody_from_asking_again() -> None:
    """Half of the answer was on its way still: that is nothing to the next question."""

    def refuse(_: bytes) -> None:
        raise NetlinkError(errno.EBADMSG)

    with Netlink() as netlink:
        with pytest.raises(NetlinkError):
            netlink.dump_as(refuse, dump_request())
        assert read_traffic(netlink)["vx"] == look()["vx"]


def test_who_reads_makes_way() -> None:
    asked: list[None] = []
    with Netlink() as netlink:
        seen = read_traffic(netlink, lambda: asked.append(None))
    assert len(asked) > len(seen)  # for each device, and for entries
