"""Every link, as it was seen last: a message that says what it said then isn't read again."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from vxland.addresses import zoned
from vxland.kernel.links import IFINFO, Indexed, dump_request, link_request, read_link
from vxland.kernel.netlink import HEADER, Netlink, NetlinkError
from vxland.kernel.sameness import Sameness, sameness
from vxland.observed import Link

Names = tuple[str | None, str | None, str | None]  # of the master, the lower and the underlay


class LinkTable:
    """Every link of this namespace, by name; what hasn't changed since last time isn't read."""

    def __init__(self) -> None:
        self._raw: dict[int, tuple[Sameness, Indexed]] = {}
        self._named: dict[int, tuple[Indexed, Names, Link]] = {}
        self.indexes: dict[str, int] = {}
        self.names: dict[int, str] = {}
        self.underlays: dict[int, int] = {}  # what VXLAN devices are bound to, by index
        self.decoded = 0  # messages read so far, to be counted in tests

    def refresh(self, netlink: Netlink) -> dict[str, Link]:
        """Dump the links and give them by name."""
        self._raw = dict(self._read(message) for message in netlink.dump(dump_request()))
        return self._link_up(indexed for _, indexed in self._raw.values())

    def refresh_some(self, netlink: Netlink, indexes: Collection[int]) -> dict[str, Link]:
        """Ask for these links alone; the others are as they were."""
        raw = dict(self._raw)
        for index, answer in zip(indexes, netlink.ask([*map(link_request, indexes)]), strict=True):
            raw.pop(index, None)
            if not isinstance(answer, NetlinkError):
                raw.update([self._read(answer)])
        before, self._raw = self._raw, raw
        both = before.keys() & raw.keys() & set(indexes)
        if any(before[index][1].link.name != raw[index][1].link.name for index in both):
            return self._link_up(indexed for _, indexed in raw.values())  # others may name it
        there = [raw[index][1] for index in indexes if index in raw]
        self._leave(indexes)
        self._enter(there)
        named = {indexed.index: self._with_names(indexed, self.names) for indexed in there}
        for index in indexes:
            self._named.pop(index, None)
        self._named |= named
        return {link.name: link for _, _, link in self._named.values()}

    def _leave(self, indexes: Iterable[int]) -> None:
        for index in indexes:
            self.underlays.pop(index, None)
            name = self.names.pop(index, "")
            if self.indexes.get(name) == index:
                del self.indexes[name]

    def _enter(self, links: Iterable[Indexed]) -> None:
        for indexed in links:
            self.names[indexed.index] = indexed.link.name
            self.indexes[indexed.link.name] = indexed.index
            if indexed.underlay:
                self.underlays[indexed.index] = indexed.underlay

    def _read(self, message: bytes) -> tuple[int, tuple[Sameness, Indexed]]:
        """A link by its number; what it was before where it says the same."""
        body = message[HEADER.size :]
        index = IFINFO.unpack_from(body)[2]
        seen = self._raw.get(index)
        if seen is None or not seen[0].of(body):
            seen = (sameness(body, IFINFO.size), read_link(message))
            self.decoded += 1
        return index, seen

    def far_ends(self, bridges: frozenset[str]) -> dict[str, Indexed]:
        """These bridges' ports that are veths to another namespace; the same while unchanged."""
        return {
            link.name: indexed
            for indexed, (master, _, _), link in self._named.values()
            if indexed.far is not None and master in bridges
        }

    def _link_up(self, links: Iterable[Indexed]) -> dict[str, Link]:
        links = list(links)
        self.names, self.indexes, self.underlays = {}, {}, {}
        self._enter(links)
        self._named = {indexed.index: self._with_names(indexed, self.names) for indexed in links}
        return {link.name: link for _, _, link in self._named.values()}

    def known(self, message: bytes) -> Indexed | None:
        """The link that a message is about, if it says what it said in the last dump."""
        body = message[HEADER.size :]
        before = self._raw.get(IFINFO.unpack_from(body)[2])
        return before[1] if before is not None and before[0].of(body) else None

    def named(self, indexed: Indexed, names: Mapping[int, str]) -> Link:
        """The link with other devices' names, by number."""
        return self._with_names(indexed, names)[2]

    def _with_names(
        self, indexed: Indexed, names: Mapping[int, str]
    ) -> tuple[Indexed, Names, Link]:
        others = (names.get(indexed.master), names.get(indexed.lower), names.get(indexed.underlay))
        before = self._named.get(indexed.index)
        if before is not None and before[0] is indexed and before[1] == others:
            return before
        return (indexed, others, _named(indexed.link, others))


def _named(link: Link, others: Names) -> Link:
    """The same with other devices' names, which are also link-local addresses' zones."""
    master, lower, underlay = others
    state = link.vxlan
    if state is not None and underlay is not None:
        local, remote = (a and zoned(a, underlay) for a in (state.local, state.remote))
        state = replace(state, underlay=underlay, local=local, remote=remote)
    return replace(link, master=master, lower=lower, vxlan=state)
