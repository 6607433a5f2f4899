"""Peer sources: what makes an address of what the file says. One module a source, one line here."""

from collections.abc import Iterable
from typing import Protocol

from vxland.addresses import IPAddress
from vxland.peers import literal
from vxland.settings import PeerSettings


class Source(Protocol):
    """A way to get from an address as written to an address."""

    def accepts(self, text: str, /) -> bool:
        """Whether this source is the one for an address written like this, right or wrong."""

    def problem(self, text: str, /) -> tuple[str, str] | None:
        """What is wrong with it and what to do, in words; None where nothing is."""

    def lookup(self, text: str, /) -> IPAddress | None:
        """The address; None where it isn't known at the moment."""


SOURCES: tuple[Source, ...] = (literal,)


def source_of(text: str) -> Source | None:
    """The source for an address as written; None where there is none."""
    return next((source for source in SOURCES if source.accepts(text)), None)


def problem(text: str) -> tuple[str, str] | None:
    """What is wrong with an address as written, and what to do; None where nothing is."""
    source = source_of(text)
    if source is None:
        return ("is not an IP address", literal.EXAMPLE)
    return source.problem(text)


def lookup(text: str) -> IPAddress | None:
    """The address, by whichever source there is for it; None where it isn't known."""
    source = source_of(text)
    return source.lookup(text) if source else None


def addresses(peers: Iterable[PeerSettings]) -> dict[str, IPAddress]:
    """The peers' addresses by name, without those that aren't known at the moment."""
    found = ((peer.name, lookup(peer.address)) for peer in peers)
    return {name: address for name, address in found if address is not None}
