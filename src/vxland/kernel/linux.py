"""The kernel of this network namespace: one object that sees it whole and changes it."""

import os
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import nullcontext

from msgspec.structs import replace

from vxland.addresses import IPAddress
from vxland.execution import Failure
from vxland.guards import GUARDS
from vxland.guards.nftables import NAME as NFTABLES
from vxland.kernel.abroad import find_abroad
from vxland.kernel.addresses import Addresses, read_addresses
from vxland.kernel.bridge_ports import read_back_ports
from vxland.kernel.counters import read_traffic
from vxland.kernel.deeds import Deeds, End, Writer
from vxland.kernel.directory import Directory
from vxland.kernel.ebtables import SCRIPTS, Ebtables
from vxland.kernel.far_ends import FarEnds
from vxland.kernel.fdb import FdbTable
from vxland.kernel.forward import Forward
from vxland.kernel.generation import Generation
from vxland.kernel.ingress import BATCHES as INGRESS_BATCHES
from vxland.kernel.ingress import Ingress
from vxland.kernel.link_table import LinkTable
from vxland.kernel.looking_again import look_again, without
from vxland.kernel.netlink import Netlink
from vxland.kernel.nftables import BATCHES, Nftables
from vxland.kernel.peer_counters import read_counters
from vxland.kernel.reading_back import read_back, read_back_some
from vxland.kernel.routes import RouteTable, Underlay
from vxland.kernel.tally import BATCHES as TALLY_BATCHES
from vxland.kernel.tally import Tally
from vxland.kernel.wire import readable
from vxland.observed import Abroad, FarEnd, ForwardChain, Host, Link, Observed, Since
from vxland.operations import MakeIngress, Operation
from vxland.ownership import KINDS, is_own
from vxland.process.closing import Closing
from vxland.tables.meter import Counters
from vxland.traffic import Seen
from vxland.underlay.mtu import following

RELEASE = tuple(map(int, re.findall(r"\d+", os.uname().release)[:2]))
LONG = 1000  # elements of a table, which take longer to write than a process to start
LIVE_RENAME = (6, 2)  # bd039b5ea2a9, "net/core: Allow live renaming when an interface is up"


