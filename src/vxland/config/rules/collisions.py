"""What would meet on a node: two tunnels with one VNI, or with one device name."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from vxland import identity, peers
from vxland.config.document import Document, Item
from vxland.config.errors import ConfigError
from vxland.config.overlay_table import VNI_SCHEMES, OverlayTable
from vxland.config.rules.limits import BRIDGE_PORTS
from vxland.config.rules.membership import active
from vxland.config.wording import quoted
from vxland.settings import OverlaySettings, VniScheme
from vxland.vni import Numbered, numbered

_Pair = tuple[str, frozenset[str]]
_Remote = tuple[str, str]


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
    def pair(self) -> _Pair:
        """The overlay and both ends: the same on either end."""
        return self.mesh.item.name, frozenset((self.node, self.number.peer))

    @property
    def remote(self) -> _Remote:
        """The overlay and the other end: what the device's name is made of."""
        return self.mesh.item.name, self.number.peer

    @property
    def explicit(self) -> bool:
        """Whether the file gives it its VNI."""
        return any(pair == self.pair[1] for pair, _ in self.mesh.settings.vnis)

    @property
    def movable(self) -> bool:
        """Whether it can be given another VNI: a position is no choice."""
        return self.mesh.settings.vni is VniScheme.PAIR or self.explicit


@dataclass(slots=True)
class _Findings:
    """What was met so far, on all nodes: the tunnel that may stay, and the one that can't."""

    used: set[int]  # by any tunnel of any node, or written for a pair that has none now
    vnis: dict[_Pair, tuple[_Tunnel, _Tunnel]] = field(default_factory=dict)  # by the other's pair
    devices: dict[frozenset[_Remote], tuple[_Tunnel, _Tunnel]] = field(default_factory=dict)


def collisions(document: Document) -> Iterator[ConfigError]:
    """Every node's tunnels have VNIs and device names of their own.

    The kernel tells VXLAN devices apart by VNI, port and address family.
    """
    meshes = _meshes(document)
    if not document.whole or any(len(mesh.nodes) > BRIDGE_PORTS + 1 for mesh in meshes):
        return
    families = {item.name: peers.families(item.table.address) for item in document.peers}
    findings = _Findings({vni for mesh in meshes for _, vni in mesh.settings.vnis})
    for node in dict.fromkeys(node for mesh in meshes for node in mesh.nodes):
        _meet(node, meshes, families, findings)
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
    node: str, meshes: list[_Mesh], families: Mapping[str, frozenset[int]], findings: _Findings
) -> None:
    crowds: dict[tuple[int, int, int], list[_Tunnel]] = {}  # by VNI, port, family: as the kernel
    devices: dict[str, _Tunnel] = {}
    for mesh in meshes:
        if node not in mesh.nodes:
            continue
        remotes = [peer for peer in mesh.nodes if peer != node]
        for number in numbered(mesh.settings, node, remotes):
            if not families.get(number.peer):  # it keeps its position, but has no tunnel
                continue
            tunnel = _Tunnel(mesh, node, number)
            findings.used.add(number.vni)
            for family in sorted(families[number.peer] & families.get(node, families[number.peer])):
                key = number.vni, mesh.settings.port, family
                crowds.setdefault(key, []).append(tunnel)
            other = devices.setdefault(number.device, tunnel)
            if other is not tunnel:
                findings.devices.setdefault(
                    frozenset((other.remote, tunnel.remote)), (other, tunnel)
                )
    for tunnels in crowds.values():
        stays = next((tunnel for tunnel in tunnels if not tunnel.movable), tunnels[0])
        for tunnel in tunnels:
            if tunnel is not stays and tunnel.movable and not _are_lines(stays, tunnel):
                findings.vnis.setdefault(tunnel.pair, (stays, tunnel))


def _are_lines(one: _Tunnel, other: _Tunnel) -> bool:
    """Whether these are two lines of one [overlay.vnis]: that is said elsewhere."""
    return one.mesh is other.mesh and one.explicit and other.explicit


def _vni_errors(findings: _Findings) -> Iterator[ConfigError]:
    for stays, tunnel in findings.vnis.values():
        overlay = tunnel.mesh.item
        verb = "Change this line" if tunnel.explicit else "Add this line"
        vni = tunnel.number.vni
        yield overlay.place.at("vnis").error(
            f"{_owner(stays)} and {_owner(tunnel)} have the same VNI {vni} on {tunnel.node}",
            f"{verb} in [overlay.vnis] of overlay {quoted(overlay.name)}:"
            f" {_written(tunnel)} = {_free(vni, findings.used)}",
        )


def _free(start: int, used: set[int]) -> int:
    """The next VNI that no tunnel of any node has; it is used from now on."""
    vni = start
    while vni in used:
        vni = vni % (identity.VNI_LIMIT - 1) + 1
    used.add(vni)
    return vni


def _written(tunnel: _Tunnel) -> str:
    return quoted(" ".join(sorted(tunnel.pair[1])))


def _owner(tunnel: _Tunnel) -> str:
    return f"pair {_written(tunnel)} of overlay {quoted(tunnel.mesh.item.name)}"


def _device_errors(findings: _Findings) -> Iterator[ConfigError]:
    for one, other in findings.devices.values():
        if one.mesh.settings.vni is VniScheme.INDEX is other.mesh.settings.vni:
            continue  # two overlays by index: said elsewhere
        yield other.mesh.item.place.error(
            f"{_owner(one)} and {_owner(other)} have the same device name"
            f" {quoted(one.number.device)} on {one.node}",
            "Rename one of the peers, or one of the overlays where there are two",
        )
