"""Overlays with what the VNIs and device names of all their nodes are computed from."""

from collections.abc import Iterator, Mapping
from typing import cast

from msgspec import Struct

from vxland import identity, peers
from vxland.addresses import zone
from vxland.config.document import Document, Item
from vxland.config.overlay_table import VNI_SCHEMES, OverlayTable
from vxland.config.rules.membership import active
from vxland.model import VniKey
from vxland.settings import SHARED, OverlaySettings, VniScheme
from vxland.vni import Numbered, numbered


class Mesh(Struct, frozen=True):
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


def meshes_of(document: Document) -> list[Mesh]:
    """The overlays in the file's order."""
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
        meshes.append(Mesh(item, settings, nodes, families_here, own, zones))
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
