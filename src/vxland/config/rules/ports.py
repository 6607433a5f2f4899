"""What overlays that have one UDP port must agree on."""

from collections.abc import Iterator

from vxland.config.document import Document
from vxland.config.errors import ConfigError
from vxland.config.wording import quoted


def exclusive(document: Document) -> Iterator[ConfigError]:
    """A port that is for peers' packets alone can't be open to anybody's besides."""
    alone = {
        item.table.port: item for item in document.overlays if item.table.ingress == "exclusive"
    }
    for item in document.overlays:
        if item.table.ingress == "off" and item.table.port in alone:
            other = quoted(alone[item.table.port].name)
            yield item.place.at("ingress").error(
                f'lets anybody in on port {item.table.port}, and "exclusive" in overlay {other}'
                " nobody but its peers",
                'Write "peers" in one of the two, or give one of them another port',
                item.table.ingress,
            )
