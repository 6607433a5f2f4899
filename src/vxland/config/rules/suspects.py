"""On which nodes two tunnels may meet: all others needn't be looked at.

A mesh has half the square of its nodes in pairs, each of which two nodes see. Two pairs with one
VNI are rare, and that they share a node is rarer.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from itertools import chain
from typing import cast

from msgspec import Struct

from vxland import identity
from vxland.config.rules.meshes import Mesh
from vxland.settings import VniScheme
from vxland.vni import pair_vnis

_Key = tuple[int, int]  # UDP port and VNI
_Nodes = Collection[str]


class Held(Struct):
    """Who has which VNI. Positions are everybody's, and not told one by one."""

    holders: dict[_Key, _Nodes]  # the nodes of a pair, or all of a shared overlay
    more: dict[_Key, list[_Nodes]]  # where several have one
    used: set[int]  # by any tunnel of any node, or written for a pair that has none now

    @classmethod
    def of(cls, meshes: Sequence[Mesh]) -> "Held":
        """Every VNI of every node."""
        held = cls({}, {}, {vni for mesh in meshes for _, vni in mesh.settings.vnis})
        for mesh in meshes:
            for vni, nodes in _numbers(mesh):
                key = mesh.settings.port, vni
                first = held.holders.setdefault(key, nodes)
                if first is not nodes:
                    held.more.setdefault(key, [first]).append(nodes)
            held.used.update(_positions(mesh))
        held.used.update(vni for _, vni in held.holders)
        return held


def suspects(meshes: Sequence[Mesh], held: Held) -> list[str]:
    """The nodes where two VNIs or two device names may meet, in the file's order."""
    found = {
        node
        for holders in held.more.values()
        for node, count in Counter(chain.from_iterable(holders)).items()
        if count > 1
    }
    for mesh in meshes:
        for position in _positions(mesh):
            key = mesh.settings.port, position
            for nodes in held.more.get(key, [held.holders.get(key, ())]):
                found.update(node for node in nodes if node in mesh.nodes)
    nodes = dict.fromkeys(node for mesh in meshes for node in mesh.nodes)
    found.update(_namesakes(meshes, list(nodes)))
    return [node for node in nodes if node in found]


def _numbers(mesh: Mesh) -> Iterator[tuple[int, _Nodes]]:
    """Each VNI that isn't just a position, with the nodes that have it."""
    nodes = mesh.nodes
    if mesh.shared:
        if len(nodes) > 1:
            yield cast("int", mesh.settings.vni), nodes
        return
    if VniScheme.PAIR in mesh.settings.schemes:
        for one, other, vni in pair_vnis(mesh.settings, list(nodes)):
            if nodes[one] or nodes[other]:  # else neither has an address
                yield vni, (one, other)
    else:
        for pair, vni in mesh.settings.vnis:
            if pair <= nodes.keys():
                yield vni, tuple(pair)


def _positions(mesh: Mesh) -> set[int]:
    """The VNIs that are positions in some node's list."""
    if VniScheme.INDEX not in mesh.settings.schemes:
        return set()
    found = set(range(len(mesh.nodes) - 1))
    if mesh.settings.heard:
        return found
    order = {name: position for position, name in enumerate(mesh.nodes)}
    given: Counter[int] = Counter()
    for pair, _ in mesh.settings.vnis:
        if pair <= order.keys():
            first, second = sorted(order[name] for name in pair)
            given.update((first, second - 1))
    return found - {position for position in found if given[position] == len(mesh.nodes)}


def _namesakes(meshes: Sequence[Mesh], nodes: Sequence[str]) -> Iterator[str]:
    """Of the nodes that have the same of some devices with one name, the first."""
    remotes: dict[str, list[tuple[Mesh, str]]] = {}
    for mesh in meshes:
        for device, peer in _devices(mesh):
            remotes.setdefault(device, []).append((mesh, peer))
    for same in remotes.values():
        if len(same) > 1:
            seen = (
                (tuple(node in mesh.nodes and node != peer for mesh, peer in same), node)
                for node in reversed(nodes)
            )
            yield from (node for present, node in dict(seen).items() if sum(present) > 1)


def _devices(mesh: Mesh) -> Iterator[tuple[str, str]]:
    """Device names with the peers that they lead to; none by position, which is said elsewhere."""
    name = mesh.settings.name
    if mesh.shared:
        for family in mesh.families:
            yield identity.shared_device(name, family), identity.SHARED[family]
    elif VniScheme.PAIR in mesh.settings.schemes:
        for peer in mesh.nodes:
            yield identity.pair_device(name, peer), peer
