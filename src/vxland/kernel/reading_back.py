"""Reading links back before ports come up: only what guards, and whose a device is, go by.

What was made a moment ago differs in all from what was seen last, and will do so again once it is
up. To read it whole takes five times as long.
"""

from collections import ChainMap
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from vxland.kernel import links
from vxland.kernel.link_table import LinkTable
from vxland.kernel.links import IFINFO, Indexed, read_isolated, read_number, read_text
from vxland.kernel.netlink import Netlink
from vxland.kernel.wire import HEADER, NetlinkError, by_kind
from vxland.observed import Link


def read_back(netlink: Netlink, table: LinkTable) -> tuple[dict[str, Link], dict[str, int]]:
    """The links by name, and their numbers.

    Those that differ from what the table has read have name, kind, group, marks, master, lower
    device, state and the flag ``isolated``, and nothing else. The table stays as it is.
    """
    seen = netlink.dump_as(partial(_told, table), links.dump_request())
    return _linked(seen, table, {})


def read_back_some(
    netlink: Netlink, table: LinkTable, names: Iterable[str], touched: Iterable[int]
) -> tuple[dict[str, Link], dict[str, int]]:
    """The same of the links that have these names or numbers, as far as they are there."""
    requests = [*map(links.named_request, names), *map(links.link_request, touched)]
    answers = netlink.ask(requests)
    # One that has just been made is asked for by its name, and was touched.
    told = [answer for answer in answers if not isinstance(answer, NetlinkError)]
    there = {IFINFO.unpack_from(answer, HEADER.size)[2]: answer for answer in told}
    seen = [_told(table, answer) for answer in there.values()]
    return _linked(seen, table, table.names)


def _told(table: LinkTable, message: bytes) -> "Indexed | _Port":
    return table.known(message) or _Port(message)


def _linked(
    seen: "Iterable[Indexed | _Port]", table: LinkTable, others: dict[int, str]
) -> tuple[dict[str, Link], dict[str, int]]:
    """``others`` are names of devices that aren't among those seen."""
    mine = {each.index: each.name for each in seen}
    names = ChainMap(mine, others) if others else mine
    found = {
        each.name: each.link(names) if isinstance(each, _Port) else table.named(each, names)
        for each in seen
    }
    return found, {name: index for index, name in mine.items()}


class _Port:
    """A link that is new or changed."""

    __slots__ = ("_fields", "_lower", "_master", "index", "name")

    def __init__(self, message: bytes) -> None:
        _, _, self.index, flags, _ = IFINFO.unpack_from(message, HEADER.size)
        seen = by_kind(message, HEADER.size + IFINFO.size)
        info = by_kind(seen.get(links.LINKINFO, b""))
        self.name = read_text(seen.get(links.IFNAME, b""))
        self._master = read_number(seen.get(links.MASTER))
        # A lower device in another namespace has a number that means nothing here.
        self._lower = 0 if links.LINK_NETNSID in seen else read_number(seen.get(links.LINK))
        self._fields: dict[str, Any] = {
            "kind": read_text(info[links.INFO_KIND]) if links.INFO_KIND in info else None,
            "alias": read_text(seen.get(links.IFALIAS, b"")),
            "altnames": links.read_altnames(seen),
            "group": read_number(seen.get(links.GROUP)),
            "up": bool(flags & links.IFF_UP),
            "isolated": _is_isolated(info),
        }

    def link(self, names: Mapping[int, str]) -> Link:
        """With other devices' names."""
        master, lower = names.get(self._master), names.get(self._lower)
        return Link(self.name, master=master, lower=lower, **self._fields)


def _is_isolated(info: Mapping[int, bytes]) -> bool:
    if not info.get(links.INFO_SLAVE_KIND, b"").startswith(b"bridge"):
        return False
    return read_isolated(info.get(links.INFO_SLAVE_DATA, b""))
