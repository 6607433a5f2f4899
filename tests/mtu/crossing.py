"""Two servers with a guest each, and two routers between them whose link may be narrow."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tests.lab import Namespace, Server, eventually
from tests.mtu import sending

SERVERS = {4: ("192.0.2.1", "203.0.113.1"), 6: ("2001:db8:1::1", "2001:db8:3::1")}
GUESTS = {4: ("10.10.10.1", "10.10.10.2"), 6: ("fd00:10::1", "fd00:10::2")}
PIECES = "in pieces"
SETTING = (
    "sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0"
    " net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0"
)
# The routers' own firewall, as of those that let no ICMP out.
SILENT = """\
nft add table inet silence
nft add chain inet silence output '{ type filter hook output priority 0; }'
nft add rule inet silence output icmp type destination-unreachable drop
nft add rule inet silence output icmpv6 type packet-too-big drop
"""
CONFIG = """\
[[overlay]]
name = "lan"
bridge = "vxbr0"
guard = ["isolated"]
"""


@dataclass(frozen=True, slots=True)
class Way:
    """Who sends, and what lies between."""

    mtu: int | None = None  # of the overlay; None: "auto"
    df: str = "unset"
    guest: int = 1450  # both guests' MTU
    family: int = 4  # of the underlay
    path: int = 1500  # the MTU between the routers, which the servers don't see
    silent: bool = False  # the routers tell nobody that a packet was too large
    offloads: bool = False


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of what the guest sends in packets of its MTU."""

    tcp: str
    udp: str  # over IPv4, and may be fragmented
    whole: str  # UDP that mustn't be; over IPv6 nothing may be, on its way


