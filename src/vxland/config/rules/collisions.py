"""What would meet on a node: two tunnels with one VNI, or with one device name."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import cast

from vxland import identity, peers
from vxland.addresses import zone
from vxland.config.document import Document, Item
from vxland.config.errors import ConfigError
from vxland.config.overlay_table import VNI_SCHEMES, OverlayTable
from vxland.config.rules.limits import BRIDGE_PORTS, tunnel_count
from vxland.config.rules.membership import active
from vxland.config.wording import quoted
from vxland.model import VniKey
from vxland.settings import SHARED, OverlaySettings, VniScheme
from vxland.vni import Numbered, numbered

_Pair = tuple[str, frozenset[str]]
_Remote = tuple[str, str]


@dataclass(frozen=True, slots=True)
class _Mesh:
    """An overlay with what its VNIs are computed from."""

    item: Item[OverlayTable]
    settings: OverlaySettings
    nodes: Mapping[str, frozenset[int]]  # and which families each may have
    families: frozenset[int]  # that any of them may have
    own: Mapping[str, frozenset[int]]  # by a node's entry; without one it has what its peers have
    zones: Mapping[str, str | None]  # the interfaces that the way to a link-local node is on

    @property
    def shared(self) -> bool:
        """Whether it has one device for all."""
        return self.settings.mode == SHARED

    def numbers(self, node: str) -> Iterator[tuple[Numbered, tuple[VniKey, ...]]]:
        """A node's devices, and what each may be for the kernel; a peer without family has none."""
        if self.shared:
            for family in sorted(self.families if len(self.nodes) > 1 else ()):
                device = identity.shared_device(self.item.name, family)
                vni = cast("int", self.settings.vni)
                key = VniKey(vni, self.settings.port, family)
                yield Numbered(identity.SHARED[family], vni, device), (key,)
            return
        for number in numbered(self.settings, node, [n for n in self.nodes if n != node]):
            if families := self.nodes[number.peer]:
                families &= self.own.get(node) or families
                zone, port = self.zones.get(number.peer), self.settings.port
                keys = (VniKey(number.vni, port, family, zone) for family in sorted(families))
                yield number, tuple(keys)


@dataclass(frozen=True, slots=True)
class _Tunnel:
    """A tunnel of a node."""

    mesh: _Mesh
    node: str
    number: Numbered

    @property
    def pair(self) -> _Pair:
        """The overlay and both ends: the same on either end."""
        ends = (self.number.peer,) if self.mesh.shared else (self.node, self.number.peer)
        return self.mesh.item.name, frozenset(ends)

    @property
    def remote(self) -> _Remote:
        """The overlay and the other end: what the device's name is made of."""
        return self.mesh.item.name, self.number.peer

    @property
    def explicit(self) -> bool:
        """Whether the file gives it its VNI."""
        return self.number.explicit

    @property
    def moves(self) -> int:
        """How easily it can be given another VNI: a position is no choice, a pair's is one line."""
        if self.mesh.shared:
            return 1
        return 2 if self.number.scheme is VniScheme.PAIR or self.explicit else 0


@dataclass(slots=True)
class _Findings:
    """What was met so far, on all nodes: the tunnel that may stay, and the one that can't."""

    used: set[int]  # by any tunnel of any node, or written for a pair that has none now
    vnis: dict[_Pair, tuple[_Tunnel, _Tunnel]] = field(default_factory=dict)  # by the other's pair
    devices: dict[frozenset[_Remote], tuple[_Tunnel, _Tunnel]] = field(default_factory=dict)


def collisions(document: Document) -> Iterator[ConfigError]:
    """Every node's tunnels have VNIs and device names of their own.

    The kernel tells VXLAN devices apart by VNI, port and address family, link-local ones also by
    their interface.
    """
    meshes = _meshes(document) if document.whole and not _misnumbered(document) else []
    if any(tunnel_count(mesh.item.table, len(mesh.nodes)) > BRIDGE_PORTS for mesh in meshes):
        return
    findings = _Findings({vni for mesh in meshes for _, vni in mesh.settings.vnis})
    for node in dict.fromkeys(node for mesh in meshes for node in mesh.nodes):
        _meet(node, meshes, findings)
    yield from _vni_errors(findings)
    yield from _device_errors(findings)


