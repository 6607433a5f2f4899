"""What the kernel tells by itself, on the real one, each test in a network namespace of its own."""

import os
import select
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from pathlib import Path

import pytest

from tests.contract.namespace import fresh_namespace
from vxland.kernel.addresses import IFADDR
from vxland.kernel.events import (
    RTM_F_CLONED,
    Events,
    LinkEvents,
    RuleEvents,
)
from vxland.kernel.netlink import Netlink
from vxland.kernel.routes import RTMSG
from vxland.kernel.suspects import MEMORY, Suspects
from vxland.kernel.wire import HEADER, NLM_F_CREATE, NLM_F_EXCL
from vxland.process.doorbell import Doorbell, Trigger

pytestmark = pytest.mark.kernel

PATIENCE = 5.0  # seconds
NOBODY = 65534  # a user who may little
NLM_F_ECHO = 0x8
ETH_P_ARP = 0x0806
SETTLED = ("UP", "UNKNOWN")

SEGMENT = """
sysctl -qw net.ipv6.conf.default.disable_ipv6=1
ip link set lo up
ip link add br0 type bridge forward_delay 0
ip link set br0 up
ip link add va type veth peer name vb
ip link set va master br0 up
ip link set vb up
ip link add vx type vxlan id 7 remote 127.0.0.1 dstport 4789
ip link set vx master br0 up
ip link add vy type vxlan id 8 remote 127.0.0.1 dstport 4789
sysctl -qw net.ipv6.conf.vy.disable_ipv6=0
"""


