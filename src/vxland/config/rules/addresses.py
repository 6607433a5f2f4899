"""Addresses: of servers, and of this machine on an overlay's bridge."""

import re
from collections.abc import Callable, Iterator
from ipaddress import IPv4Interface, IPv6Interface, ip_interface

from vxland import peers
from vxland.addresses import IPInterface, needs_zone
from vxland.config.document import Document
from vxland.config.errors import ConfigError
from vxland.config.place import Place, Steps
from vxland.config.rules.membership import listed
from vxland.config.wording import quoted
from vxland.peers import host_name

_ONE_OF_ITS_OWN = "Write an address that this one machine has in the overlay"
_WITH_PREFIX = re.compile(r"[^/%]+/[0-9]{1,3}")


def peer_addresses(document: Document) -> Iterator[ConfigError]:
    """A peer's address is one that a source of addresses can make something of."""
    written = [(item.table.address, item.place) for item in document.peers]
    written += [
        (part.value, part.place) for part in document.fragments["peer"] if part.value is not None
    ]
    for text, place in written:
        if problem := peers.problem(text):
            yield place.at("address").error(*problem, text)


def node_address(document: Document) -> Iterator[ConfigError]:
    """This machine's own address is like a peer's, but written out: it is to be there at once."""
    text = document.node.address
    if text is None:
        return
    place = document.places["node", "address"]
    if host_name.is_host_name(text):
        cure = "Write the address itself: only a [[peer]] may have a name"
        yield place.error("is a host name", cure, text)
    elif problem := peers.problem(text):
        yield place.error(*problem, text)


def shared_link_local(document: Document) -> Iterator[ConfigError]:
    """A device for all peers has no interface of its own, which link-local addresses need."""
    for item in document.overlays:
        if item.table.mode != "shared":
            continue
        written: list[tuple[str, Place, Steps]] = [
            (peer.table.address, peer.place, ("address",))
            for peer in document.peers
            if peer.table.overlays is None or item.name in peer.table.overlays
        ]
        if document.node.address is not None and document.node.name in listed(document, item.name):
            written.append((document.node.address, document.places["node", "address"], ()))
        for text, place, steps in written:
            address = peers.lookup(text)
            if address is not None and needs_zone(address):
                yield place.at(*steps).error(
                    f'is link-local, and overlay {quoted(item.name)} has mode = "shared"',
                    'Write a global or unique local address, or mode = "mesh" in the overlay',
                    text,
                )


def overlay_addresses(document: Document) -> Iterator[ConfigError]:
    """An address on a bridge is a host's, with its prefix."""
    for item in document.overlays:
        for index, text in enumerate(item.table.addresses):
            problem = _interface_problem(text)
            if problem:
                yield item.place.at("addresses", index).error(*problem, text)


def interface(text: str) -> IPInterface | None:
    """The address with its prefix; None where it isn't one."""
    return None if _interface_problem(text) else ip_interface(text)


def _is_network(value: IPInterface) -> bool:
    return value.ip == value.network.network_address and _has_network_address(value)


def _is_broadcast(value: IPInterface) -> bool:
    return (
        isinstance(value, IPv4Interface)
        and value.ip == value.network.broadcast_address
        and _has_network_address(value)
    )


def _has_network_address(value: IPInterface) -> bool:
    """RFC 3021 and RFC 6164: a network of two addresses has two hosts."""
    return value.network.prefixlen < value.max_prefixlen - 1


def _is_mapped(value: IPInterface) -> bool:
    return isinstance(value, IPv6Interface) and value.ip.ipv4_mapped is not None


# The first that is true is what the person is told.
_UNUSABLE: tuple[tuple[Callable[[IPInterface], bool], str], ...] = (
    (lambda value: value.network.prefixlen == 0, "has the whole Internet for its network"),
    (lambda value: value.ip.is_unspecified, "is the unspecified address"),
    (lambda value: value.ip.is_multicast, "is a multicast address"),
    (lambda value: value.ip.is_loopback, "is a loopback address"),
    (_is_mapped, "is an IPv4 address in IPv6 form"),
    (_is_network, "is the address of its network, not of a host in it"),
    (_is_broadcast, "is the broadcast address of its network"),
)


def _interface_problem(text: str) -> tuple[str, str] | None:
    cure = 'Write an address with its prefix length, like "10.10.10.1/24"'
    if not _WITH_PREFIX.fullmatch(text):
        return "is not an address with a prefix length", cure
    try:
        value = ip_interface(text)
    except ValueError:
        return "is not an address with a prefix length", cure
    return next(((what, _ONE_OF_ITS_OWN) for test, what in _UNUSABLE if test(value)), None)
