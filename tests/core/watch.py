"""A kernel that checks, at every single operation, what must be true at every moment."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from tests.core.adoptable import adoptable, tunnels_of, wrongly_removed
from tests.core.gate import ways
from tests.fake.devices import Device
from tests.fake_kernel import FakeKernel
from vxland import operations as ops
from vxland.execution import Failure
from vxland.hazards import looping_pairs
from vxland.identity import (
    ALIAS_MARK,
    CHAIN,
    FORWARD_RULES,
    INGRESS_TABLE,
    TABLE,
    TALLY_TABLE,
)
from vxland.kernel.ebtables_text import FORWARD
from vxland.model import Desired
from vxland.observed import Observed
from vxland.operations import Operation
from vxland.ownership import is_own

CHAINS = (ops.WriteChain, ops.TrimChain, ops.RemoveChain)
TABLES = (ops.MakeTable, ops.FillTable, ops.ClaimTable, ops.TrimTable, ops.RemoveTable)
TALLY = (ops.MakeTally, ops.WriteTallyRules, ops.AddCounters, ops.RemoveCounters)
INGRESS = (ops.MakeIngress, ops.WriteIngressRules, ops.ChangeIngress, ops.TrimIngress)
EITHER = (ops.ClaimTable, ops.RemoveTable)
OWN_JUMP = f"-j {CHAIN}"
RULES_OF = ((CHAINS, CHAIN), (TABLES, TABLE), (INGRESS, INGRESS_TABLE), (TALLY, TALLY_TABLE))
FOLLOWERS = ("bridge", "macvlan")  # whose MTU the kernel changes by itself

Done = TypeVar("Done")

TAKING_OVER = (ops.PinMac, ops.Isolate, ops.AdoptBridge, ops.Adopt)


class Watch:
    """Hands operations on to the fake kernel, one by one or in batches, and fails some."""

    def __init__(
        self,
        kernel: FakeKernel,
        desired: Desired,
        *,
        batches: bool = False,
        failing: Collection[int] = (),
    ) -> None:
        self.kernel = kernel
        self.desired = desired
        self.allowed = frozenset(
            name for overlay in desired.overlays for name in overlay.allow_tunnel_ports
        )
        self.batches = batches
        self.failing = failing
        self.count = 0
        self.unwritten = False  # what filters was to be written, and wasn't
        self._late: dict[Operation, Failure] = {}  # what was chosen to fail, and isn't told yet

    def read_back(self) -> Observed:
        """What the fake kernel shows."""
        self._checked(self.kernel.wait, "what went on")
        return self.kernel.read_back()

    def settle(self) -> Mapping[Operation, Failure]:
        """What went on is over."""
        late, self._late = self._late, {}
        return {**late, **self._checked(self.kernel.settle, "what went on")}

    def perform(self, operations: Sequence[Operation]) -> Mapping[Operation, Failure]:
        """Do what isn't chosen to fail."""
        failures: dict[Operation, Failure] = {}
        batch = []
        for operation in operations:
            self.count += 1
            if self.count in self.failing:
                goes_on = isinstance(operation, CHAINS) and not self.kernel.net.is_any_tunnel_up()
                told = self._late if goes_on else failures
                told[operation] = Failure("chosen to fail")
                self.refused(operation)
            else:
                batch.append(operation)
        parts = [batch] if self.batches else [[operation] for operation in batch]
        for part in parts:
            failures |= self._watched(part)
        return failures

    def refused(self, operation: Operation) -> None:
        """This one isn't done."""
        self.unwritten |= operation.device == INGRESS_TABLE

    def _watched(self, operations: Sequence[Operation]) -> Mapping[Operation, Failure]:
        for operation in operations if not self.batches else ():
            self._check_owner(operation)
        told = [*map(str, operations)]
        failures = self._checked(lambda: self.kernel.perform(operations), told)
        for operation in failures:
            self.refused(operation)
        return failures

    def _checked(self, deed: Callable[[], Done], told: object) -> Done:
        """Nothing loops after it that didn't before, and nobody is let in or kept out by it."""
        seen = self.kernel.look()
        done = deed()
        now = self.kernel.look()
        before, after = looping_pairs(seen, self.allowed), looping_pairs(now, self.allowed)
        assert after <= before, f"{told} lets frames loop: {after - before}"
        had = ways(seen, self.desired)
        worse = ways(now, self.desired).worse(had, refused=self.unwritten)
        assert worse == [], f"{told}: {worse}"
        return done

    def _check_owner(self, operation: Operation) -> None:
        """The device that the operation names is vxland's, or isn't there."""
        for node_wide, rules in RULES_OF:
            if isinstance(operation, node_wide):
                names = (
                    {rules, INGRESS_TABLE, TALLY_TABLE}
                    if isinstance(operation, EITHER)
                    else {rules}
                )
                assert not operation.overlay
                assert operation.device in names
                return
        if isinstance(operation, ops.RetireRules):
            assert operation.device == FORWARD_RULES
            theirs = tunnels_of(self.kernel.look(), self.desired)
            assert wrongly_removed(operation.rules, (), theirs) == []
            return
        if isinstance(operation, ops.DeleteAbroad):
            assert operation.abroad.alias.startswith(ALIAS_MARK)
            return
        if isinstance(operation, ops.AddAddress | ops.Reattach):
            return  # others' bridges and ports, as the configuration says
        device = self.kernel.net.find(operation.device)
        if isinstance(operation, TAKING_OVER) and operation.device in adoptable(
            self.kernel.look(), self.desired
        ):
            return
        if isinstance(operation, ops.RemoveAddress):
            assert device is None or not any(
                address.interface == operation.address and not (address.own or address.automatic)
                for address in device.addresses
            )
            return
        assert device is None or is_own(device.seen({}))


