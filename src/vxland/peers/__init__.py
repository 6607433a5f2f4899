"""Peer sources: what makes an address of what the file says. One module a source, one line here."""

from collections.abc import Hashable, Mapping
from functools import lru_cache
from typing import Protocol

from vxland.addresses import IPAddress
from vxland.last import Last
from vxland.peers import host_name, literal
from vxland.peers.literal import CACHED
from vxland.settings import PeerSettings


class Source(Protocol):
    """A way to get from an address as written to an address."""

    def accepts(self, text: str, /) -> bool:
        """Whether this source is the one for an address written like this, right or wrong."""

    def problem(self, text: str, /) -> tuple[str, str] | None:
        """What is wrong with it and what to do, in words; None where nothing is."""

    def lookup(self, text: str, /) -> IPAddress | None:
        """The address; None where the text alone doesn't tell it."""

    def key(self, text: str, /) -> Hashable | None:
        """What is the same for two texts that mean the same; None where something is wrong."""

    def families(self, text: str, /) -> frozenset[int]:
        """Which IP versions its address may have."""


SOURCES: tuple[Source, ...] = (literal, host_name)


@lru_cache(CACHED)
def source_of(text: str) -> Source:
    """The source for an address as written: there is one for every text."""
    return next(source for source in SOURCES if source.accepts(text))


@lru_cache(CACHED)
def problem(text: str) -> tuple[str, str] | None:
    """What is wrong with an address as written, and what to do; None where nothing is."""
    return source_of(text).problem(text)


@lru_cache(CACHED)
def lookup(text: str) -> IPAddress | None:
    """The address where it is written out; None where it isn't, or is wrong."""
    return source_of(text).lookup(text)


@lru_cache(CACHED)
def key(text: str) -> Hashable | None:
    """What is the same for two addresses that mean the same; None where something is wrong."""
    return source_of(text).key(text)


@lru_cache(CACHED)
def families(text: str) -> frozenset[int]:
    """Which IP versions the address may have."""
    return source_of(text).families(text)


def _addresses(peers: tuple[PeerSettings, ...]) -> Mapping[str, IPAddress]:
    return {peer.name: address for peer in peers if (address := lookup(peer.address)) is not None}


_last = Last(_addresses)  # a turn asks for the same peers' several times


def addresses(peers: tuple[PeerSettings, ...]) -> Mapping[str, IPAddress]:
    """The peers' addresses by name, of those that are written out."""
    return _last(peers)


def named(peers: tuple[PeerSettings, ...]) -> tuple[PeerSettings, ...]:
    """Those that have a host name for their address: mostly none, which their addresses tell."""
    if len(addresses(peers)) == len(peers):
        return ()
    return tuple([peer for peer in peers if source_of(peer.address) is host_name])


def hosts(peers: tuple[PeerSettings, ...]) -> dict[str, str]:
    """The host names as they are written, by the peer's name; of no others."""
    return {peer.name: peer.address for peer in named(peers)}


def host_names(peers: tuple[PeerSettings, ...]) -> frozenset[str]:
    """The names that a name service has to be asked for."""
    keys = (key(peer.address) for peer in named(peers))
    return frozenset(name for name in keys if isinstance(name, str))
