"""What reads bytes that others wrote: each takes them, or says in its own way that it can't.

Anything but what a target allows is a finding. tests/fuzz/test_targets.py feeds them with
hypothesis, scripts/fuzz with what coverage suggests. Files are fuzzed by
tests/unit/test_config_fuzz.py and tests/core/test_script_fuzz.py, too.
"""

import asyncio
import contextlib
import struct
from collections import deque
from collections.abc import Callable, Sequence
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar, cast
from unittest.mock import patch

import dns.asyncresolver
import dns.message
import dns.nameserver
import dns.query

from tests.fuzz.conversation import kernel
from tests.fuzz.web import requests
from tests.unit import test_config_fuzz
from vxland.config.errors import InvalidConfig
from vxland.config.load import load
from vxland.kernel import filter_chains, port_rules, tally_sets
from vxland.kernel import routes as routing
from vxland.kernel.addresses import read_addresses
from vxland.kernel.attributes import attribute
from vxland.kernel.counters import read_device
from vxland.kernel.ebtables_text import parse
from vxland.kernel.events import LinkEvents, RuleEvents
from vxland.kernel.fdb import FdbTable
from vxland.kernel.link_table import LinkTable
from vxland.kernel.netlink import Netlink
from vxland.kernel.rules import RULE_EXPRESSIONS, read_rule
from vxland.kernel.wire import HEADER, NetlinkError, readable, split
from vxland.lookup import query
from vxland.script.faults import NotImportable
from vxland.script.mesh import mesh
from vxland.script.setup import setup
from vxland.underlay.names import Answer, Lookup, renewed, usable

T = TypeVar("T")
LINK, ADDRESS, NEIGHBOUR = 16, 20, 28  # RTM_NEW…
BODY = HEADER.size + 4  # bytes before a rule's attributes
MOST = 60_000  # bytes of one


class Answering:
    """In place of a netlink socket: whatever is asked for, this comes."""

    def __init__(self, messages: Sequence[bytes]) -> None:
        self._messages = messages

    def dump(self, _: bytes) -> list[bytes]:
        return [*self._messages]

    def dump_as(self, read: Callable[[bytes], T], _: bytes) -> list[T]:
        return [read(message) for message in self._messages]


def answering(kind: int, body: bytes) -> Netlink:
    """One message of this type with this body."""
    message = HEADER.pack(HEADER.size + len(body), kind, 0, 0, 0) + body
    return cast("Netlink", Answering([message]))


def links(data: bytes) -> None:
    """A link that the kernel tells of."""
    with contextlib.suppress(NetlinkError), readable():
        LinkTable().refresh(answering(LINK, data))


def entries(data: bytes) -> None:
    """A forwarding entry."""
    with contextlib.suppress(NetlinkError), readable():
        FdbTable().refresh(answering(NEIGHBOUR, data), {0: "vxlan0", 1: "vxlan1"}, {}, {})


def addresses(data: bytes) -> None:
    """An address."""
    with contextlib.suppress(NetlinkError), readable():
        read_addresses(answering(ADDRESS, data), {1: "eth0"})


class Heard:
    """In place of a socket that listens: what it gives."""

    def __init__(self, *datagrams: bytes) -> None:
        self._datagrams = [*datagrams]

    def recv(self, _: int) -> bytes:
        if not self._datagrams:
            raise BlockingIOError
        return self._datagrams.pop()


@cache
def listeners() -> tuple[LinkEvents[str], RuleEvents[str]]:
    """Both, without sockets."""
    with patch("vxland.kernel.events._listen"):
        return LinkEvents("links"), RuleEvents("rules")


def events(data: bytes) -> None:
    """A datagram that the kernel sends by itself: what can't be read may be about anything."""
    links, rules = listeners()
    links.forget()
    for listener in (links, rules):
        vars(listener)["_socket"] = Heard(data)
        rings = listener.drain()
        try:
            deque(split(data), maxlen=0)
        except NetlinkError:
            assert rings
            assert links.touched is None


