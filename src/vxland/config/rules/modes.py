"""What goes with a mode, and what doesn't."""

from collections.abc import Iterator

from vxland.config.document import Document, Item
from vxland.config.errors import ConfigError
from vxland.config.overlay_table import OverlayTable
from vxland.settings import SHARED


def numbers(document: Document) -> Iterator[ConfigError]:
    """In shared mode the overlay has one VNI, the same on all servers; in a mesh each pair has."""
    for item in document.overlays:
        vni, place = item.table.vni, item.place.at("vni")
        if not _is_shared(item):
            if isinstance(vni, int):
                cure = 'Write vni = "pair", and numbers of single pairs in [overlay.vnis]'
                yield place.error('is for mode = "shared"', cure, vni)
        elif not place.is_written:
            yield item.place.error(
                'has mode = "shared", and no vni', "Write one, the same on every server: vni = 4711"
            )
        elif "vni" in item.table.model_fields_set and not isinstance(vni, int):
            cure = "Write a number, the same on every server: vni = 4711"
            yield place.error('is for mode = "mesh"', cure, vni)


def pairs(document: Document) -> Iterator[ConfigError]:
    """A pair has no VNI of its own in shared mode."""
    for item in document.overlays:
        if _is_shared(item) and item.table.vnis:
            yield item.place.at("vnis").error(
                'is for mode = "mesh": here all peers have one VNI', "Take [overlay.vnis] out"
            )


def learning(document: Document) -> Iterator[ConfigError]:
    """Of two kinds of devices each has to learn as it does alone."""
    for item in document.overlays:
        if isinstance(item.table.vni, tuple) and item.table.learning is not None:
            yield item.place.at("learning").error(
                "is for one kind of VNIs: of two, devices by index learn, and those by pair don't",
                "Leave it out",
                item.table.learning,
            )


def guards(document: Document) -> Iterator[ConfigError]:
    """A mesh has many tunnel ports in one bridge."""
    for item in document.overlays:
        if not item.table.guard and not _is_shared(item):
            yield item.place.at("guard").error(
                "is empty, and a mesh without a guard loops frames",
                'Write guard = ["isolated", "ebtables"], or leave it out',
                [],
            )


def _is_shared(item: Item[OverlayTable]) -> bool:
    return item.table.mode == SHARED