@dataclass(frozen=True, slots=True)
class Property:
    """Everything in a namespace that isn't vxland's."""

    devices: Mapping[int, tuple[object, ...]]
    addresses: frozenset[tuple[int, str]]
    rules: Mapping[str, tuple[str, ...]]


def property_of_others(kernel: FakeKernel, reattached: Collection[str] = ()) -> Property:
    """What no plan may change. Where a device is put back on purpose, isn't looked at."""
    devices = kernel.net.devices.values()
    return Property(
        devices={
            device.index: _attributes(device, reattached)
            for device in devices
            if not is_own(device.seen({}))
        },
        addresses=frozenset(
            (device.index, str(address.interface))
            for device in devices
            for address in device.addresses
            if not (address.own or address.automatic)
        ),
        rules={
            name: (chain.policy, *(rule for rule in chain.rules if not rule.endswith(OWN_JUMP)))
            for name, chain in kernel.filter.chains.items()
            if name != CHAIN
        },
    )


class Others:
    """What isn't vxland's, and what may be when a plan was carried out."""

    def __init__(
        self, kernel: FakeKernel, desired: Desired, reattached: Collection[str] = ()
    ) -> None:
        self._kernel = kernel
        self._reattached = reattached
        seen = kernel.look()
        names = adoptable(seen, desired)
        self._adoptable = {d.index for d in kernel.net.devices.values() if d.name in names}
        self._rules_of = tunnels_of(seen, desired)
        self._before = property_of_others(kernel, reattached)

    def check(self) -> None:
        """Nothing of it has changed, but what was taken over whole, or is about to be."""
        before, after = self._before, property_of_others(self._kernel, self._reattached)
        taken = (before.devices.keys() - after.devices.keys()) & self._adoptable
        taken &= self._kernel.net.devices.keys()
        assert self._devices(before, taken) == self._devices(after, taken)
        assert before.addresses == after.addresses
        for name in before.rules.keys() | after.rules.keys():
            rules = (before.rules[name], after.rules[name])
            if name == FORWARD:
                assert wrongly_removed(*rules, self._rules_of) == []
            else:
                assert rules[0] == rules[1]

    def _devices(self, seen: Property, taken: set[int]) -> dict[int, tuple[object, ...]]:
        """Of what may be taken over, a guard may be armed before it is."""
        return {
            index: tuple(
                part[:1] + part[2:] if isinstance(part, Port) and index in self._adoptable else part
                for part in parts
            )
            for index, parts in seen.devices.items()
            if index not in taken
        }


@dataclass(frozen=True, eq=False)
class Mac:
    """A device's address, and whether somebody set it: else a bridge's follows its ports."""

    address: str
    is_set: bool

    def __eq__(self, other: object) -> bool:
        """Whether it hasn't changed but by following."""
        return isinstance(other, Mac) and (
            self.address == other.address or not (self.is_set or other.is_set)
        )

    def __hash__(self) -> int:
        """All may be equal."""
        return hash(Mac)


class Port(tuple[object, ...]):
    """What a port has of its bridge: which, isolated, other flags."""

    __slots__ = ()


def _attributes(device: Device, reattached: Collection[str]) -> tuple[object, ...]:
    return (
        device.name,
        device.kind,
        Mac(device.mac, device.mac_is_set),
        device.mtu if device.kind not in FOLLOWERS else None,
        device.alias,
        frozenset(device.altnames),
        device.group,
        device.up,
        Port((device.master, device.isolated, frozenset(device.odd_flags)))
        if device.name not in reattached
        else None,
        device.lower,
        device.link_local,
        device.vxlan,
        frozenset(device.fdb),
    )
