"""Names that stand for something elsewhere in the files."""

from collections.abc import Iterator

from vxland.config.document import Document
from vxland.config.errors import ConfigError
from vxland.config.faults import misplaced
from vxland.config.overlay_table import OverlayTable
from vxland.config.rules.membership import listed
from vxland.config.wording import did_you_mean, quoted

_PAIR = 2


def overlays_of_peers(document: Document) -> Iterator[ConfigError]:
    """A peer takes part in overlays that there are."""
    if not document.named:
        return
    known = document.names["overlay"]
    for item in document.peers:
        for index, name in enumerate(item.table.overlays or ()):
            if name not in known:
                cure = f"{did_you_mean(name, known)}Name an [[overlay]], or add one with this name"
                yield item.place.at("overlays", index).error("is not an overlay", cure, name)


def node_among_peers(document: Document) -> Iterator[ConfigError]:
    """This machine is one of the peers, or has an address of its own."""
    node, known = document.node, document.names["peer"]
    if node.name is None or node.name in known or ("node", "address") in document.places:
        return
    idle = not document.overlays and not document.peers
    if document.named and not idle:
        cure = f"{did_you_mean(node.name, known)}Name a [[peer]], or set address in [node] too"
        yield document.places["node", "name"].error("is not one of the peers", cure, node.name)


def pairs(document: Document) -> Iterator[ConfigError]:
    """A key of [overlay.vnis] is two peers that have a tunnel between them in this overlay."""
    for item in document.overlays:
        known = _pairable(document, item.name)
        for pair in item.table.vnis:
            place = item.place.at("vnis", pair)
            names = pair.split()
            if len(names) != _PAIR or len(set(names)) != _PAIR:
                cure = misplaced(place, OverlayTable) or 'Write two names: "lxd1 lxd3" = 4711'
                yield place.error("is not a pair of peers", cure, pair)
                continue
            for name in names:
                if known and name not in known:
                    hint = did_you_mean(name, known)
                    cure = f"{hint}Name two peers that take part in overlay {quoted(item.name)}"
                    yield place.error("is not a peer of this overlay", cure, name)


def _pairable(document: Document, overlay: str) -> frozenset[str]:
    """The nodes of an overlay, or what may be some of them; nothing where that isn't known."""
    if document.whole:
        return frozenset(listed(document, overlay))
    if document.named:
        return document.names["peer"] | {document.node.name or ""}
    return frozenset()
