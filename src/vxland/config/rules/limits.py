"""How much and how many the kernel takes."""

from collections.abc import Iterator

from vxland.config.document import Document
from vxland.config.errors import ConfigError
from vxland.config.rules.membership import active
from vxland.config.wording import quoted
from vxland.identity import VNI_LIMIT
from vxland.settings import SHARED

BRIDGE_PORTS = 1023  # BR_MAX_PORTS (net/bridge/br_private.h), of which number 0 isn't used


def vni_range(document: Document) -> Iterator[ConfigError]:
    """A VNI has 24 bits, and 0 is not a pair's."""
    for item in document.overlays:
        for pair, vni in item.table.vnis.items():
            if not 1 <= vni < VNI_LIMIT:
                place = item.place.at("vnis", pair)
                yield place.error("is not a VNI", f"Write a number from 1 to {VNI_LIMIT - 1}", vni)


def bridge_ports(document: Document) -> Iterator[ConfigError]:
    """In a mesh a node has a tunnel to each other peer, all in one bridge."""
    for item in document.overlays if document.whole else ():
        others = len(active(document, item.name)) - 1
        if others > BRIDGE_PORTS and item.table.mode != SHARED:
            yield item.place.error(
                f"has {others} tunnels on each server, and a bridge takes {BRIDGE_PORTS} ports",
                'Let fewer peers take part: overlays = [...] in [[peer]]. Or set mode = "shared"',
            )


def one_index_overlay(document: Document) -> Iterator[ConfigError]:
    """The devices of an overlay with vni = "index" have names that only one overlay can have."""
    owners: dict[str, str] = {}
    for item in document.overlays if document.whole else ():
        if item.table.vni != "index":
            continue
        nodes = active(document, item.name)
        both = next((node for node in nodes if node in owners), None)
        if both is not None:
            yield item.place.at("vni").error(
                f"is what overlay {quoted(owners[both])} has too, and {both} takes part in both",
                'Write vni = "pair" in one of them',
                item.table.vni,
            )
        for node in nodes:
            owners.setdefault(node, item.name)
