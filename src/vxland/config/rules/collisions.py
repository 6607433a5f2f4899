"""What would meet on a node: two tunnels with one VNI, or with one device name."""

from collections.abc import Iterator

from msgspec import Struct, field

from vxland import identity
from vxland.config.document import Document
from vxland.config.errors import ConfigError
from vxland.config.rules.limits import BRIDGE_PORTS, tunnel_count
from vxland.config.rules.meshes import Mesh, meshes_of
from vxland.config.rules.suspects import Held, suspects
from vxland.config.wording import quoted
from vxland.model import VniKey
from vxland.settings import SHARED, VniScheme
from vxland.vni import Numbered

_Pair = tuple[str, frozenset[str]]
_Remote = tuple[str, str]


class _Tunnel(Struct, frozen=True):
    """A tunnel of a node."""

    mesh: Mesh
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


class _Findings(Struct):
    """What was met so far, on all nodes: the tunnel that may stay, and the one that can't."""

    used: set[int]  # by any tunnel of any node, or written for a pair that has none now
    vnis: dict[_Pair, tuple[_Tunnel, _Tunnel]] = field(default_factory=dict)  # by the other's pair
    devices: dict[frozenset[_Remote], tuple[_Tunnel, _Tunnel]] = field(default_factory=dict)


def collisions(document: Document) -> Iterator[ConfigError]:
    """Every node's tunnels have VNIs and device names of their own.

    The kernel tells VXLAN devices apart by VNI, port and address family, link-local ones also by
    their interface.
    """
    meshes = meshes_of(document) if document.whole and not _misnumbered(document) else []
    if any(tunnel_count(mesh.item.table, len(mesh.nodes)) > BRIDGE_PORTS for mesh in meshes):
        return
    held = Held.of(meshes)
    findings = _Findings(held.used)
    for node in suspects(meshes, held):
        _meet(node, meshes, findings)
    yield from _vni_errors(findings)
    yield from _device_errors(findings)


def _misnumbered(document: Document) -> bool:
    """Whether some mode and its VNIs don't fit, which is said elsewhere."""
    return any(
        isinstance(item.table.vni, int) is not (item.table.mode == SHARED)
        for item in document.overlays
    )


def _meet(node: str, meshes: list[Mesh], findings: _Findings) -> None:
    crowds: dict[VniKey, list[_Tunnel]] = {}
    devices: dict[str, _Tunnel] = {}
    for mesh in meshes:
        if node not in mesh.nodes:
            continue
        for number, keys in mesh.numbers(node):
            tunnel = _Tunnel(mesh, node, number)
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
