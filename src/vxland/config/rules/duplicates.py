"""What may be in the files only once, whichever files they are."""

from collections.abc import Hashable, Iterable, Iterator

from vxland import peers
from vxland.config.document import Document, Fragment, Item
from vxland.config.errors import ConfigError
from vxland.config.overlay_table import OverlayTable
from vxland.config.place import Place, Steps
from vxland.config.rules.addresses import interface
from vxland.config.schema import PeerTable

Found = tuple[Hashable, object, Place, Steps]  # what is compared, what was written, and where


def _names(
    items: Iterable[Item[OverlayTable] | Item[PeerTable]], fragments: Iterable[Fragment]
) -> Iterator[Found]:
    for part in (*items, *fragments):
        if part.name:
            yield part.name, part.name, part.place, ("name",)


def overlay_names(document: Document) -> Iterator[ConfigError]:
    """An overlay's name, given or the bridge's."""
    found = _names(document.overlays, document.fragments["overlay"])
    return _twice(found, "Give each overlay a name of its own")


def bridges(document: Document) -> Iterator[ConfigError]:
    """A bridge: two overlays in one would be one segment."""
    names = [(item.table.bridge, item.place) for item in document.overlays]
    names += [(part.value, part.place) for part in document.fragments["overlay"] if part.value]
    found = ((name, name, place, ("bridge",)) for name, place in names)
    return _twice(found, "Give each overlay a bridge of its own")


def peer_names(document: Document) -> Iterator[ConfigError]:
    """A peer's name."""
    found = _names(document.peers, document.fragments["peer"])
    return _twice(found, "Remove one of the two, or give each peer a name of its own")


def peer_addresses(document: Document) -> Iterator[ConfigError]:
    """A peer's address or host name, however it is written."""
    written = [(item.table.address, item.place) for item in document.peers]
    written += [(part.value, part.place) for part in document.fragments["peer"] if part.value]
    found = ((peers.key(text), text, place, ("address",)) for text, place in written)
    return _twice(found, "Give each peer the address of its own server")


def overlay_addresses(document: Document) -> Iterator[ConfigError]:
    """An address on a bridge, of whichever overlay."""
    written = (
        (text, item.place, index)
        for item in document.overlays
        for index, text in enumerate(item.table.addresses)
    )
    parsed = ((interface(text), text, place, index) for text, place, index in written)
    found = (
        (value and value.ip, text, place, ("addresses", index))
        for value, text, place, index in parsed
    )
    return _twice(found, "Write each address once")


def explicit_vnis(document: Document) -> Iterator[ConfigError]:
    """A VNI, or a pair in either order, in one [overlay.vnis]."""
    for item in document.overlays:
        pairs: list[Found] = []
        numbers: dict[frozenset[str], Found] = {}
        for text, vni in item.table.vnis.items():
            pair, steps = frozenset(text.split()), ("vnis", text)
            pairs.append((pair, text, item.place, steps))
            numbers.setdefault(pair, (vni, vni, item.place, steps))
        yield from _twice(pairs, "Write the pair once: either order means both directions")
        yield from _twice(numbers.values(), "Give each pair a VNI of its own")


def _twice(found: Iterable[Found], cure: str) -> Iterator[ConfigError]:
    first: dict[Hashable, tuple[Place, Steps]] = {}
    for value, written, item, steps in found:
        if value is None:  # not an address: said elsewhere
            continue
        if value in first:
            before, its = first[value]
            yield item.at(*steps).error(f"is already {before.at(*its).written()}", cure, written)
        else:
            first[value] = (item, steps)
