"""The fake and the real kernel side by side: the same is done to both, and they must agree."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from msgspec.structs import replace

from tests.contract.namespace import fresh_namespace
from tests.fake.vandalism import ELSEWHERE, Vandalism
from tests.fake_kernel import FakeKernel
from vxland.execution import execute
from vxland.ingress import RULES as INGRESS_RULES
from vxland.kernel.linux import LIVE_RENAME, RELEASE, LinuxKernel
from vxland.model import Desired
from vxland.observed import (
    Host,
    IngressState,
    NftablesState,
    Observed,
    PortRule,
    TallyState,
    Unavailable,
)
from vxland.operations import Operation
from vxland.plan import Memory, Plan, plan
from vxland.tally import RULES


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
        failed = frozenset(self.real.perform(operations))
        assert failed == frozenset(self.fake.perform(operations))
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
            nftables=_told_alike(observed.nftables),
            ingress=_filtered_alike(observed.ingress),
            tally=_counted_alike(observed.tally),
            abroad=observed.abroad,
            host=Host(),
        )


def _told_alike(seen: NftablesState | Unavailable) -> NftablesState | Unavailable:
    """What isn't understood of a rule, each kernel tells in its own way."""
    if isinstance(seen, Unavailable) or seen.table is None:
        return seen
    rules = (rule if rule.known else PortRule("", known=False) for rule in seen.table.rules)
    return replace(seen, table=replace(seen.table, rules=tuple(rules)))


def _counted_alike(seen: TallyState | Unavailable) -> TallyState | Unavailable:
    """The same for the rules that count."""
    if isinstance(seen, Unavailable) or seen.table is None:
        return seen
    rules = sorted(rule if rule in RULES else "another" for rule in seen.table.rules)
    return replace(seen, table=replace(seen.table, rules=tuple(rules)))


def _filtered_alike(seen: IngressState | Unavailable) -> IngressState | Unavailable:
    """The same for the rules that filter."""
    if isinstance(seen, Unavailable) or seen.table is None:
        return seen
    rules = {
        chain: tuple(rule if rule in INGRESS_RULES[chain] else "another" for rule in rules)
        for chain, rules in seen.table.rules.items()
    }
    return replace(seen, table=replace(seen.table, rules=rules))


@contextmanager
def twins() -> Iterator[Twins]:
    """Two new kernels with nothing in them; the real one is this thread's for as long."""
    with fresh_namespace() as elsewhere, LinuxKernel() as real:
        fake = FakeKernel()
        fake.net.renames_live = RELEASE >= LIVE_RENAME
        yield Twins(fake, real, elsewhere)