class Crossing:
    """lxd1 with the guest web, lxd2 with the guest db."""

    def __init__(self, folder: Path) -> None:
        self.servers = [Server(f"lxd{n}", folder / f"lxd{n}") for n in (1, 2)]
        self.routers = [Namespace(f"router{n}") for n in (1, 2)]
        self.guests = Namespace("web"), Namespace("db")
        self._way = Way(family=0)
        self._automatic = 0
        for namespace in self._all:
            namespace.sh(SETTING)
        self._lay_underlay()
        for number, (server, guest) in enumerate(zip(self.servers, self.guests, strict=True)):
            # br_netfilter fragments what is bridged over IPv4: not every server has it.
            server.sh("sysctl -qw net.bridge.bridge-nf-call-iptables=0 || true")
            _wire(server, "guest", guest, "eth0")
            for addresses in GUESTS.values():
                _address(guest, "eth0", addresses[number])

    @property
    def _all(self) -> list[Namespace]:
        return [*self.servers, *self.routers, *self.guests]

    def _lay_underlay(self) -> None:
        (lxd1, lxd2), (one, two) = self.servers, self.routers
        for router in self.routers:
            router.sh("sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1")
        _wire(lxd1, "eth0", one, "server")
        _wire(one, "wan", two, "wan")
        _wire(two, "server", lxd2, "eth0")
        for server, router, v4, v6 in (
            (lxd1, one, "192.0.2.{}", "2001:db8:1::{}"),
            (lxd2, two, "203.0.113.{}", "2001:db8:3::{}"),
        ):
            for address in (v4, v6):
                _address(server, "eth0", address.format(1))
                _address(router, "server", address.format(9))
                server.sh(f"ip route add default via {address.format(9)}")
        for router, own, far, net4, net6 in (
            (one, 1, 2, "203.0.113.0/24", "2001:db8:3::/64"),
            (two, 2, 1, "192.0.2.0/24", "2001:db8:1::/64"),
        ):
            _address(router, "wan", f"198.51.100.{own}")
            _address(router, "wan", f"2001:db8:2::{own}")
            router.sh(f"ip route add {net4} via 198.51.100.{far}")
            router.sh(f"ip route add {net6} via 2001:db8:2::{far}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for namespace in self._all:
            namespace.delete()

    def lay(self, way: Way) -> None:
        """Make it so, and have nobody remember what was before."""
        before, self._way = self._way, way
        if before.family != way.family:
            self._apply(way.family)
        if (before.mtu, before.df) != (way.mtu, way.df) or before.family != way.family:
            self._set_tunnels(way)
        if (before.guest, before.offloads) != (way.guest, way.offloads):
            self._prepare_guests(way)
        for router in self.routers:
            router.sh(f"ip link set wan mtu {way.path}; nft flush ruleset")
            router.sh(SILENT if way.silent else "true")
        for namespace in self._all:
            namespace.sh("ip route flush cache; ip -6 route flush cache; ip tcp_metrics flush")
        for address in (addresses[1] for addresses in GUESTS.values()):
            ping = ["ping", "-c1", "-W1", "-n", address]
            eventually(
                lambda ping=ping: self.guests[0].run(ping, check=False).returncode == 0,  # type: ignore[misc]
                f"{address} answers: {way}",
            )

    def _apply(self, family: int) -> None:
        config = CONFIG
        for name, address in zip(("lxd1", "lxd2"), SERVERS[family], strict=True):
            config += f'\n[[peer]]\nname = "{name}"\naddress = "{address}"\n'
        for server, device in self._tunnels():
            server.write(config)
            server.vxland("apply", check=True)
            server.sh("ip link set guest master vxbr0")
            link = server.link(device)
            assert link
            self._automatic = int(link["mtu"])

    def _set_tunnels(self, way: Way) -> None:
        """As vxland does it, which would take a second to start each time."""
        mtu = way.mtu or self._automatic
        for server, device in self._tunnels():
            server.sh(f"ip link set {device} mtu {mtu}; ip link set vxbr0 mtu {mtu}")
            server.sh(f"ip link set {device} type vxlan df {way.df}")

    def _tunnels(self) -> Iterator[tuple[Server, str]]:
        return zip(self.servers, ("vxl-lan-lxd2", "vxl-lan-lxd1"), strict=True)

    def _prepare_guests(self, way: Way) -> None:
        switch = "on" if way.offloads else "off"
        words = f"tx {switch} tso {switch} gso {switch} gro {switch}"
        for guest, server in zip(self.guests, self.servers, strict=True):
            for namespace, device in ((guest, "eth0"), (server, "guest"), (server, "eth0")):
                namespace.sh(f"ethtool -K {device} {words}")
            for namespace, device in ((guest, "eth0"), (server, "guest")):
                namespace.sh(f"ip link set {device} mtu {way.guest}")

    def fate(self, expected: Fate | None = None) -> Fate:
        """Send, and see what becomes of it. What is expected to be lost is waited for less long."""
        awaited = expected or Fate(sending.LOST, sending.LOST, sending.LOST)
        return Fate(self._tcp(awaited.tcp), self._udp(awaited.udp), self._whole(awaited.whole))

    def _tcp(self, awaited: str) -> str:
        before = self._pieces()
        for addresses in GUESTS.values():
            fate = sending.tcp(self.guests, addresses[1], _patience(awaited))
            if fate != sending.ARRIVES:
                return fate
        return self._or_in_pieces(before)

    def _udp(self, awaited: str) -> str:
        self._forget()
        before = self._pieces()
        fate = sending.udp(
            self.guests, GUESTS[4][1], self._way.guest, _patience(awaited), whole=False
        )
        return self._or_in_pieces(before) if fate == sending.ARRIVES else fate

    def _whole(self, awaited: str) -> str:
        before = self._pieces()
        fates = {
            sending.udp(self.guests, addresses[1], self._way.guest, _patience(awaited), whole=True)
            for addresses in GUESTS.values()
        }
        (fate,) = fates  # the same in both families
        return self._or_in_pieces(before) if fate == sending.ARRIVES else fate

    def _forget(self) -> None:
        for guest in self.guests:  # else it would fragment by itself what it was told in TCP
            guest.sh("ip route flush cache; ip -6 route flush cache")

    def _or_in_pieces(self, before: int) -> str:
        return PIECES if self._pieces() > before else sending.ARRIVES

    def _pieces(self) -> int:
        """How many fragments servers and routers have made so far."""
        made = 0
        for namespace in (*self.servers, *self.routers):
            names, values = namespace.sh("grep ^Ip: /proc/net/snmp").splitlines()
            made += int(dict(zip(names.split(), values.split(), strict=True))["FragCreates"])
        return made


def _patience(awaited: str) -> float:
    """Seconds: long for what is to come, since machines are slow."""
    return 0.7 if awaited == sending.LOST else 20.0


def _wire(one: Namespace, end: str, other: Namespace, far: str) -> None:
    one.sh(f"ip link add {end} type veth peer name {far} netns {other.path}")
    one.sh(f"ip link set {end} up")
    other.sh(f"ip link set {far} up")


def _address(namespace: Namespace, device: str, address: str) -> None:
    length = 64 if ":" in address else 24
    namespace.sh(f"ip addr add {address}/{length} dev {device}")
