"""What reads bytes that others wrote: each takes them, or says in its own way that it can't.

Anything but what a target allows is a finding. tests/fuzz/test_targets.py feeds them with
hypothesis, scripts/fuzz with what coverage suggests. Files are fuzzed by
tests/unit/test_config_fuzz.py and tests/core/test_script_fuzz.py, too.
"""

import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar, cast

from vxland.config.errors import InvalidConfig
from vxland.config.load import load
from vxland.kernel.addresses import read_addresses
from vxland.kernel.ebtables import parse
from vxland.kernel.events import LinkEvents, RuleEvents
from vxland.kernel.fdb import FdbTable
from vxland.kernel.link_table import LinkTable
from vxland.kernel.netlink import Netlink
from vxland.kernel.suspects import Suspects
from vxland.kernel.wire import HEADER, NetlinkError, readable, split
from vxland.script.faults import NotImportable
from vxland.script.mesh import mesh
from vxland.script.setup import setup

T = TypeVar("T")
LINK, ADDRESS, NEIGHBOUR = 16, 20, 28  # RTM_NEW…


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


def events(data: bytes) -> None:
    """A datagram that the kernel sends by itself."""
    for source in (LinkEvents, RuleEvents):
        listener = source.__new__(source)
        listener._own, listener._destinations = (), None  # type: ignore[attr-defined]
        listener.suspects = Suspects()
        listener._farewell = lambda _: None  # type: ignore[attr-defined]
        with contextlib.suppress(NetlinkError), readable():
            for kind, _, message in split(data):
                listener._matters(kind, message)


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


def script(data: bytes) -> None:
    """Somebody's vxlansetup.sh."""
    with contextlib.suppress(NotImportable):
        mesh([setup("a.sh", data)])


TARGETS: dict[str, Callable[[bytes], None]] = {
    target.__name__: target
    for target in (links, entries, addresses, events, saved_rules, configuration, script)
}