def _misnumbered(document: Document) -> bool:
    """Whether some mode and its VNIs don't fit, which is said elsewhere."""
    return any(
        isinstance(item.table.vni, int) is not (item.table.mode == SHARED)
        for item in document.overlays
    )


def _meshes(document: Document) -> list[_Mesh]:
    own = {item.name: peers.families(item.table.address) for item in document.peers}
    families = {**own}
    if document.node.name is not None and document.node.address is not None:
        families.setdefault(document.node.name, peers.families(document.node.address))
    literal = {item.name: peers.lookup(item.table.address) for item in document.peers}
    zones = {name: zone(address) for name, address in literal.items() if address is not None}
    once = {item.name: item for item in reversed(document.overlays)}  # twice is said elsewhere
    meshes = []
    for item in reversed(once.values()):
        nodes = {name: families.get(name, frozenset()) for name in active(document, item.name)}
        settings = OverlaySettings(
            item.name,
            item.table.bridge,
            item.table.mode,
            vni_of(item.table),
            heard_of(item.table),
            port=item.table.port,
            vnis=explicit(item.table),
        )
        families_here = frozenset[int]().union(*nodes.values())
        meshes.append(_Mesh(item, settings, nodes, families_here, own, zones))
    return meshes


def vni_of(table: OverlayTable) -> VniScheme | int:
    """A number, or how the numbers are found, of which one is spoken."""
    if isinstance(table.vni, int):
        return table.vni
    return VNI_SCHEMES[table.vni if isinstance(table.vni, str) else table.vni[0]]


def heard_of(table: OverlayTable) -> VniScheme | None:
    """How those are found that are only heard, if there are two ways."""
    return VNI_SCHEMES[table.vni[1]] if isinstance(table.vni, tuple) else None


def explicit(table: OverlayTable) -> tuple[tuple[frozenset[str], int], ...]:
    """The explicit VNIs by pair."""
    return tuple((frozenset(pair.split()), vni) for pair, vni in table.vnis.items())


def _meet(node: str, meshes: list[_Mesh], findings: _Findings) -> None:
    crowds: dict[VniKey, list[_Tunnel]] = {}
    devices: dict[str, _Tunnel] = {}
    for mesh in meshes:
        if node not in mesh.nodes:
            continue
        for number, keys in mesh.numbers(node):
            tunnel = _Tunnel(mesh, node, number)
            findings.used.add(number.vni)
            for key in keys:
                crowds.setdefault(key, []).append(tunnel)
            other = devices.setdefault(number.device, tunnel)
            if other is not tunnel:
                findings.devices.setdefault(
                    frozenset((other.remote, tunnel.remote)), (other, tunnel)
                )
    for key, bound in crowds.items():
        tunnels = [*crowds.get(key.everywhere, ()), *bound] if key.zone else bound
        stays = min(tunnels, key=lambda tunnel: tunnel.moves)
        for tunnel in tunnels:
            if tunnel is not stays and tunnel.moves and not _are_lines(stays, tunnel):
                findings.vnis.setdefault(tunnel.pair, (stays, tunnel))


def _are_lines(one: _Tunnel, other: _Tunnel) -> bool:
    """Whether these are two lines of one [overlay.vnis]: that is said elsewhere."""
    return one.mesh is other.mesh and one.explicit and other.explicit


def _vni_errors(findings: _Findings) -> Iterator[ConfigError]:
    for stays, tunnel in findings.vnis.values():
        overlay = tunnel.mesh.item
        if tunnel.mesh.shared:
            yield overlay.place.at("vni").error(
                f"is the VNI of {_owner(stays)} too, on the same port",
                "Write another number, or give one of the overlays another port",
                tunnel.number.vni,
            )
            continue
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
    whose = f"overlay {quoted(tunnel.mesh.item.name)}"
    return whose if tunnel.mesh.shared else f"pair {_written(tunnel)} of {whose}"


def _device_errors(findings: _Findings) -> Iterator[ConfigError]:
    for one, other in findings.devices.values():
        if one.number.scheme is VniScheme.INDEX is other.number.scheme:
            continue  # two overlays by index: said elsewhere
        yield other.mesh.item.place.error(
            f"{_owner(one)} and {_owner(other)} have the same device name"
            f" {quoted(one.number.device)} on {one.node}",
            "Rename one of the peers, or one of the overlays where there are two",
        )
