"""What would meet on a node: two tunnels with one VNI, or with one device name."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from vxland import identity, peers
from vxland.addresses import IPAddress
from vxland.config.document import Document, Item
from vxland.config.errors import ConfigError
from vxland.config.overlay_table import VNI_SCHEMES, OverlayTable
from vxland.config.rules.limits import BRIDGE_PORTS
from vxland.config.rules.membership import active
from vxland.config.wording import quoted
from vxland.model import VniKey
from vxland.settings import OverlaySettings, VniScheme
from vxland.vni import Numbered, numbered


@dataclass(frozen=True, slots=True)
class _Mesh:
    """An overlay with what its VNIs are computed from."""

    item: Item[OverlayTable]
    settings: OverlaySettings
    nodes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Tunnel:
    """A tunnel of a node."""

    mesh: _Mesh
    node: str
    number: Numbered

    @property
    def pair(self) -> tuple[str, frozenset[str]]:
        return self.mesh.item.name, frozenset((self.node, self.number.peer))

    @property
    def explicit(self) -> bool:
        return self.pair[1] in dict(self.mesh.settings.vnis)

    @property
    def movable(self) -> bool:
        """Whether it is better given another VNI than the other one: a position is no choice."""
        return self.explicit or self.mesh.settings.vni is VniScheme.PAIR


@dataclass(slots=True)
class _Findings:
    """What was met so far, on all nodes."""

    used: set[int] = field(default_factory=set)
    vnis: dict[frozenset[tuple[str, frozenset[str]]], tuple[_Tunnel, _Tunnel]] = field(
        default_factory=dict
    )
    devices: dict[frozenset[tuple[str, str]], tuple[_Tunnel, _Tunnel]] = field(default_factory=dict)


def collisions(document: Document) -> Iterator[ConfigError]:
    """Every node's tunnels have VNIs and device names of their own.

    The kernel tells VXLAN devices apart by VNI, port and address family.
    """
    meshes = _meshes(document)
    if not document.whole or any(len(mesh.nodes) > BRIDGE_PORTS + 1 for mesh in meshes):
        return
    known = ((item.name, peers.lookup(item.table.address)) for item in document.peers)
    addresses = {name: address for name, address in known if address is not None}
    findings = _Findings()
    for node in dict.fromkeys(node for mesh in meshes for node in mesh.nodes):
        _meet(node, meshes, addresses, findings)
    yield from _vni_errors(findings)
    yield from _device_errors(findings)


def _meshes(document: Document) -> list[_Mesh]:
    once = {item.name: item for item in reversed(document.overlays)}  # twice is said elsewhere
    return [
        _Mesh(
            item,
            OverlaySettings(
                item.name,
                item.table.bridge,
                vni=VNI_SCHEMES[item.table.vni],
                port=item.table.port,
                vnis=explicit(item.table),
            ),
            tuple(active(document, item.name)),
        )
        for item in reversed(once.values())
    ]


def explicit(table: OverlayTable) -> tuple[tuple[frozenset[str], int], ...]:
    """The explicit VNIs by pair."""
    return tuple((frozenset(pair.split()), vni) for pair, vni in table.vnis.items())


def _meet(
    node: str, meshes: list[_Mesh], addresses: Mapping[str, IPAddress], findings: _Findings
) -> None:
    keys: dict[VniKey, _Tunnel] = {}
    devices: dict[str, _Tunnel] = {}
    for mesh in meshes:
        if node not in mesh.nodes:
            continue
        remotes = [peer for peer in mesh.nodes if peer != node]
        for number in numbered(mesh.settings, node, remotes):
            if number.peer not in addresses:  # it keeps its position, but has no tunnel
                continue
            tunnel = _Tunnel(mesh, node, number)
            findings.used.add(number.vni)
            key = VniKey(number.vni, mesh.settings.port, addresses[number.peer].version)
            other = keys.setdefault(key, tunnel)
            if other is not tunnel:
                findings.vnis.setdefault(frozenset((other.pair, tunnel.pair)), (other, tunnel))
            other = devices.setdefault(number.device, tunnel)
            if other is not tunnel:
                ends = ((t.mesh.item.name, t.number.peer) for t in (other, tunnel))
                findings.devices.setdefault(frozenset(ends), (other, tunnel))


def _vni_errors(findings: _Findings) -> Iterator[ConfigError]:
    moved: dict[tuple[str, frozenset[str]], int] = {}
    for tunnels in findings.vnis.values():
        one, other = tunnels
        if (one.explicit and other.explicit and one.mesh is other.mesh) or not any(
            tunnel.movable for tunnel in tunnels
        ):
            continue  # said elsewhere: of two lines of a table, of two overlays by index
        again = (tunnel for tunnel in tunnels if tunnel.pair in moved)
        target = next(again, other if other.movable else one)
        if target.pair not in moved:
            moved[target.pair] = _free(target.number.vni, findings.used)
        verb = "Change this line" if target.explicit else "Add this line"
        line = f"{_pair(target)} = {moved[target.pair]}"
        yield target.mesh.item.place.at("vnis").error(
            f"{_owner(one)} and {_owner(other)} have the same VNI {one.number.vni} on {one.node}",
            f"{verb} in [overlay.vnis] of overlay {quoted(target.mesh.item.name)}: {line}",
        )


def _free(start: int, used: set[int]) -> int:
    """The next VNI that no tunnel of any node has; it is used from now on."""
    vni = start
    while vni in used:
        vni = vni % (identity.VNI_LIMIT - 1) + 1
    used.add(vni)
    return vni


def _pair(tunnel: _Tunnel) -> str:
    return quoted(" ".join(sorted(tunnel.pair[1])))


def _owner(tunnel: _Tunnel) -> str:
    return f"pair {_pair(tunnel)} of overlay {quoted(tunnel.mesh.item.name)}"


def _device_errors(findings: _Findings) -> Iterator[ConfigError]:
    for one, other in findings.devices.values():
        if one.mesh.settings.vni is VniScheme.INDEX is other.mesh.settings.vni:
            continue  # two overlays by index: said elsewhere
        yield other.mesh.item.place.error(
            f"{_owner(one)} and {_owner(other)} have the same device name"
            f" {quoted(one.number.device)} on {one.node}",
            "Rename one of the peers, or one of the overlays where there are two",
        )
