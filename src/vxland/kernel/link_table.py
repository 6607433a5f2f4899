"""Every link, as it was seen last: a message that says what it said then isn't read again."""

from collections.abc import Collection, Iterable, Iterator, Mapping

from msgspec.structs import replace

from vxland.addresses import zoned
from vxland.kernel.links import IFINFO, Indexed, dump_request, link_request, read_link
from vxland.kernel.netlink import Netlink
from vxland.kernel.sameness import Sameness, sameness
from vxland.kernel.wire import HEADER, NetlinkError
from vxland.observed import Link

Names = tuple[str | None, str | None, str | None]  # of the master, the lower and the underlay
PARTS = ("name", "alias", "altnames", "mac", "vxlan")  # of a link, the large ones


class LinkTable:
    """Every link of this namespace, by name; what hasn't changed since last time isn't read."""

    def __init__(self) -> None:
        self._raw: dict[int, tuple[Sameness, Indexed]] = {}
        self._named: dict[int, tuple[Indexed, Names, Link]] = {}
        self.indexes: dict[str, int] = {}
        self.names: dict[int, str] = {}
        self.underlays: dict[int, int] = {}  # what VXLAN devices are bound to, by index
        self.links: dict[str, Link] = {}  # as they were given last; the same while they are
        self.decoded = 0  # messages read so far, to be counted in tests

    def refresh(self, netlink: Netlink) -> dict[str, Link]:
        """Dump the links and give them by name."""
        self._raw = dict(netlink.dump_as(self._read, dump_request()))
        return self._link_up(indexed for _, indexed in self._raw.values())

    def refresh_some(self, netlink: Netlink, indexes: Collection[int]) -> dict[str, Link]:
        """Ask for these links alone; the others are as they were.

        Unless one has another name now, by which others may go, they are the same objects.
        """
        answers = netlink.ask([*map(link_request, indexes)])
        seen = dict(self._read(each) for each in answers if not isinstance(each, NetlinkError))
        there = [indexed for _, indexed in seen.values()]
        renamed = any(
            each.link.name != self.names.get(each.index, each.link.name) for each in there
        )
        for index in indexes:
            self._raw.pop(index, None)
        self._raw.update(seen)
        if renamed:  # others may go by that
            return self._link_up(indexed for _, indexed in self._raw.values())
        links = dict(self.links)
        for name in self._leave(indexes):
            del links[name]
        self._enter(there)
        named = {indexed.index: self._with_names(indexed, self.names) for indexed in there}
        for index in indexes:
            self._named.pop(index, None)
        self._named.update(named)
        links.update({link.name: link for _, _, link in named.values()})
        self.links = links
        return links

    def _leave(self, indexes: Iterable[int]) -> Iterator[str]:
        """Forget these; gives the names that nobody has then."""
        for index in indexes:
            self.underlays.pop(index, None)
            name = self.names.pop(index, "")
            if self.indexes.get(name) == index:
                del self.indexes[name]
                yield name

    def _enter(self, links: Iterable[Indexed]) -> None:
        for indexed in links:
            self.names[indexed.index] = indexed.link.name
            self.indexes[indexed.link.name] = indexed.index
            if indexed.underlay:
                self.underlays[indexed.index] = indexed.underlay

    def _read(self, message: bytes) -> tuple[int, tuple[Sameness, Indexed]]:
        """A link by its number; what it was before where it says the same, or means the same."""
        body = message[HEADER.size :]
        index = IFINFO.unpack_from(body)[2]
        before = self._raw.get(index)
        if before is not None and before[0].of(body):
            return index, before
        read = read_link(message)
        self.decoded += 1
        if before is not None and read == before[1]:
            read = before[1]
        elif (link := self.links.get(read.name)) is not None:
            read = replace(read, link=_sharing(read.link, link))
        return index, (sameness(body, IFINFO.size), read)

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
        found = {link.name: link for _, _, link in self._named.values()}
        self.links = self.links if found == self.links else found
        return self.links

    def known(self, message: bytes) -> Indexed | None:
        """The link that a message is about, if it says what it said in the last dump."""
        body = message[HEADER.size :]
        before = self._raw.get(IFINFO.unpack_from(body)[2])
        return before[1] if before is not None and before[0].of(body) else None

    def by_number(self) -> dict[int, Link]:
        """The links as they were given last."""
        return {index: link for index, (_, _, link) in self._named.items()}

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


def _sharing(link: Link, before: Link) -> Link:
    """The same, with what has stayed as it was before as the very object.

    Where a bridge goes, each of its ports is another: three looks' worth of them is kept at a time.
    """
    pairs = {part: (getattr(before, part), getattr(link, part)) for part in PARTS}
    return replace(link, **{part: old for part, (old, new) in pairs.items() if old == new})


def _named(link: Link, others: Names) -> Link:
    """The same with other devices' names, which are also link-local addresses' zones."""
    master, lower, underlay = others
    state = link.vxlan
    if state is not None and underlay is not None:
        local, remote = (a and zoned(a, underlay) for a in (state.local, state.remote))
        state = replace(state, underlay=underlay, local=local, remote=remote)
    return replace(link, master=master, lower=lower, vxlan=state)
