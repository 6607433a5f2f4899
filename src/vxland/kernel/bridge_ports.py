"""Reading bridge ports back before some come up: whether each is guarded, and no more.

A dump of the bridge family (net/bridge/br_netlink.c, br_fill_ifinfo) tells a port's name, bridge,
state and flags in a third of the time that one of all links takes, and a quarter of its bytes. It
doesn't tell whose a port is: that is as it was seen last, and else it must not matter.
"""

from collections.abc import Container, Iterable, Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from vxland.kernel.link_table import LinkTable
from vxland.kernel.links import (
    IFF_UP,
    IFINFO,
    IFNAME,
    MASTER,
    RTM_GETLINK,
    read_isolated,
    read_number,
    read_text,
)
from vxland.kernel.netlink import Netlink
from vxland.kernel.wire import HEADER, by_kind
from vxland.observed import EbtablesState, Link, Observed, PortRule, TableState
from vxland.ownership import is_own

AF_BRIDGE = 7
PROTINFO = 12  # IFLA_PROTINFO: of a dump of this family, what else is in IFLA_INFO_SLAVE_DATA


class Port(Struct, frozen=True):
    """What the kernel tells of a bridge port."""

    index: int
    name: str
    master: int
    up: bool
    isolated: bool

    def link(self, before: Link | None, master: str | None) -> Link:
        """The port as a link: as it was ``before``, and nobody's where it wasn't there."""
        if before is None:
            return Link(self.name, up=self.up, master=master, isolated=self.isolated)
        was = before.name, before.up, before.master, before.isolated
        if was == (self.name, self.up, master, self.isolated):
            return before
        return replace(before, name=self.name, up=self.up, master=master, isolated=self.isolated)


def read_back_ports(
    netlink: Netlink, table: LinkTable, names: Mapping[int, str], guards: Observed
) -> tuple[dict[str, Link], dict[str, int]] | None:
    """The ports, beside links that were none when the table was read; and the ports' numbers.

    ``names`` are of all that there should be, by number. None where more must be known: whose a
    port is that is up and may be a tunnel of vxland's by now, or that is new and named by a rule;
    and what else there is where a device was deleted since, or a port that was seen is none.
    """
    body = IFINFO.pack(AF_BRIDGE, 0, 0, 0, 0)
    request = HEADER.pack(HEADER.size + len(body), RTM_GETLINK, 0, 0, 0) + body
    ports = {port.index: port for port in _ports(netlink.dump(request))}
    known = table.by_number()
    links = _as_links(ports, known, names, _named(guards))
    return None if links is None else (links, {port.name: port.index for port in ports.values()})


def _ports(messages: Iterable[bytes]) -> Iterator[Port]:
    for message in messages:
        _, _, index, flags, _ = IFINFO.unpack_from(message, HEADER.size)
        seen = by_kind(message, HEADER.size + IFINFO.size)
        if MASTER in seen:  # network cards that are switches tell of themselves here, too
            name, master = read_text(seen.get(IFNAME, b"")), read_number(seen[MASTER])
            isolated = read_isolated(seen.get(PROTINFO, b""))
            yield Port(index, name, master, bool(flags & IFF_UP), isolated)


def _named(guards: Observed) -> frozenset[str | None]:
    """What rules go by: names of ports, and beginnings of names."""
    rules: list[PortRule] = []
    if isinstance(guards.ebtables, EbtablesState):
        rules += guards.ebtables.chain or ()
    if isinstance(guards.nftables, TableState) and guards.nftables.table is not None:
        rules += guards.nftables.table.rules
    return frozenset(name for rule in rules for name in (rule.source, rule.target))


def _as_links(
    ports: Mapping[int, Port],
    known: Mapping[int, Link],
    names: Mapping[int, str],
    named: Container[str | None],
) -> dict[str, Link] | None:
    if not known.keys() <= names.keys():
        return None
    apart = [link for index, link in known.items() if index not in ports]
    bridges = {link.name for link in known.values() if link.kind == "bridge"}
    if any(link.master in bridges for link in apart):
        return None
    links = {link.name: link for link in apart}
    for index, port in ports.items():
        before = known.get(index)
        if before is None and (port.up or port.name in named):
            return None
        if before is not None and port.up and before.is_tunnel and not is_own(before):
            return None
        links[port.name] = port.link(before, names.get(port.master))
    return links
