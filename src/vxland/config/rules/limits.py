"""How much and how many the kernel takes."""

from collections.abc import Iterator

from vxland.config.document import Document
from vxland.config.errors import ConfigError
from vxland.config.overlay_table import OverlayTable
from vxland.config.rules.membership import active
from vxland.config.wording import quoted
from vxland.identity import VNI_LIMIT
from vxland.settings import SHARED

BRIDGE_PORTS = 1023  # BR_MAX_PORTS (net/bridge/br_private.h), of which number 0 isn't used


def tunnel_count(table: OverlayTable, nodes: int) -> int:
    """How many tunnels a mesh of so many has on each; what there are in shared mode is few."""
    if table.mode == SHARED:
        return 0
    return (nodes - 1) * (2 if isinstance(table.vni, tuple) else 1)


def is_by_index(table: OverlayTable) -> bool:
    """Whether it has VNIs by index, spoken or heard."""
    return "index" in (table.vni if isinstance(table.vni, tuple) else (table.vni,))


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
        tunnels = tunnel_count(item.table, len(active(document, item.name)))
        if tunnels > BRIDGE_PORTS:
            yield item.place.error(
                f"has {tunnels} tunnels on each server, and a bridge takes {BRIDGE_PORTS} ports",
                'Let fewer peers take part: overlays = [...] in [[peer]]. Or set mode = "shared"',
            )


def one_index_overlay(document: Document) -> Iterator[ConfigError]:
    """The devices of an overlay by index have names that only one overlay can have."""
    owners: dict[str, str] = {}
    for item in document.overlays if document.whole else ():
        if not is_by_index(item.table):
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
