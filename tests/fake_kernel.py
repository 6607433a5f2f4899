"""A kernel for tests: sees and does what LinuxKernel does, by the facts in docs/design.md.

``tests/contract`` runs the same scenarios on it and on the real one. It knows no routes and no
addresses but the bridges' (of ``Observed.host`` only MTUs, and how it renames), no carrier
(``Link.running``), and no rules but ebtables' (``Observed.forward`` is empty).
"""

import errno
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from tests.fake.devices import Device, RefusedError
from tests.fake.filter import Filter, FilterError
from tests.fake.ingress import IngressNft
from tests.fake.requests import CHANGES, CREATIONS
from tests.fake.table import Nft, Table
from tests.fake.tally import TallyNft
from tests.fake.tunnels import Tunnels
from vxland import operations as ops
from vxland.addresses import IPAddress
from vxland.execution import Failure
from vxland.kernel.directory import NEEDED, Directory
from vxland.kernel.ebtables import SCRIPTS
from vxland.kernel.ingress import BATCHES as INGRESS_BATCHES
from vxland.kernel.looking_again import without
from vxland.kernel.nftables import BATCHES
from vxland.kernel.refusals import DONE_ALREADY
from vxland.kernel.tally import BATCHES as TALLY_BATCHES
from vxland.observed import (
    Abroad,
    EbtablesState,
    FarEnd,
    ForwardChain,
    Host,
    Observed,
    Since,
    Unavailable,
)
from vxland.operations import Operation
from vxland.ownership import KINDS, is_own
from vxland.tables.ebtables import standing
from vxland.tables.meter import Counters
from vxland.tables.nftables import (
    counters_script,
    ending_script,
    filling_script,
    ingress_change_script,
    ingress_rules_script,
    ingress_script,
    ingress_trim_script,
    table_script,
    tally_rules_script,
    tally_script,
)
from vxland.traffic import Seen

NFT_SCRIPTS: dict[type[Operation], Callable[[Any], tuple[str, ...]]] = {
    ops.MakeIngress: ingress_script,
    ops.WriteIngressRules: ingress_rules_script,
    ops.ChangeIngress: ingress_change_script,
    ops.TrimIngress: ingress_trim_script,
    ops.MakeTally: tally_script,
    ops.WriteTallyRules: tally_rules_script,
    ops.AddCounters: counters_script,
    ops.RemoveCounters: counters_script,
    ops.MakeTable: table_script,
    ops.FillTable: filling_script,
    ops.TrimTable: filling_script,
    ops.RemoveTable: ending_script,
}
TABLES = {*BATCHES, *INGRESS_BATCHES, *TALLY_BATCHES}
RULES = {*SCRIPTS, *TABLES}