def rules(data: bytes) -> None:
    """The expressions of a rule, vxland's or anybody's, and a set's elements."""
    message = bytes(BODY) + attribute(RULE_EXPRESSIONS, data[:MOST])
    with contextlib.suppress(NetlinkError), readable():
        read_rule(message)
    with contextlib.suppress(NetlinkError), readable():
        port_rules.decode(data)
    with contextlib.suppress(NetlinkError, filter_chains.Strange), readable():
        filter_chains.read_rule(data)
    for version in (4, 6):
        with contextlib.suppress(NetlinkError), readable():
            deque(tally_sets._read(version, [data]), maxlen=0)


def routes(data: bytes) -> None:
    """How a peer is reached."""
    with contextlib.suppress(NetlinkError), readable():
        routing._read(data)


def counters(data: bytes) -> None:
    """What a device has counted."""
    with contextlib.suppress(NetlinkError), readable():
        read_device(HEADER.pack(HEADER.size + len(data), LINK, 0, 0, 0) + data)


def saved_rules(data: bytes) -> None:
    """What ebtables-save prints."""
    with contextlib.suppress(LookupError):  # which makes it unavailable
        parse(data.decode(errors="replace"))


def configuration(data: bytes) -> None:
    """A configuration file."""
    with TemporaryDirectory() as folder, contextlib.suppress(InvalidConfig):
        path = Path(folder) / "vxland.toml"
        path.write_bytes(data)
        load(path)


def structure(data: bytes) -> None:
    """A configuration that is TOML: hypothesis makes one of the bytes."""
    test_config_fuzz.test_any_toml.hypothesis.fuzz_one_input(data)  # type: ignore[attr-defined]


def script(data: bytes) -> None:
    """Somebody's vxlansetup.sh."""
    with contextlib.suppress(NotImportable):
        mesh([setup("a.sh", data)])


class Oracle(dns.nameserver.Nameserver):
    """A name server: to every question it says the same.

    The first four bytes are a response code and how many records there are of each section, and
    the rest is these; header and question are as they should be.
    """

    def __init__(self, data: bytes) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        counts, self._records = data[:4].ljust(4, b"\0"), data[4:]
        self._counts = struct.pack(">BBHHHH", 0x81, counts[0] & 15, 1, *counts[1:])

    def __str__(self) -> str:
        return "Do53:192.0.2.53@53"

    def answer_nameserver(self) -> str:
        return "192.0.2.53"

    def answer_port(self) -> int:
        return 53

    def is_always_max_size(self) -> bool:
        return True

    async def async_query(
        self, request: dns.message.QueryMessage, *_: object, **__: object
    ) -> dns.message.Message:
        asked = request.to_wire()
        question = asked[12 : len(request.question[0].name.to_wire() or b"") + 16]
        answer = asked[:2] + self._counts + question + self._records
        told = dns.message.from_wire(answer)
        if not request.is_response(told):
            raise dns.query.BadResponse
        return told


def names(data: bytes) -> None:
    """What a name server answers: it takes no address away, and each one is a server's."""
    resolver = dns.asyncresolver.Resolver(configure=False)
    resolver.nameservers = [Oracle(data)]

    async def ask() -> Lookup:
        return query._joined(
            [await query._ask(resolver, "a.example.org", version) for version in (4, 6)]
        )

    lookup = asyncio.run(ask())
    assert usable(lookup.addresses) == lookup.addresses
    assert bool(lookup.addresses) != bool(lookup.reason)
    assert lookup.ttl >= 0
    before = Answer(frozenset({ip_address("192.0.2.1")}), frozenset(), "")
    assert renewed(before, lookup).addresses


TARGETS: dict[str, Callable[[bytes], None]] = {
    target.__name__: target
    for target in (
        *(links, entries, addresses, events, rules, routes, counters),
        *(saved_rules, kernel, configuration, structure, script, names, requests),
    )
}
