"""What stands before an overlay: who knocks, and who is heard inside."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.ingress.forgery import Packet
from tests.lab import Container, Listener, Namespace, Server, Site, eventually
from tests.lab.site import HEAD, config
from vxland.identity import pair_vni
from vxland.kernel.ingress_drops import read_dropped

STRANGER = 66
WITH_IT, BESIDE = pair_vni("lan", "lxd1", "lxd2"), pair_vni("lan", "lxd1", "lxd3")


@dataclass(frozen=True)
class Door:
    """The first server's, at which the others and a stranger knock."""

    site: Site
    stranger: Namespace
    address: str  # by number
    guest: Container
    listener: Listener

    @property
    def server(self) -> Server:
        """Whose door it is."""
        return self.site.servers[0]

    def file(self, extra: str = "", peers: tuple[int, ...] = (1, 2, 3)) -> str:
        """The configuration of all three."""
        return config(peers, HEAD + extra, self.address)

    def packet(self, source: int, vni: int, pieces: int = 0) -> Packet:
        """A packet to the first server that has this one's address for its source."""
        return Packet(self.address.format(source), self.address.format(1), vni, pieces)

    def knock(self, packet: Packet, sender: Namespace | None = None) -> int:
        """Somebody sends it, the stranger if nobody else is named; returns the flow's number."""
        with (sender or self.stranger).entered():
            return packet.sent()

    def dropped(self) -> int:
        """How many packets were kept out up to now."""
        with self.server.entered():
            return sum(read_dropped().values())

    def opens_for(self, packet: Packet, sender: Namespace | None = None) -> None:
        """Knock until it is heard inside."""
        flows: list[int] = []

        def heard() -> bool:
            flows.append(self.knock(packet, sender))
            return any(map(self.listener.arrived, flows))

        eventually(heard, f"{packet} is heard", pause=0.1)

    def stays_shut_for(
        self, packet: Packet, sender: Namespace | None = None, known: int = WITH_IT
    ) -> None:
        """Knock until it was seen to be dropped, and a peer is heard after it, by a known VNI."""
        before, flows = self.dropped(), []

        def refused() -> bool:
            flows.append(self.knock(packet, sender))
            return self.dropped() > before

        eventually(refused, f"{packet} is dropped", pause=0.1)
        self.opens_for(self.packet(2, known), self.site.servers[1])
        assert not any(map(self.listener.arrived, flows)), f"{packet} came through"


@contextlib.contextmanager
def doors(folder: Path, address: str) -> Iterator[Door]:
    """Servers with their daemons in sync."""
    length = 24 if "." in address else 64
    with Site(folder, addresses=(f"{address}/{length}",)) as site:
        stranger = Namespace("stranger")
        site.underlay.sh(f"ip link add px type veth peer name eth0 netns {stranger.path}")
        site.underlay.sh("ip link set px master br0 up")
        plain = f"{address.format(STRANGER)}/{length} dev eth0"
        stranger.sh(f"ip addr add {plain} {'nodad' if ':' in address else ''}")
        stranger.sh("ip link set eth0 up")
        stranger.await_carrier("eth0")
        site.start(config((1, 2, 3), HEAD, address))
        (guest, *_) = site.attach_containers()
        with Listener(guest) as listener:
            yield Door(site, stranger, address, guest, listener)
        stranger.delete()
