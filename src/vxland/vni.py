"""Which VNI and which device name each remote of an overlay gets: one function a scheme."""

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations

from msgspec import Struct

from vxland import identity
from vxland.settings import OverlaySettings, VniScheme


class Numbered(Struct, frozen=True):
    """A remote with the VNI and the device name that its tunnel gets on this node."""

    peer: str
    vni: int
    device: str
    scheme: VniScheme | None = None  # none in shared mode
    explicit: bool = False  # the file gives it its VNI


def by_pair(overlay: OverlaySettings, node: str, remotes: Sequence[str]) -> tuple[Numbered, ...]:
    """Both ends compute the same VNI, unless the file gives the pair one."""
    explicit = dict(overlay.vnis)
    return tuple(
        Numbered(
            peer,
            explicit.get(pair, identity.pair_vni(overlay.name, node, peer)),
            identity.pair_device(overlay.name, peer),
            VniScheme.PAIR,
            pair in explicit,
        )
        for peer in remotes
        for pair in [frozenset((node, peer))]
    )


def pair_vnis(overlay: OverlaySettings, nodes: Sequence[str]) -> Iterator[tuple[str, str, int]]:
    """Every pair of nodes once, with its VNI by pair."""
    explicit = dict(overlay.vnis)
    for one, other in combinations(nodes, 2):
        vni = explicit.get(frozenset((one, other))) if explicit else None
        yield one, other, identity.pair_vni(overlay.name, one, other) if vni is None else vni


def by_index(overlay: OverlaySettings, node: str, remotes: Sequence[str]) -> tuple[Numbered, ...]:
    """Position in this node's own list, from 0, unless the file gives the pair a VNI.

    Beside VNIs by pair it is always the position: two devices of a peer can't have the same VNI.
    """
    explicit = {} if overlay.heard else dict(overlay.vnis)
    return tuple(
        Numbered(
            peer,
            explicit.get(pair, position),
            identity.index_device(position),
            VniScheme.INDEX,
            pair in explicit,
        )
        for position, peer in enumerate(remotes)
        for pair in [frozenset((node, peer))]
    )


SCHEMES: dict[VniScheme, Callable[[OverlaySettings, str, Sequence[str]], tuple[Numbered, ...]]] = {
    VniScheme.PAIR: by_pair,
    VniScheme.INDEX: by_index,
}


def numbered(overlay: OverlaySettings, node: str, remotes: Sequence[str]) -> tuple[Numbered, ...]:
    """The remotes of an overlay, in the file's order, numbered by each of the overlay's schemes.

    With two schemes each remote is there twice, as it is spoken to first.
    """
    numbers = [SCHEMES[scheme](overlay, node, remotes) for scheme in overlay.schemes]
    return tuple(number for remote in zip(*numbers, strict=True) for number in remote)
