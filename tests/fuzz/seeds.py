"""What each target gets to begin with: sound inputs, of which coverage makes unsound ones."""

import contextlib
import struct
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

from tests.contract.namespace import fresh_namespace
from tests.core.test_script_fuzz import ONE
from tests.faults.stage import STRANGERS, sh
from tests.fuzz.conversation import PORT, overheard, recorded, turns
from tests.fuzz.web import SOUND
from tests.unit.written import PLAIN
from vxland.kernel.events import LinkEvents, RuleEvents
from vxland.kernel.netlink import NETLINK_NETFILTER, NETLINK_ROUTE, open_socket
from vxland.kernel.rules import RULE_EXPRESSIONS
from vxland.kernel.transactions import BODY
from vxland.kernel.wire import HEADER, attributes, split

if TYPE_CHECKING:
    from socket import socket

EXAMPLE = Path(__file__).parents[2] / "etc" / "vxland.toml.example"
SAVED = b"""*filter
:INPUT ACCEPT
:FORWARD ACCEPT
:VXLAND RETURN
-A FORWARD -i vxl-+ -o vxl-+ -j VXLAND
-A FORWARD -j VXLAND
-A FORWARD -p IPv4 -i eth9 --ip-src 10.0.0.0/8 -j ACCEPT
-A VXLAND -i vxl-lan-a -o vxl-lan-b -j DROP
"""
ALIASED = b"\1b\xc0\x0e\0\1\0\1\0\0\0\5\0\4\xc0\0\2\2"
TEXTS = {
    "configuration": (EXAMPLE.read_bytes(), PLAIN.encode()),
    "script": (ONE.encode(),),
    "saved_rules": (SAVED,),
    "names": (  # an address of each kind, by an alias, and none, with how long that holds
        b"\0\1\0\0\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\1",
        b"\0\1\0\0\xc0\x0c\0\x1c\0\1\0\0\0\x3c\0\x10\x20\1\r\xb8" + bytes(11) + b"\1",
        b"\0\2\0\0\xc0\x0c\0\5\0\1\0\0\0\x3c\0\4\1b\xc0\x0e" + ALIASED,
        b"\3\0\1\0\xc0\x0e\0\6\0\1\0\0\0\x3c\0\x16\0\0" + b"\0\0\0\x3c" * 5,
    ),
    "requests": (
        SOUND,
        SOUND.replace(b"close", b"keep-alive") + SOUND.replace(b"/healthz", b"/metrics"),
        b"HEAD /api/v1/status HTTP/1.1\r\nHost: [::1]:9788\r\nAccept-Encoding: gzip;q=1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n",
        b"GET / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc",
    ),
}
GOING = """
bridge fdb append 00:00:00:00:00:00 dev fvx0 dst 10.0.0.8
ip route add 10.1.0.0/16 via 10.0.0.2; ip address del 10.0.0.1/8 dev eth0
ip link del fvx0; ip link del g0; ebtables -F; nft delete table inet theirs
"""
NEW = {16: ("links", "counters"), 20: ("addresses",), 24: ("routes",), 28: ("entries",)}
NEWRULE = 10 << 8 | 6
OWNER = struct.Struct(">I")  # of a table: NFTA_TABLE_OWNER
MOST = 40  # of what the kernel says
SHORT = 8000  # bytes of a tape


class Listening:
    """A netlink socket, and what was received from it."""

    def __init__(self, protocol: int, heard: list[tuple[int, bytes]]) -> None:
        self._socket = open_socket(protocol)
        self._heard = heard
        self._protocol = protocol

    def __getattr__(self, name: str) -> object:
        return getattr(self._socket, name)

    def recv(self, size: int, flags: int = 0) -> bytes:
        """The kernel's answers, with the number that each socket has where they are repeated."""
        data = self._socket.recv(size, flags)
        own, any_ones = (OWNER.pack(port) for port in (self._socket.getsockname()[0], PORT))
        self._heard.append((self._protocol, data.replace(own, any_ones)))
        return data


def seeds(name: str) -> list[bytes]:
    """Those of a target. What the kernel says has to be asked for, which takes root."""
    if name in TEXTS:
        return [*TEXTS[name]]
    if name == "events":
        return _told()[:MOST]
    before, heard = _heard()
    if name == "kernel":
        tapes = [b"".join(recorded(data) for _, data in some) for some in (before, heard)]
        return [*tapes, tapes[1][:SHORT]]
    of = _rules if name == "rules" else _bodies(name)
    return list(dict.fromkeys(body for one in heard for body in of(*one)))[:MOST]


def _heard() -> tuple[list[tuple[int, bytes]], list[tuple[int, bytes]]]:
    """Datagrams, and from which part of netlink they are: of first turns, and of later ones."""
    before: list[tuple[int, bytes]] = []
    after: list[tuple[int, bytes]] = []
    try:
        with fresh_namespace():
            sh(STRANGERS)
            for heard in (before, after):
                with overheard(partial(_listening, heard)):
                    turns()
    except PermissionError:
        pass
    return before, after


def _told() -> list[bytes]:
    """What the kernel sends by itself while devices and rules come and go."""
    told: list[bytes] = []
    try:
        with fresh_namespace(), LinkEvents("") as links, RuleEvents("") as rules:
            sh(STRANGERS)
            sh(GOING)
            for listener in (rules, links):
                with contextlib.suppress(BlockingIOError):
                    while True:
                        told.append(vars(listener)["_socket"].recv(1 << 16))
    except PermissionError:
        pass
    return told


def _listening(heard: list[tuple[int, bytes]], protocol: int) -> "socket":
    return cast("socket", Listening(protocol, heard))


def _bodies(name: str) -> Callable[[int, bytes], Iterator[bytes]]:
    def of(protocol: int, data: bytes) -> Iterator[bytes]:
        for kind, _, message in split(data):
            if protocol == NETLINK_ROUTE and name in NEW.get(kind, ()):
                yield message[HEADER.size :]

    return of


def _rules(protocol: int, data: bytes) -> Iterator[bytes]:
    for kind, _, message in split(data):
        if protocol == NETLINK_NETFILTER and kind == NEWRULE:
            yield dict(attributes(message, BODY)).get(RULE_EXPRESSIONS, b"")