class FakeKernel:
    """One network namespace. ``net``, ``filter`` and ``tables`` may be vandalised."""

    def __init__(self) -> None:
        self.net = Tunnels()
        self.filter = Filter()
        self.nft = Nft()
        self.ingress = IngressNft()
        self.tally = TallyNft()
        self.no_ebtables: Unavailable | None = None
        self.no_nftables: Unavailable | None = None
        self._directory = Directory({}, {})
        self._abroad: dict[tuple[int, str], Device] = {}
        self._begun: Operation | None = None  # what goes on
        self._late: dict[Operation, Failure] = {}

    @property
    def tables(self) -> tuple[Table, ...]:
        """vxland's own tables of nftables."""
        return self.nft, self.ingress, self.tally

    def observe(
        self,
        remotes: frozenset[IPAddress] = frozenset(),
        *,
        others: bool = False,
        guards: Collection[str] = (),
    ) -> Observed:
        """Look at everything in this namespace, and number the devices anew."""
        del remotes, guards
        self._directory.indexes.clear()
        self._learn_indexes()
        seen = self.look()
        rules = seen.ebtables
        if others or isinstance(rules, Unavailable) or rules.chain is not None:
            return seen
        return replace(seen, ebtables=EbtablesState())

    def read_forward(self) -> tuple[ForwardChain, ...]:
        """No rules but ebtables'."""
        return ()

    def read_far_ends(self, bridges: frozenset[str]) -> dict[str, FarEnd]:
        """Nobody's veth leads anywhere."""
        del bridges
        return {}

    def read_traffic(self) -> dict[str, Seen]:
        """Nothing passes here."""
        return {}

    def read_counters(self) -> Counters:
        """Nothing passes here."""
        return Counters()

    def look_abroad(self) -> tuple[Abroad, ...]:
        """Look for devices of vxland's in other namespaces."""
        found = list(self.net.seen_abroad())
        self._abroad = {(seen.nsid, seen.name): device for seen, device in found}
        return tuple(seen for seen, _ in found)

    def read_back(self) -> Observed:
        """The links and the guards as they are now."""
        self.wait()
        self._learn_indexes()
        seen = self.look()
        return Observed(links=seen.links, ebtables=seen.ebtables, nftables=seen.nftables)

    def look_again(
        self, before: Observed, touched: Collection[int], *, guards: Collection[str] = ()
    ) -> tuple[Observed, Since]:
        """The last look, with these devices as they are now, and the rules."""
        del guards
        known, devices = self._directory.indexes, self.net.devices
        there = {devices[index].name: index for index in touched if index in devices}
        names = frozenset((*there, *(n for n, index in known.items() if index in touched)))
        for name in names:
            known.pop(name, None)
        known.update(there)
        now = self.look()

        def mixed(seen: str) -> dict[str, Any]:
            old, new = getattr(before, seen), getattr(now, seen)
            kept = {n: what for n, what in old.items() if n not in names and n in now.links}
            return kept | {name: new[name] for name in there if name in new}

        observed = replace(
            before,
            links=mixed("links"),
            fdb=mixed("fdb"),
            addresses=mixed("addresses"),
            ebtables=now.ebtables,
            nftables=now.nftables,
            ingress=now.ingress,
            tally=now.tally,
        )
        return observed, Since(before, names | (before.links.keys() - now.links.keys()))

    def foresee(self, before: Observed, leaving: Collection[int]) -> tuple[Observed, Since]:
        """The last look without these devices."""
        known = self._directory.indexes
        names = frozenset(name for name, index in known.items() if index in leaving)
        return without(before, names), Since(before, names)

    def host_again(self, before: Host, remotes: frozenset[IPAddress]) -> Host:
        """It knows no routes."""
        del remotes
        return before

    def read_back_some(self, names: Collection[str], touched: Collection[int]) -> Observed:
        """These links, those that were touched, and the guards."""
        seen = self.read_back()
        wanted = {d.name for d in self.net.devices.values() if d.index in touched}.union(names)
        return replace(seen, links={n: link for n, link in seen.links.items() if n in wanted})

    def look(self) -> Observed:
        """What there is, without learning any device's number: the test looks, not vxland."""
        devices = self.net.devices.values()
        names = {device.index: device.name for device in devices}
        return Observed(
            links={device.name: device.seen(names) for device in devices},
            fdb={d.name: frozenset(d.fdb) for d in devices if d.fdb},
            addresses={d.name: frozenset(d.addresses) for d in devices if d.kind in KINDS},
            ebtables=self.no_ebtables or self.filter.state(),
            nftables=self.no_nftables or self.nft.state(),
            ingress=self.no_nftables or self.ingress.state(),
            tally=self.no_nftables or self.tally.state(),
            host=Host(
                mtus={d.name: d.mtu for d in devices if not (d.vxlan and is_own(d.seen(names)))},
                renames_live=self.net.renames_live,
            ),
        )

    def settle(self) -> Mapping[Operation, Failure]:
        """What went on is over; returns what failed of it."""
        self.wait()
        late, self._late = self._late, {}
        return late

    def wait(self) -> None:
        """What goes on is done now, at the latest possible moment."""
        if self._begun is not None:
            operation, self._begun = self._begun, None
            self._late |= self._done(operation)

    def perform(self, operations: Sequence[Operation]) -> Mapping[Operation, Failure]:
        """Carry out operations of one phase, rules' first; returns those that failed.

        ebtables' go on where no tunnel is up.
        """
        failures: dict[Operation, Failure] = {}
        for operation in sorted(operations, key=lambda op: type(op) not in RULES):
            if type(operation) in RULES:
                self.wait()
            if type(operation) in SCRIPTS and not self.net.is_any_tunnel_up():
                self._begun = operation
            else:
                failures |= self._done(operation)
        return failures

    def _done(self, operation: Operation) -> dict[Operation, Failure]:
        try:
            self._do(operation)
        except RefusedError as error:
            if error.errno in DONE_ALREADY.get(type(operation), frozenset()):
                return {}
            return {operation: Failure(f"could not {operation}: {error.errno}")}
        except (FilterError, KeyError) as error:
            return {operation: Failure(f"could not {operation}: {error}")}
        return {}

    def _do(self, operation: Operation) -> None:
        if type(operation) in SCRIPTS:
            if self.no_ebtables is not None:
                raise FilterError(self.no_ebtables.reason)
            self._restore(operation)
            return
        if type(operation) in TABLES:
            self._do_nft(operation)
            return
        needed = NEEDED[type(operation)](operation) if type(operation) in NEEDED else ()
        if any(name not in self._directory.indexes for name in needed):
            self._learn_indexes()
        numbers = {name: self._directory[name] for name in needed}
        index = self._directory.indexes.get(operation.device, 0)
        self._directory.follow(operation)
        if isinstance(operation, ops.DeleteAbroad):
            self.net.delete_abroad(self._abroad[operation.abroad.nsid, operation.device])
            return
        if type(operation) in CREATIONS:
            CREATIONS[type(operation)](self.net, operation)
            return
        device = self.net.devices.get(index) if index else self.net.by_name(operation.device)
        if device is None:
            raise RefusedError(errno.ENODEV)
        if isinstance(operation, ops.Attach | ops.Reattach):
            self.net.enslave(device, self.net.devices.get(numbers[operation.bridge]))
            return
        CHANGES[type(operation)](self.net, device, operation)

    def _restore(self, operation: Operation) -> None:
        if isinstance(operation, ops.RetireRules):
            rules = standing(operation.rules, self.filter.state().forward)
            operation = replace(operation, rules=rules)
        self.filter.restore(SCRIPTS[type(operation)](operation))

    def _do_nft(self, operation: Operation) -> None:
        if self.no_nftables is not None:
            raise FilterError(self.no_nftables.reason)
        table = {table.name: table for table in self.tables}[operation.device]
        if isinstance(operation, ops.RemoveTable) and table.chains is None:
            return
        if isinstance(operation, ops.ClaimTable):
            table.claim()
        else:
            table.run(NFT_SCRIPTS[type(operation)](operation))
        if isinstance(operation, ops.MakeTable | ops.MakeIngress | ops.MakeTally):
            table.keep()

    def by_nft(self, line: str) -> None:
        """Somebody uses nft on one of the tables."""
        table = max((t for t in self.tables if f" {t.name}" in line), key=lambda t: len(t.name))
        table.by_somebody(line)

    def _learn_indexes(self) -> None:
        for index, device in self.net.devices.items():
            self._directory.indexes.setdefault(device.name, index)
