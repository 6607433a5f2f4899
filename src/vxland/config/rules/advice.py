"""What is valid, and yet unlikely to be meant."""

from collections.abc import Iterator
from ipaddress import ip_address

from vxland import peers
from vxland.config import values
from vxland.config.document import Document, Item
from vxland.config.errors import ConfigError
from vxland.config.rules.addresses import interface
from vxland.config.rules.membership import active, listed
from vxland.config.schema import PeerTable
from vxland.config.wording import quoted
from vxland.settings import SHARED

_ALONE = 2


def nothing_to_do(document: Document) -> Iterator[ConfigError]:
    """A file without overlays is valid; the daemon waits for one with some."""
    if not document.overlays:
        yield ConfigError(
            document.name,
            "",
            "has no [[overlay]], so there is nothing to do",
            "Add an [[overlay]] and a [[peer]] for each server",
        )


def lonely_overlays(document: Document) -> Iterator[ConfigError]:
    """An overlay is between at least two."""
    for item in document.overlays:
        if len(listed(document, item.name)) < _ALONE:
            yield item.place.error(
                "has fewer than two peers, so it gets no tunnels", "Add a [[peer]] for each server"
            )


def index_without_learning(document: Document) -> Iterator[ConfigError]:
    """With VNIs by position a frame arrives on another peer's device."""
    for item in document.overlays:
        if item.table.vni == "index" and item.table.learning is False:
            yield item.place.at("learning").error(
                'with vni = "index" sends frames to the wrong server where two number differently',
                "Leave it out: it is on then",
                value=False,
            )


def shared_without_learning(document: Document) -> Iterator[ConfigError]:
    """A device that doesn't learn knows no address's peer."""
    for item in document.overlays:
        if item.table.mode == SHARED and item.table.learning is False:
            yield item.place.at("learning").error(
                'with mode = "shared" sends every frame to every peer',
                "Leave it out: it is on then",
                value=False,
            )


def two_ports_without_guard(document: Document) -> Iterator[ConfigError]:
    """In shared mode a server has a port for each family that its peers have."""
    for item in document.overlays:
        if item.table.mode != SHARED or item.table.guard:
            continue
        names = dict.fromkeys(active(document, item.name))
        families = {
            peer.name: peers.families(peer.table.address)
            for peer in document.peers
            if peer.name in names
        }
        for node in names:
            others = (family for name, family in families.items() if name != node)
            if len({one for family in others if len(family) == 1 for one in family}) > 1:
                yield item.place.at("guard").error(
                    f"is empty, and {node} has both IPv4 and IPv6 peers, so two tunnel ports: the"
                    " second stays down",
                    'Write guard = ["isolated"]',
                    [],
                )
                break


def underlay_in_overlay(document: Document) -> Iterator[ConfigError]:
    """A peer's address in an overlay's own network makes the tunnels go through themselves."""
    networks = [
        (item, found.network)
        for item in document.overlays
        for text in item.table.addresses
        if (found := interface(text))
    ]
    for peer in document.peers:
        address = peers.lookup(peer.table.address)
        for item, network in networks:
            if address is not None and address in network:
                yield peer.place.at("address").error(
                    f"is in the network {network} of overlay {quoted(item.name)} itself, so the"
                    " tunnels would lead through themselves",
                    "Give the overlay's addresses a network of their own",
                    peer.table.address,
                )


def apart(document: Document) -> Iterator[ConfigError]:
    """A tunnel is over IPv4 or over IPv6, at both ends."""
    for item in document.overlays:
        names = set(active(document, item.name) if item.table.mode == "mesh" else ())
        only: dict[int, Item[PeerTable]] = {}
        for peer in document.peers:
            versions = peers.families(peer.table.address) if peer.name in names else ()
            if len(versions) == 1:
                only.setdefault(next(iter(versions)), peer)
        if len(only) > 1:
            (here, one), (there, other) = only.items()
            yield other.place.at("address").error(
                f"is IPv{there} and that of {quoted(one.name)} IPv{here}, so there is no tunnel"
                f" between the two in overlay {quoted(item.name)}",
                "Give one of them a host name that stands for both, in DNS or in /etc/hosts of"
                " every server",
                other.table.address,
            )


def open_to_strangers(document: Document) -> Iterator[ConfigError]:
    """Who reads metrics and status knows the mesh: every server's name and address."""
    http = document.http
    listen = values.listen(http.listen)
    if listen is None or ip_address(listen[0]).is_loopback or http.tls_client_ca:
        return
    how = "anybody who reaches that port" if http.tls_cert else "anybody on the way, in clear,"
    yield document.places["http", "listen"].error(
        f"lets {how} read the mesh's addresses and traffic",
        "Set tls_cert, tls_key and tls_client_ca, or listen on 127.0.0.1"
        " and see docs/http.md for scraping from elsewhere",
        http.listen,
    )