def sh(script: str) -> str:
    """Run a shell script in this thread's namespace; returns what it printed."""
    done = subprocess.run(["sh", "-ec", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{script}: {done.stderr}"
    return done.stdout


@pytest.fixture
def namespace() -> Iterator[str]:
    if os.geteuid() != 0:
        pytest.fail("this needs root, to make network namespaces")
    with fresh_namespace() as elsewhere:
        yield elsewhere


@pytest.fixture
def links(namespace: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[LinkEvents[Trigger]]:
    """Listens to a bridge with a veth and a VXLAN device, in which all is quiet."""
    monkeypatch.setenv("ELSEWHERE", namespace)
    sh(SEGMENT)
    with LinkEvents(Trigger.NETLINK) as events:
        settle(events)
        yield events


@pytest.fixture
def rules(namespace: str) -> Iterator[RuleEvents[Trigger]]:  # noqa: ARG001 - to be inside
    with RuleEvents(Trigger.RULES) as events:
        yield events


def settle(events: Events[Trigger]) -> None:
    """Wait until every device that is up has come to rest, and read all that was said of it."""
    while any(state not in SETTLED for state in operating_states()):
        assert readable(events), "a device doesn't come up"
        events.drain()
    sh("ip link set lo mtu 60000")  # its lock comes after what the kernel did by itself
    while readable(events, 0):
        events.drain()


def operating_states() -> list[str]:
    words = [line.split() for line in sh("ip -o link show up").splitlines()]
    return [line[line.index("state") + 1] for line in words]


def readable(events: Events[Trigger], patience: float = PATIENCE) -> bool:
    return bool(select.select([events], [], [], patience)[0])


def next_drain(events: Events[Trigger]) -> bool:
    assert readable(events), "the kernel says nothing"
    return events.drain()


RINGS = {
    "link made": ("", "ip link add vz type vxlan id 9 remote 127.0.0.1 dstport 4789"),
    "link deleted": ("", "ip link del vx"),
    "bridge deleted": ("", "ip link del br0"),
    "veth's peer deleted": ("", "ip link del vb"),
    "link down": ("", "ip link set vx down"),
    "link up": ("", "ip link set vy up"),
    "mtu": ("", "ip link set vx mtu 1400"),
    "mac": ("", "ip link set vx address 02:00:00:00:00:01"),
    "alias": ("", "ip link set vx alias vxland:lan"),
    "altname added": ("", "ip link property add dev vx altname long-name"),
    "altname removed": (
        "ip link property add dev vx altname long-name",
        "ip link property del dev vx altname long-name",
    ),
    "renamed": ("", "ip link set vy name vz"),
    "moved away": ("", "ip link set vy netns $ELSEWHERE"),
    "remote": ("", "ip link set vx type vxlan id 7 remote 127.0.0.2"),
    "ttl": ("", "ip link set vx type vxlan id 7 ttl 9"),
    "isolated": ("", "bridge link set dev vx isolated on"),
    "no longer isolated": (
        "bridge link set dev vx isolated on",
        "bridge link set dev vx isolated off",
    ),
    "isolated once more": (
        "bridge link set dev vx isolated on",
        "bridge link set dev vx isolated on",
    ),
    "master": ("", "ip link set vy master br0"),
    "nomaster": ("", "ip link set vx nomaster"),
    "address": ("", "ip addr add 10.9.9.1/32 dev br0"),
    "address removed": ("ip addr add 10.9.9.1/32 dev br0", "ip addr del 10.9.9.1/32 dev br0"),
    # On a device that is down, so that no route rings in the address's stead.
    "IPv6 address": ("", "ip addr add fd00::1/128 dev vy"),
    "IPv6 address removed": ("ip addr add fd00::1/128 dev vy", "ip addr del fd00::1/128 dev vy"),
    "route": ("", "ip route add 10.8.0.0/16 dev br0"),
    "route removed": ("ip route add 10.8.0.0/16 dev br0", "ip route del 10.8.0.0/16 dev br0"),
    "IPv6 route": ("", "ip route add fd01::/64 dev lo"),
    "IPv6 route removed": ("ip route add fd01::/64 dev lo", "ip route del fd01::/64 dev lo"),
    "rule": ("", "ip rule add from 10.8.0.1 table 7"),
    "rule removed": ("ip rule add from 10.8.0.1 table 7", "ip rule del from 10.8.0.1 table 7"),
    "IPv6 rule": ("", "ip -6 rule add from fd01::1 table 7"),
    "nexthop": ("", "ip nexthop add id 7 dev br0"),
    "nexthop removed": ("ip nexthop add id 7 dev br0", "ip nexthop del id 7"),
    "default flood entry deleted": ("", "bridge fdb del 00:00:00:00:00:00 dev vx dst 127.0.0.1"),
    "flood entry appended": ("", "bridge fdb append 00:00:00:00:00:00 dev vx dst 127.0.0.2"),
    "flood entry deleted": (
        "bridge fdb append 00:00:00:00:00:00 dev vx dst 127.0.0.2",
        "bridge fdb del 00:00:00:00:00:00 dev vx dst 127.0.0.2",
    ),
    "all flood entries deleted": ("", "bridge fdb del 00:00:00:00:00:00 dev vx"),
    "permanent entry": ("", "bridge fdb add 02:00:00:00:00:99 dev vx dst 127.0.0.1"),
    "static entry": ("", "bridge fdb add 02:00:00:00:00:99 dev vx dst 127.0.0.1 static"),
    "static entry deleted": (
        "bridge fdb add 02:00:00:00:00:99 dev vx dst 127.0.0.1 static",
        "bridge fdb del 02:00:00:00:00:99 dev vx",
    ),
    "entry taught": (
        "",
        "bridge fdb add 02:00:00:00:00:99 dev vx dst 127.0.0.1 dynamic extern_learn",
    ),
    "port's permanent entry": ("", "bridge fdb add 02:00:00:00:00:99 dev va master permanent"),
}


@pytest.mark.parametrize("name", RINGS)
def test_rings(links: LinkEvents[Trigger], name: str) -> None:
    """Every change that may matter rings, and only once it is made."""
    before, change = RINGS[name]
    sh(before)
    settle(links)
    sh(change)
    assert next_drain(links)


TO_PEERS = {
    "default route": "ip route add default dev br0",
    "route to a peer": "ip route add 10.8.1.2/32 dev br0",
    "route to a peer's network": "ip route add 10.8.0.0/17 dev br0",
    "route to a peer's network in a table": "ip route add 10.8.1.0/24 dev br0 table 7",
    "IPv6 default route": "ip -6 route add default dev lo",
    "IPv6 route to a peer's network": "ip route add fd01::/64 dev lo",
}
TO_OTHERS = {
    "route beside a peer's": "ip route add 10.8.2.0/24 dev br0",
    "route to a network that begins alike": "ip route add 10.8.1.128/25 dev br0",
    "IPv6 route": "ip route add fd02::/64 dev lo",
}
PEERS = frozenset(map(ip_address, ("10.8.1.2", "fd01::2")))


@pytest.mark.parametrize("name", TO_PEERS)
def test_routes_to_peers_ring(links: LinkEvents[Trigger], name: str) -> None:
    """Once it is known where the peers are."""
    links.watch(PEERS)
    links.watch(PEERS)
    sh(TO_PEERS[name])
    assert next_drain(links)


@pytest.mark.parametrize("name", TO_OTHERS)
def test_routes_to_others_are_silent(links: LinkEvents[Trigger], name: str) -> None:
    """They are read, and ring nothing; until the peers are others."""
    links.watch(PEERS)
    seen = links.received
    sh(TO_OTHERS[name])
    assert not next_drain(links)
    assert links.received > seen
    links.watch(frozenset(map(ip_address, ("10.8.2.9", "10.8.1.130", "fd02::9"))))
    sh(TO_OTHERS[name].replace(" add ", " del "))
    assert next_drain(links)


def from_the_segment() -> None:
    """A frame of a stranger's enters the bridge by the veth."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as wire:
        wire.bind(("vb", 0))
        wire.send(frame("020000000011"))


def from_a_peer() -> None:
    """A frame of a stranger's comes out of the tunnel."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
        wire.sendto(struct.pack("!II", 0x08000000, 7 << 8) + frame("020000000022"), PEER)


def frame(source: str) -> bytes:
    return b"\xff" * 6 + bytes.fromhex(source) + struct.pack("!H", ETH_P_ARP) + bytes(46)


PEER = ("127.0.0.1", 4789)
LEARNED = "bridge fdb add 02:00:00:00:00:99 dev va master dynamic"
LEARNED_SELF = "bridge fdb add 02:00:00:00:00:99 dev vx dst 127.0.0.1 dynamic"

SILENT: dict[str, tuple[str, Callable[[], object]]] = {
    "learned on a port": ("", from_the_segment),
    "learned on a tunnel": ("", from_a_peer),
    "like one learned on a port": ("", lambda: sh(LEARNED)),
    "forgotten on a port": (LEARNED, lambda: sh("bridge fdb del 02:00:00:00:00:99 dev va master")),
    "moved to another port": (
        LEARNED,
        lambda: sh("bridge fdb replace 02:00:00:00:00:99 dev vx master dynamic"),
    ),
    "like one learned on a tunnel": ("", lambda: sh(LEARNED_SELF)),
    "forgotten on a tunnel": (LEARNED_SELF, lambda: sh("bridge fdb del 02:00:00:00:00:99 dev vx")),
    "neighbour": ("", lambda: sh("ip neigh add 10.9.9.7 lladdr 02:00:00:00:00:07 dev br0")),
    "neighbour removed": (
        "ip neigh add 10.9.9.7 lladdr 02:00:00:00:00:07 dev br0",
        lambda: sh("ip neigh del 10.9.9.7 dev br0"),
    ),
}


@pytest.mark.parametrize("name", SILENT)
def test_silent(links: LinkEvents[Trigger], name: str) -> None:
    """What a busy segment teaches the bridge and the tunnels is read, and rings nothing."""
    before, traffic = SILENT[name]
    sh(before)
    settle(links)
    seen = links.received
    traffic()
    assert not next_drain(links)
    assert links.received > seen


def test_aged(links: LinkEvents[Trigger]) -> None:
    """A learned entry that runs out rings nothing."""
    sh("ip link set br0 type bridge ageing_time 100")
    sh(LEARNED)
    settle(links)
    assert not next_drain(links)


def test_cloned_routes(links: LinkEvents[Trigger]) -> None:
    """A route's copy for one destination, which older kernels announce, doesn't ring."""
    for flags in (0, RTM_F_CLONED):
        body = RTMSG.pack(socket.AF_INET6, 128, 0, 0, 254, 0, 0, 1, flags)
        message = HEADER.pack(HEADER.size + len(body), 24, 0, 0, 0) + body
        assert (flags == 0) == links._matters(24, message)


def test_unknown_messages(links: LinkEvents[Trigger]) -> None:
    """A solicitation to a user-space ARP daemon comes on the same group, and doesn't ring."""
    assert not links._matters(30, HEADER.pack(28, 30, 0, 0, 0) + bytes(12))


def test_quiet(links: LinkEvents[Trigger]) -> None:
    """Draining an empty socket neither blocks nor rings."""
    assert not links.drain()
    assert links.overruns == 0


@pytest.mark.usefixtures("namespace")
def test_overrun() -> None:
    """Messages that were lost ring and are counted; afterwards it works as before."""
    with LinkEvents(Trigger.NETLINK, buffer=1) as events:
        assert events.overruns == 0
        sh("for n in 1 2 3 4 5 6 7 8; do ip link set lo mtu 100$n; done")
        assert next_drain(events)
        assert events.overruns == 1
        assert not events.drain()
        sh("ip link set lo mtu 2000")
        assert next_drain(events)
        assert events.overruns == 1


@pytest.mark.usefixtures("namespace")
def test_lost_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A loss rings by itself, whatever the messages that did come are worth."""
    with LinkEvents(Trigger.NETLINK, buffer=1) as events:
        monkeypatch.setattr(events, "_matters", lambda *_: False)
        sh("for n in 1 2 3 4 5 6 7 8; do ip link set lo mtu 100$n; done")
        assert next_drain(events)
        sh("ip link set lo mtu 2000")
        assert not next_drain(events)


@pytest.mark.usefixtures("namespace")
def test_buffer() -> None:
    """Root's buffer isn't held down by net.core.rmem_max. The kernel doubles what it is given."""
    buffer = int(Path("/proc/sys/net/core/rmem_max").read_text()) + 100_000
    with LinkEvents(Trigger.NETLINK, buffer=buffer) as events:
        actual = events._socket.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
    expected = 2 * buffer
    assert expected == actual


UNPRIVILEGED = """
import socket
from vxland.kernel.events import LinkEvents, RuleEvents
with LinkEvents("links") as events:
    print(events._socket.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) > 100_000)
try:
    RuleEvents("rules")
except PermissionError:
    print("refused")
"""


@pytest.mark.usefixtures("namespace")
def test_unprivileged() -> None:
    """Without CAP_NET_ADMIN links can be listened to with what buffer there is; rules can't."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", UNPRIVILEGED],
        user=NOBODY,
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
    )
    assert not done.stderr
    assert done.stdout.split() == ["True", "refused"]


@pytest.mark.parametrize(
    "change",
    [
        "nft add table bridge mine",
        "ebtables -N MINE",
        "printf '*filter\\n:MINE RETURN\\n' | ebtables-restore --noflush",
    ],
)
def test_rules_ring(rules: RuleEvents[Trigger], change: str) -> None:
    """A change by nft, ebtables or ebtables-restore rings, and so does its removal by anybody."""
    assert not rules.drain()
    sh(change)
    assert next_drain(rules)
    assert not rules.drain()
    sh("nft flush ruleset")
    assert next_drain(rules)


def run_ebtables(*words: str) -> int:
    with subprocess.Popen(["ebtables", *words]) as process:
        return process.pid


@pytest.mark.usefixtures("namespace")
def test_rules_culprit() -> None:
    """Whoever changed rules is named, unless it is a process of the daemon's own."""
    own: list[int] = []
    with RuleEvents(Trigger.RULES, own) as rules:
        assert rules.likely() is None
        own.append(run_ebtables("-N", "ONE"))
        assert next_drain(rules)
        assert rules.likely() is None
        stranger = run_ebtables("-N", "TWO")
        assert next_drain(rules)
        assert rules.likely() == f"ebtables (pid {stranger})"


def add_address(netlink: Netlink, last: int) -> None:
    body = IFADDR.pack(socket.AF_INET, 32, 0, 0, 1)
    body += struct.pack("=HH4B", 8, 2, 10, 9, 9, last)  # IFA_LOCAL
    flags = NLM_F_CREATE | NLM_F_EXCL
    header = HEADER.pack(HEADER.size + len(body), 20, flags, 0, 0)
    assert netlink.request([header + body]) == [None]


def change_mtu(netlink: Netlink, mtu: int) -> None:
    body = struct.pack("=BxHiII", 0, 0, 1, 0, 0) + struct.pack("=HHI", 8, 4, mtu)
    assert netlink.request([HEADER.pack(HEADER.size + len(body), 16, 0, 0, 0) + body]) == [None]


def make_bridge(netlink: Netlink) -> None:
    kind = struct.pack("=HH8s", 4 + 7, 1, b"bridge")  # IFLA_INFO_KIND
    body = bytes(16) + struct.pack("=HH", 4 + len(kind), 18) + kind  # IFLA_LINKINFO
    flags = NLM_F_CREATE | NLM_F_EXCL | NLM_F_ECHO
    assert netlink.request([HEADER.pack(HEADER.size + len(body), 16, flags, 0, 0) + body]) == [None]


def this_process() -> str:
    return f"{Path('/proc/self/comm').read_text().strip()} (pid {os.getpid()})"


@pytest.mark.parametrize("change", [lambda netlink: add_address(netlink, 1), make_bridge])
@pytest.mark.usefixtures("namespace")
def test_link_culprit(change: Callable[[Netlink], None]) -> None:
    """Who changed an address, or made a link with an echo, is named as far as the kernel does."""
    with Netlink() as netlink, LinkEvents(Trigger.NETLINK) as events:
        assert os.getpid() == netlink.port_id
        change(netlink)
        assert next_drain(events)
        assert this_process() == events.likely()


@pytest.mark.usefixtures("namespace")
def test_link_culprit_with_many_sockets() -> None:
    """Libnl's and pyroute2's port ids hold the pid; one that was drawn by lot says nothing."""
    with LinkEvents(Trigger.NETLINK) as events:
        for port in (1 << 31 | os.getpid(), 0, (1 << 22) - 1):
            events._suspect(port)
        assert events.likely() is None
        events._suspect(5 << 22 | os.getpid())
        assert this_process() == events.likely()


@pytest.mark.usefixtures("namespace")
def test_no_culprit() -> None:
    """The kernel itself and the daemon's own sockets are never suspected; their changes ring."""
    with Netlink() as netlink, LinkEvents(Trigger.NETLINK, {netlink.port_id}) as events:
        add_address(netlink, 1)
        assert next_drain(events)
        change_mtu(netlink, 1500)
        assert next_drain(events)
        assert events.likely() is None


def test_suspects() -> None:
    """The most frequent one of late is likely, by the number of its last run."""
    suspects = Suspects()
    for pid, now in enumerate((100.0, 101.0, 102.0), start=1):
        suspects.note("ebtables", pid, now)
    suspects.note("nft", 9, 103.0)
    assert suspects.likely(105.0) == "ebtables (pid 3)"
    assert suspects.likely(112.5) == "nft (pid 9)"
    assert suspects.likely(113.5) is None
    assert suspects.likely(113.5, within=11.0) == "nft (pid 9)"


def test_suspects_tie() -> None:
    """Of two that did as much, it is the later one."""
    suspects = Suspects()
    suspects.note("one", 1, 0.0)
    suspects.note("two", 2, 1.0)
    assert suspects.likely(2.0) == "two (pid 2)"


def test_suspects_memory() -> None:
    """The memory is bounded, and what a process calls itself can't break a line of the journal."""
    suspects = Suspects()
    for pid in range(10 * MEMORY):
        suspects.note(f"a\nb{pid % 2}\x1b", pid, 0.0)
    assert suspects.likely(0.0) == f"a?b1? (pid {10 * MEMORY - 1})"
    assert len(suspects._changes) == MEMORY


def test_at_the_doorbell(links: LinkEvents[Trigger], rules: RuleEvents[Trigger]) -> None:
    """Both sources wake the one who waits; what was learned meanwhile doesn't."""
    with Doorbell() as doorbell:
        doorbell.add(links)
        doorbell.add(rules)
        sh(LEARNED)
        assert frozenset() == doorbell.wait(0)
        later = threading.Thread(target=sh, args=("ip link set vx mtu 1400",))
        later.start()
        assert {Trigger.NETLINK} == doorbell.wait(PATIENCE)
        later.join()
        sh("ip link set vx mtu 1401; nft add table bridge mine")
        assert {Trigger.NETLINK, Trigger.RULES} == doorbell.wait(PATIENCE)