class LinuxKernel(Closing):
    """Sees links, forwarding entries, addresses, routes and rules, and changes them.

    For one thread, which ``keeps`` what it makes if it is the daemon's. ``answered`` is called on
    the way through what may take minutes. Raises OSError where not even a look is allowed or
    possible.
    """

    def __init__(self, *, keeps: bool = False, answered: Callable[[], None] = lambda: None) -> None:
        self._netlink = Netlink(answered=answered)
        self._links = LinkTable()
        self._fdb = FdbTable()
        self._routes = RouteTable()
        self._generation = generation = Generation()
        self.ebtables = Ebtables(generation)
        self.forward = Forward()
        self._far_ends = FarEnds()
        self.nftables = Nftables(keeps=keeps, generation=generation)
        self.ingress = Ingress(keeps=keeps, generation=generation)
        self.tally = Tally(keeps=keeps, generation=generation)
        self._tables: dict[str, Nftables | Ingress | Tally] = {
            table.table: table for table in (self.nftables, self.ingress, self.tally)
        }
        self._directory = Directory({}, {})
        writers: dict[type[Operation], Writer] = {
            **dict.fromkeys(SCRIPTS, self.ebtables.begin),
            **dict.fromkeys((*BATCHES, *INGRESS_BATCHES, *TALLY_BATCHES), self._write_table),
        }
        self._deeds = Deeds(self._netlink, self._links, self._directory, writers)
        self._bridges: dict[str, int] = {}  # indexes, as last observed

    def close(self) -> None:
        """Close the sockets."""
        self.ebtables.close()
        self.forward.close()
        self.nftables.close()
        self.ingress.close()
        self.tally.close()
        self._netlink.close()

    @property
    def port_ids(self) -> set[int]:
        """What the kernel's notifications of this object's changes carry as their origin."""
        return self._netlink.port_ids

    @readable()
    def host(self, remotes: frozenset[IPAddress] = frozenset()) -> Host:
        """What this machine has apart from overlays: addresses, routes, MTUs."""
        links = self._links.refresh(self._netlink)
        return self._host(remotes, links, read_addresses(self._netlink, self._links.names))

    @readable()
    def observe(
        self,
        remotes: frozenset[IPAddress] = frozenset(),
        *,
        abroad: bool = False,
        others: bool = False,
        guards: Collection[str] = tuple(GUARDS),
    ) -> Observed:
        """Look at everything in this namespace; where asked to, in others, and at others' rules.

        ``guards`` are those that are wanted: of others it isn't found out why there can be none.
        """
        links = self._links.refresh(self._netlink)
        names = self._links.names
        self._directory.indexes = dict(self._links.indexes)
        vxlans = {index: name for index, name in names.items() if links[name].vxlan}
        addresses = read_addresses(self._netlink, names)
        indexes = self._links.indexes
        self._bridges = {n: indexes[n] for n, link in links.items() if link.kind == "bridge"}
        ours = {name for name, link in links.items() if link.kind in KINDS}  # or may be
        with self._generation.look():
            return Observed(
                links=links,
                fdb=self._fdb.refresh(self._netlink, vxlans, names, self._links.underlays),
                addresses={name: addresses.on(name) for name in ours},
                ebtables=self.ebtables.read(others=others),
                nftables=self.nftables.read(wanted=NFTABLES in guards),
                ingress=self.ingress.read(),
                tally=self.tally.read(),
                abroad=self.look_abroad() if abroad else None,
                host=self._host(remotes, links, addresses),
            )

    @readable()
    def holdings(self) -> Observed:
        """What vxland may have here, and who uses it: what there is to know to take it away.

        Forwarding entries go with their links, and how peers are reached doesn't matter then.
        """
        seen = self._seen_back(read_back(self._netlink, self._links), self._read_guards())
        numbered = {index: name for name, index in self._directory.indexes.items()}
        addresses = read_addresses(self._netlink, numbered)
        return replace(
            seen,
            addresses={
                name: addresses.on(name) for name, link in seen.links.items() if link.kind in KINDS
            },
            ingress=self.ingress.outline(),
            tally=self.tally.read(),
        )

    @readable()
    def look_again(
        self, before: Observed, touched: Collection[int], *, guards: Collection[str] = ()
    ) -> tuple[Observed, Since | None]:
        """The last look, with these devices and their entries as they are now, and the rules.

        And by which names it may differ from that, where it is known. ``touched`` are numbers of
        devices, as the kernel's notifications have them. Addresses and routes have notifications
        of their own. ``guards`` are those that may be wanted for the first time.

        Rules come first: whoever deletes a device holds links' lock for a while after it was told.
        """
        with self._generation.look():
            rules = {
                "ebtables": self.ebtables.read_again(),
                "nftables": self.nftables.read(wanted=NFTABLES in guards),
                "ingress": self.ingress.read(),
                "tally": self.tally.read(),
            }
        observed, since = look_again(
            self._netlink, self._links, self._fdb, self._directory, (before, touched)
        )
        return replace(observed, **rules), since

    def foresee(self, before: Observed, leaving: Collection[int]) -> tuple[Observed, Since]:
        """The last look without the devices of these numbers, as if they were gone already."""
        names = frozenset(self._links.names[index] for index in leaving & self._links.names.keys())
        return without(before, names), Since(before, names)

    @readable()
    def host_again(self, before: Host, remotes: frozenset[IPAddress]) -> Host:
        """The same with routes to these, where no device and no address has changed."""
        underlay = Underlay(self._links.names, self._links.links, before.addresses)
        routes = self._routes.refresh(self._netlink, remotes, underlay)
        return replace(before, routes=routes.found, unreachable=routes.missing)

    @readable()
    def read_back_some(self, names: Collection[str], touched: Collection[int]) -> Observed:
        """These links, and those that were touched meanwhile, and the guards, as they are now."""
        self._deeds.wait()
        seen = read_back_some(self._netlink, self._links, names, touched)
        return self._seen_back(seen, self._read_guards())

    @readable()
    def read_forward(self) -> tuple[ForwardChain, ...]:
        """What drops frames between ports of the bridges observed last.

        Apart, since it may take longer than a repair: for when there is none to do.
        """
        return self.forward.read(self._bridges)

    @readable()
    def read_far_ends(self, bridges: frozenset[str]) -> dict[str, FarEnd]:
        """Look at what containers have of the veths that are ports of these bridges, by port."""
        return self._far_ends.read(self._netlink, self._links.far_ends(bridges))

    @readable()
    def look_abroad(self) -> tuple[Abroad, ...]:
        """Look for devices of vxland's in other namespaces; with many of them that takes long."""
        found = list(find_abroad(self._netlink))
        self._directory.abroad.clear()
        self._directory.abroad.update({(d.nsid, d.name): index for d, index in found})
        return tuple(device for device, _ in found)

    @readable()
    def read_traffic(self) -> dict[str, Seen]:
        """What VXLAN devices have counted, by name."""
        return read_traffic(self._netlink)

    def read_counters(self) -> Counters:
        """What nftables has counted for peers of shared VTEPs."""
        return read_counters()

    @readable()
    def read_back(self) -> Observed:
        """Ports and links, as far as guards and ownership go by them, and the guards, as they are.

        Of the ports alone where that tells enough.
        """
        self._deeds.wait()
        guards = self._read_guards()
        names = {index: name for name, index in self._directory.indexes.items()}
        seen = read_back_ports(self._netlink, self._links, names, guards)
        return self._seen_back(seen or read_back(self._netlink, self._links), guards)

    def _read_guards(self) -> Observed:
        with self._generation.look():
            rules, table = self.ebtables.read_again(), self.nftables.read(wanted=False)
        return Observed(ebtables=rules, nftables=table)

    def _seen_back(
        self, seen: tuple[Mapping[str, Link], Mapping[str, int]], guards: Observed
    ) -> Observed:
        """With the guards; a device whose name has changed hands since keeps its own number."""
        links, indexes = seen
        known = self._directory.indexes
        known.update({name: indexes[name] for name in indexes.keys() - known.keys()})
        return replace(guards, links=links)

    def perform(self, operations: Sequence[Operation]) -> Mapping[Operation, Failure]:
        """Carry out operations of one step of a phase; returns those that failed.

        While no tunnel is up, the process that writes a chain does so beside what follows. Tables
        come first then: their transactions would wait for it. Beside long ones it starts, and is
        told later. A guard that is lacking isn't delayed by them.
        """
        if SCRIPTS.keys().isdisjoint(map(type, operations)):
            return self._deeds.perform(operations, beside=True)
        if any(link.up and link.is_tunnel for link in self._links.links.values()):
            return self._deeds.perform(operations)
        tables_first = sorted(operations, key=lambda one: type(one) in SCRIPTS)
        with self.ebtables.ahead() if any(map(_is_long, operations)) else nullcontext():
            return self._deeds.perform(tables_first, beside=True)

    def settle(self) -> Mapping[Operation, Failure]:
        """Wait for what goes on; returns what failed of it."""
        return self._deeds.settle()

    def _write_table(self, operation: Operation) -> End:
        """Some operations are any table's."""
        failure = self._tables[operation.device].write(operation)
        return lambda: failure

    def _host(
        self,
        remotes: frozenset[IPAddress],
        links: Mapping[str, Link],
        addresses: Addresses,
    ) -> Host:
        underlay = Underlay(self._links.names, links, addresses.local)
        routes = self._routes.refresh(self._netlink, remotes, underlay)
        return Host(
            addresses=tuple(addresses.local),
            routes=routes.found,
            unreachable=routes.missing,
            # Own tunnels lead nowhere else: one that is deleted is no reason to resolve anew.
            mtus={n: link.mtu for n, link in links.items() if not (link.vxlan and is_own(link))},
            following=following(links),
            renames_live=RELEASE >= LIVE_RENAME,
        )


def _is_long(operation: Operation) -> bool:
    return isinstance(operation, MakeIngress) and len(operation.elements) > LONG
