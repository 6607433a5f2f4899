"""A stranger on the underlay, who knocks at every node all the time (docs/security.md)."""

import contextlib
import itertools
import socket
import time
from collections.abc import Iterator, Mapping

from tests.chaos.node import NODES, Node
from tests.ingress.forgery import UDP_SEGMENT, Packet
from tests.lab import Namespace, Server, Site
from tests.lab.frames import _flows
from tests.lab.site import ADDRESS
from tests.lab.worker import Worker
from tests.loops.watch import Watch
from vxland.identity import pair_vni
from vxland.kernel.ingress_drops import read_dropped

STRANGER = ADDRESS.format(66)
FOREIGN = 99  # a VNI of nobody's
PAUSE = 0.02  # seconds between two nodes: others are at work


class Stranger:
    """The namespace, while it is entered."""

    def __init__(self, site: Site) -> None:
        self.namespace = Namespace("chaos-stranger")
        path = self.namespace.path
        site.underlay.sh(f"ip link add px type veth peer name eth0 netns {path}")
        site.underlay.sh("ip link set px master br0 up")
        self.namespace.sh(f"ip addr add {STRANGER}/24 dev eth0; ip link set eth0 up")
        self.namespace.await_carrier("eth0")

    def knocking(self) -> "Knocking":
        """Packets from now on, of flows that nothing had before."""
        return Knocking(self.namespace)


class Knocking(Worker):
    """To each node, one after another: with each of its VNIs, from nobody's and another peer's."""

    def __init__(self, namespace: Namespace) -> None:
        self.flows = {node: next(_flows) for node in NODES}
        self.sent = 0
        self._packets = {node: [*_forged(node)] for node in NODES}
        with namespace.entered():
            self._raw = next(iter(self._packets.values()))[0].opened()
            self._plain = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        super().__init__()

    def came_in(self, watch: Watch) -> Mapping[Node, int]:
        """How many guests got, by whose door it was."""
        listeners = watch.listeners.values()
        return {
            node: sum(listener.arrived(flow) for listener in listeners)
            for node, flow in self.flows.items()
        }

    def _work(self) -> None:
        for node in itertools.cycle(NODES):
            if self.ended.is_set():
                return
            with contextlib.suppress(OSError):  # it is down, or the machine is behind
                self._knock(node)
            time.sleep(PAUSE)

    def _knock(self, node: Node) -> None:
        flow, packets = self.flows[node], self._packets[node]
        for packet in packets:
            for piece in packet.made(flow):
                self._raw.sendto(piece, (packet.target, 0))
                self.sent += 1
        if node.exclusive:  # what is cut behind the filter, which saw another VNI
            pieces = [packet.datagram(flow) for packet in (_packet(node, FOREIGN), packets[0])]
            self._plain.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, len(pieces[0]))
            self._plain.sendto(b"".join(pieces), (packets[0].target, packets[0].port))
            self.sent += 1

    def _close(self) -> None:
        self._raw.close()
        self._plain.close()


def _forged(node: Node) -> Iterator[Packet]:
    for peer in node.peers:
        vni = pair_vni("lan", f"lxd{node.number}", f"lxd{peer}")
        another = next(number for number in node.peers if number != peer)
        yield _packet(node, vni)
        yield _packet(node, vni, ADDRESS.format(another))


def _packet(node: Node, vni: int, source: str = STRANGER) -> Packet:
    return Packet(source, ADDRESS.format(node.number), vni)


def kept_out(server: Server) -> int:
    """Packets that its filter dropped, since it was written."""
    with server.entered():
        return sum((read_dropped() or {}).values())
