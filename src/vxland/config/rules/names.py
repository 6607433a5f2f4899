"""Names: of overlays and peers, which go into marks, and of devices, which the kernel must take."""

import re
from collections.abc import Iterator

from vxland import identity
from vxland.config.document import Document, Fragment, Item
from vxland.config.errors import ConfigError
from vxland.config.overlay_table import OverlayTable
from vxland.config.place import Place
from vxland.config.schema import PeerTable
from vxland.config.wording import quoted

_OWN = re.compile(rf"{re.escape(identity.PAIR_PREFIX)}|{re.escape(identity.INDEX_PREFIX)}[0-9]")
_RESERVED = frozenset({".", "..", "all", "default", "lo"})  # all and default: net.ipv4.conf's own
# Byte by byte as the kernel's dev_valid_name() looks at it, for whose isspace() 0xA0 is one.
_FORBIDDEN = frozenset(b"/:\0 \t\n\v\f\r\xa0")


def overlay_names(document: Document) -> Iterator[ConfigError]:
    """An overlay's name must fit into every mark; where it has none, so must the bridge's."""
    for item in document.overlays:
        if item.table.name is not None:
            yield from _name(item)
        elif _name_problem(item.name) and not _device_problem(item.name):
            yield item.place.at("name").error(
                f"is missing, and the bridge's, {quoted(item.name)}, can't be an overlay's",
                'Write name = "lan", for example',
            )


def peer_names(document: Document) -> Iterator[ConfigError]:
    """A peer's name must fit into every mark."""
    for item in document.peers:
        yield from _name(item)
    for part in document.fragments["peer"]:
        if part.name:
            yield from _name(part)


def node_name(document: Document) -> Iterator[ConfigError]:
    """[node] name is a peer's name."""
    name = document.node.name
    problem = None if name is None else _name_problem(name)
    if problem:
        yield document.places["node", "name"].error(*problem, name)


def bridges(document: Document) -> Iterator[ConfigError]:
    """A bridge has a name that the kernel takes and that no tunnel of vxland's has."""
    for item in document.overlays:
        yield from _device(item.place.at("bridge"), item.table.bridge, new=True)


def other_devices(document: Document) -> Iterator[ConfigError]:
    """Devices that are only looked for have names that the kernel could have given them."""
    if document.node.interface is not None:
        yield from _device(document.places["node", "interface"], document.node.interface)
    for item in document.overlays:
        for index, name in enumerate(item.table.allow_tunnel_ports):
            yield from _device(item.place.at("allow_tunnel_ports", index), name)


def _name_problem(name: str) -> tuple[str, str] | None:
    if not identity.NAME.fullmatch(name):
        return (
            "can't be a name",
            "Begin with a letter or digit, and use only letters (a-z, A-Z), digits, . _ and -",
        )
    if len(name) > identity.NAME_LENGTH:
        return "is too long", f"Use at most {identity.NAME_LENGTH} characters"
    return None


def _name(item: Item[OverlayTable] | Item[PeerTable] | Fragment) -> Iterator[ConfigError]:
    problem = _name_problem(item.name)
    if problem:
        yield item.place.at("name").error(*problem, item.name)


def _device(place: Place, name: str, *, new: bool = False) -> Iterator[ConfigError]:
    problem = _device_problem(name)
    if not problem and new:
        problem = _new_device_problem(name)
    if problem:
        yield place.error(*problem, name)


def _device_problem(name: str) -> tuple[str, str] | None:
    octets = name.encode()
    longest = identity.DEVICE_NAME_LENGTH
    if not octets or len(octets) > longest:
        return f"is not 1 to {longest} bytes long", "Use a shorter name"
    if not _FORBIDDEN.isdisjoint(octets) or not name.isprintable():
        return "can't be a device's name", "Use only letters, digits, . _ and -"
    if name in {".", ".."}:
        return "can't be a device's name", 'Use another one, like "vxbr0"'
    return None


def _new_device_problem(name: str) -> tuple[str, str] | None:
    if "%" in name:
        return "can't be a bridge's name: % stands for a number", "Leave out the %"
    if name in _RESERVED:
        return "is a name that the kernel keeps for itself", 'Use another one, like "vxbr0"'
    if _OWN.match(name):
        return (
            "begins like the names of vxland's own tunnels",
            f'Use none like "{identity.PAIR_PREFIX}…" or "{identity.INDEX_PREFIX}0…"',
        )
    return None
