"""Which peers take part in an overlay, as the files have it."""

from vxland.config.document import Document


def listed(document: Document, overlay: str) -> list[str]:
    """Every node of an overlay, disabled ones too: the peers, and this machine if it isn't one."""
    names = [
        item.name
        for item in document.peers
        if item.table.overlays is None or overlay in item.table.overlays
    ]
    return [*dict.fromkeys([*names, *_unlisted(document)])]


def active(document: Document, overlay: str) -> list[str]:
    """Those of them that are not disabled."""
    disabled = {item.name for item in document.peers if item.table.disabled}
    return [name for name in listed(document, overlay) if name not in disabled]


def _unlisted(document: Document) -> list[str]:
    """This machine, where it has a name that isn't a peer's."""
    name = document.node.name
    return [] if name is None or name in document.names["peer"] else [name]
