"""A second look at a few devices: what the first one saw of all the others isn't gone through."""

from collections.abc import Collection, Iterable, Mapping
from typing import TypeVar

from msgspec.structs import replace

from vxland.kernel.directory import Directory
from vxland.kernel.fdb import FdbTable
from vxland.kernel.link_table import LinkTable
from vxland.kernel.netlink import Netlink
from vxland.observed import Observed, Since
from vxland.ownership import KINDS

ValueT = TypeVar("ValueT")


def look_again(
    netlink: Netlink,
    table: LinkTable,
    forwarding: FdbTable,
    directory: Directory,
    look: tuple[Observed, Collection[int]],
) -> tuple[Observed, Since | None]:
    """The last ``look`` with the devices of these numbers, and their entries, as they are now.

    And by which names it may differ from that: None where that can't be told, since the table was
    read in between, or a device has another name, by which others may go.
    """
    before, touched = look
    alike = before.links is table.links
    was = {index: table.names.get(index, "") for index in touched}
    links = table.refresh_some(netlink, touched)
    there = {index: table.names[index] for index in touched if index in table.names}
    alike = alike and all(was[index] in {"", name} for index, name in there.items())
    names = frozenset((*was.values(), *there.values()))
    gone = names if alike else names | (before.links.keys() - links.keys())
    for name in was.values():
        directory.indexes.pop(name, None)
    directory.indexes |= {name: index for index, name in there.items()}
    vxlans = {index: name for index, name in there.items() if links[name].vxlan}
    forwarding.forget(frozenset(touched) - vxlans.keys())
    fdb = forwarding.refresh_some(netlink, vxlans, table.names, table.underlays)
    addresses = {
        name: before.addresses.get(was[index], frozenset())
        for index, name in there.items()
        if links[name].kind in KINDS
    }
    observed = replace(
        before,
        links=links,
        fdb=_changed(before.fdb, gone, fdb),
        addresses=_changed(before.addresses, gone, addresses),
    )
    return observed, Since(before, names) if alike else None


def without(before: Observed, names: Collection[str]) -> Observed:
    """The same without these devices."""
    return replace(
        before,
        links=_changed(before.links, names, {}),
        fdb=_changed(before.fdb, names, {}),
        addresses=_changed(before.addresses, names, {}),
    )


def _changed(
    before: Mapping[str, ValueT], gone: Iterable[str], there: Mapping[str, ValueT]
) -> dict[str, ValueT]:
    now = dict(before)
    for name in gone:
        now.pop(name, None)
    now.update(there)
    return now
