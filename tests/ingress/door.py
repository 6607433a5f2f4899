"""What stands before an overlay: who knocks, and who is heard inside."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from ipaddress import IPv6Address
from pathlib import Path

from tests.ingress.forgery import PORT, Packet
from tests.lab import Container, Listener, Namespace, Server, Site, eventually
from tests.lab.site import HEAD, config
from vxland.identity import INGRESS_TABLE, pair_vni
from vxland.kernel.ingress import Ingress
from vxland.kernel.ingress_drops import read_dropped
from vxland.observed import Element, TableState
from vxland.operations import MakeIngress
from vxland.tables.ingress import in_order

STRANGER = 66
TIMES = 5
CROWD = {
    Element(name, PORT, None if name == "senders6" else 99, IPv6Address((0xFD << 120) + number))
    for name in ("peers6", "senders6", "ways6")
    for number in range(3000)
}
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

    def beside_another(self, keys: str, port: int) -> str:
        """The first and the third in this overlay, and all of them in another one of this port."""
        other = f'\n[[overlay]]\nname = "dmz"\nbridge = "vxdmz"\nport = {port}\n'
        peers = self.file(keys + other).replace(
            "[[peer]]\n", '[[peer]]\noverlays = ["lan", "dmz"]\n'
        )
        return peers.replace('"lan", "dmz"]\nname = "lxd2"', '"dmz"]\nname = "lxd2"')

    @property
    def version(self) -> int:
        """Of IP."""
        return 4 if "." in self.address else 6

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
            seen = read_dropped()
        assert seen is not None
        return sum(seen.values())

    def made_anew(self) -> None:
        """The filter's table, with many more peers, so that it takes a while; without a daemon."""
        with self.server.entered(), closing(Ingress()) as ingress:
            state = ingress.read()
            assert isinstance(state, TableState)
            assert state.table is not None
            made = MakeIngress(
                "", INGRESS_TABLE, in_order(state.table.elements | CROWD), replaces=True
            )
            assert [ingress.write(made) for _ in range(TIMES)] == [None] * TIMES

    def opens_for(self, packet: Packet, sender: Namespace | None = None) -> None:
        """Knock until it is heard inside."""
        self.hears(lambda: self.knock(packet, sender), str(packet))

    def hears(self, knocked: Callable[[], int], what: str) -> None:
        """Have it sent until it is heard inside."""
        flows: list[int] = []

        def heard() -> bool:
            flows.append(knocked())
            return any(map(self.listener.arrived, flows))

        eventually(heard, f"{what} is heard", pause=0.1)

    def refuses(self, knocked: Callable[[], int], what: str) -> list[int]:
        """Have it sent until something is dropped; returns the flows' numbers."""
        before, flows = self.dropped(), list[int]()

        def refused() -> bool:
            flows.append(knocked())
            return self.dropped() > before

        eventually(refused, f"{what} is dropped", pause=0.1)
        return flows

    def stays_shut_for(
        self, *packets: Packet, sender: Namespace | None = None, proof: Packet | None = None
    ) -> None:
        """Knock until each was seen to be dropped, and the second server's proof is heard after."""
        flows: dict[int, Packet] = {}
        for packet in packets:
            knocks = self.refuses(partial(self.knock, packet, sender), str(packet))
            flows |= dict.fromkeys(knocks, packet)
        self.unheard(flows, proof)

    def unheard(self, flows: Mapping[int, Packet], proof: Packet | None = None) -> None:
        """None of these came in, as the second server's proof shows that came after."""
        self.opens_for(proof or self.packet(2, WITH_IT), self.site.servers[1])
        came = {packet for flow, packet in flows.items() if self.listener.arrived(flow)}
        assert not came, f"{came} came through"


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
