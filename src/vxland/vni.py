"""Which VNI and which device name each remote of an overlay gets: one function a scheme."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from vxland import identity
from vxland.settings import OverlaySettings, VniScheme


@dataclass(frozen=True, slots=True)
class Numbered:
    """A remote with the VNI and the device name that its tunnel gets on this node."""

    peer: str
    vni: int
    device: str


def by_pair(overlay: OverlaySettings, node: str, remotes: Sequence[str]) -> tuple[Numbered, ...]:
    """Both ends compute the same VNI, unless the file gives the pair one."""
    explicit = dict(overlay.vnis)
    return tuple(
        Numbered(
            peer,
            explicit.get(frozenset((node, peer)), identity.pair_vni(overlay.name, node, peer)),
            identity.pair_device(overlay.name, peer),
        )
        for peer in remotes
    )


def by_index(overlay: OverlaySettings, node: str, remotes: Sequence[str]) -> tuple[Numbered, ...]:
    """Position in this node's own list, from 0, unless the file gives the pair a VNI."""
    explicit = dict(overlay.vnis)
    return tuple(
        Numbered(
            peer, explicit.get(frozenset((node, peer)), position), identity.index_device(position)
        )
        for position, peer in enumerate(remotes)
    )


SCHEMES: dict[VniScheme, Callable[[OverlaySettings, str, Sequence[str]], tuple[Numbered, ...]]] = {
    VniScheme.PAIR: by_pair,
    VniScheme.INDEX: by_index,
}


def numbered(overlay: OverlaySettings, node: str, remotes: Sequence[str]) -> tuple[Numbered, ...]:
    """The remotes of an overlay, in the file's order, numbered by the overlay's scheme."""
    return SCHEMES[VniScheme(overlay.vni)](overlay, node, remotes)
