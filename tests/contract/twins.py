"""The fake and the real kernel side by side: the same is done to both, and they must agree."""

import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from msgspec.structs import replace

from tests.contract.namespace import fresh_namespace
from tests.fake.vandalism import ELSEWHERE, Vandalism
from tests.fake_kernel import FakeKernel
from vxland.execution import execute
from vxland.kernel.linux import LIVE_RENAME, RELEASE, LinuxKernel
from vxland.model import Desired
from vxland.observed import (
    Host,
    Observed,
    PortRule,
    TableState,
    Unavailable,
)
from vxland.observed.rules import TableT
from vxland.operations import Operation
from vxland.plan import Memory, Plan, plan
from vxland.tables.ingress import RULES as INGRESS_RULES
from vxland.tables.tally import RULES


class Twins:
    """Both kernels. Every method does something to both, then compares what they show."""

    def __init__(self, fake: FakeKernel, real: LinuxKernel, elsewhere: str) -> None:
        self.fake = fake
        self.real = real
        self._elsewhere = elsewhere
        # Modules like sit give every namespace a device of their own.
        self._born = frozenset(real.observe().links) - {"lo"}

    def vandalise(self, *deeds: Vandalism) -> None:
        """Somebody does something, which both allow or both refuse."""
        for deed in deeds:
            self.overtake(deed)
            self.compare()

    def overtake(self, *deeds: Vandalism) -> None:
        """Somebody does something, and vxland hasn't seen it yet."""
        for deed in deeds:
            command = deed.command.replace(ELSEWHERE, self._elsewhere)
            done = subprocess.run(
                ["sh", "-c", command], capture_output=True, text=True, check=False, timeout=60
            )
            allowed = deed.apply(self.fake)
            assert (done.returncode == 0) == allowed, f"{command}: {done.stderr or 'was allowed'}"

    def perform(self, *operations: Operation) -> frozenset[Operation]:
        """Carry out operations of one phase as they are; returns those that failed."""
        failed = frozenset({**self.real.perform(operations), **self.real.settle()})
        assert failed == frozenset({**self.fake.perform(operations), **self.fake.settle()})
        self.compare()
        return failed

    def play(self, *steps: Operation | Vandalism) -> None:
        """Operations and deeds in turn."""
        for step in steps:
            if isinstance(step, Vandalism):
                self.vandalise(step)
            else:
                self.perform(step)

    def carry_out(self, wanted: Plan) -> None:
        """Carry out a plan; the same operations fail or are skipped."""
        fates = [
            {outcome.operation: outcome.failure is None for outcome in execute(wanted, kernel)}
            for kernel in (self.real, self.fake)
        ]
        assert fates[0] == fates[1]
        self.compare()

    def turn(self, desired: Desired, memory: Memory | None = None) -> Plan:
        """What the daemon does in one turn; returns the plan."""
        wanted = plan(self.compare(), desired, memory or Memory())
        self.carry_out(wanted)
        return wanted

    def compare(self) -> Observed:
        """Look at both; they must show the same."""
        real, fake = (
            replace(kernel.observe(others=True), abroad=kernel.look_abroad())
            for kernel in (self.real, self.fake)
        )
        expected, actual = self._seen(real), self._seen(fake)
        for name in expected.links.keys() | actual.links.keys():
            assert expected.links.get(name) == actual.links.get(name)
        assert expected == actual
        return fake

    def _seen(self, observed: Observed) -> Observed:
        """What both kernels must agree on: everything but what the fake knows nothing of.

        That is the carrier, the addresses that the kernel gives bridges by itself once they have
        one, and the host's addresses and routes, which none of the operations touches.
        """
        return Observed(
            links={
                name: replace(link, running=False)
                for name, link in observed.links.items()
                if name not in self._born
            },
            fdb={  # each numbers its devices in its own way
                name: frozenset(replace(e, via=None) if e.bound else e for e in entries)
                for name, entries in observed.fdb.items()
            },
            addresses={
                name: frozenset(
                    address
                    for address in addresses
                    if not address.automatic or observed.links[name].kind != "bridge"
                )
                for name, addresses in observed.addresses.items()
            },
            ebtables=observed.ebtables,
            nftables=_alike(observed.nftables, _guarding),
            ingress=_alike(observed.ingress, _filtering),
            tally=_alike(observed.tally, _counting),
            abroad=observed.abroad,
            host=Host(),
        )


def _alike(
    seen: TableState[TableT] | Unavailable, alike: Callable[[Any], object]
) -> TableState[TableT] | Unavailable:
    """What isn't understood of a rule, each kernel tells in its own way."""
    if isinstance(seen, Unavailable) or seen.table is None:
        return seen
    table: Any = seen.table
    return replace(seen, table=replace(table, rules=alike(table.rules)))


def _guarding(rules: Iterable[PortRule]) -> tuple[PortRule, ...]:
    return tuple(rule if rule.known else PortRule("", known=False) for rule in rules)


def _counting(rules: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(rule if rule in RULES else "another" for rule in rules))


def _filtering(chains: Mapping[str, Iterable[str]]) -> dict[str, tuple[str, ...]]:
    return {
        chain: tuple(rule if rule in INGRESS_RULES[chain] else "another" for rule in rules)
        for chain, rules in chains.items()
    }


@contextmanager
def twins() -> Iterator[Twins]:
    """Two new kernels with nothing in them; the real one is this thread's for as long."""
    with fresh_namespace() as elsewhere, LinuxKernel() as real:
        fake = FakeKernel()
        fake.net.renames_live = RELEASE >= LIVE_RENAME
        yield Twins(fake, real, elsewhere)
