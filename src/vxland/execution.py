"""Carrying out a plan, step by step. A port comes up only once its guard was read back."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import groupby
from typing import Protocol

from msgspec import Struct

from vxland.guards import arms, cut
from vxland.identity import INGRESS_TABLE, TALLY_TABLE
from vxland.observed import Link, Observed
from vxland.operations import (
    PLACE,
    AddAddress,
    Adopt,
    Attach,
    BringUp,
    CreateBridge,
    CreateVtep,
    DeleteLink,
    Guarding,
    Operation,
    Phase,
    RemoveAddress,
    Rename,
)
from vxland.ownership import own_links
from vxland.plan import Plan

APART = (AddAddress, RemoveAddress)  # a bridge without its address is a bridge
NAMING = (CreateBridge, CreateVtep, Rename)  # after which there is such a device
TABLES_APART = (INGRESS_TABLE, TALLY_TABLE)  # what filters and what counts: tunnels run without


class Failure(Struct, frozen=True):
    """Why an operation wasn't done, and what to do about it."""

    text: str
    cure: str = ""
    skipped: bool = False  # not tried, because of another failure
    gone: bool = False  # the device went meanwhile, of which the kernel tells

    def __str__(self) -> str:
        return f"{self.text}. {self.cure}" if self.cure else self.text


class Outcome(Struct, frozen=True):
    """An operation, and how it went."""

    operation: Operation
    failure: Failure | None = None


def overtaken(outcomes: Collection[Outcome]) -> tuple[Outcome, ...]:
    """The same without what wasn't done because its device went after it was seen.

    That is no failure: the next look, which is due at once, sees it.
    """
    gone = {one.operation.device for one in outcomes if one.failure and one.failure.gone}
    if not gone:
        return tuple(outcomes)
    return tuple(o for o in outcomes if o.failure is None or o.operation.device not in gone)


class Kernel(Protocol):
    """What can be seen and done. The real one is ``vxland.kernel``'s."""

    def read_back(self) -> Observed:
        """The links, as far as guards and ownership go by them, and the guards, as they are now.

        Nothing goes on any more then.
        """

    def perform(self, operations: Sequence[Operation]) -> Mapping[Operation, Failure]:
        """Do these operations of one step of a phase; returns those that failed.

        One may go on beside what follows, as long as that is safe without it.
        """

    def settle(self) -> Mapping[Operation, Failure]:
        """Wait for what goes on; returns what failed of it since this was asked last."""


def execute(plan: Plan, kernel: Kernel) -> tuple[Outcome, ...]:
    """Carry out a plan. What fails takes its device's later operations with it, nobody else's."""
    outcomes: list[Outcome] = []
    failed: set[str] = set()
    apart: set[str] = set()  # what failed, tables among it, and nothing else waits for
    late: dict[Operation, Failure] = {}
    unguarded = partial(_unguarded, plan)
    try:
        for _, group in groupby(plan.operations, PLACE):
            operations = tuple(group)
            if _must_know(operations):
                late |= kernel.settle()
                _note(late, failed, apart)
            failures = _skipped(operations, failed, apart) if failed or apart else {}
            for carry_out in (unguarded, _performed):
                ready = [o for o in operations if o not in failures] if failures else operations
                failures |= carry_out(ready, kernel)
            if not failures:  # to look up thousands of operations takes milliseconds
                outcomes += map(Outcome, operations)
                continue
            _note(failures, failed, apart)
            outcomes += [Outcome(one, failures.get(one)) for one in operations]
    finally:
        late |= kernel.settle()
    if late:
        return tuple(Outcome(o.operation, late.get(o.operation, o.failure)) for o in outcomes)
    return tuple(outcomes)


def _must_know(operations: Sequence[Operation]) -> bool:
    """Whether guards must be in force, or known to have failed, before this step is tried.

    Nothing is disarmed after a failure. And of two tunnels in a bridge somebody else may bring up
    both, before vxland does.
    """
    phase = operations[0].phase
    if phase is not Phase.ATTACH:
        return phase is Phase.DISARM
    bridges = [one.bridge for one in operations if isinstance(one, Attach)]
    return len(bridges) > len({*bridges})


def _note(failures: Iterable[Operation], failed: set[str], apart: set[str]) -> None:
    """What isn't to be tried any more, since these failed."""
    for operation in failures:
        if _is_apart(operation):
            apart.add(operation.device)
        else:
            failed |= {operation.device, _name_after(operation)}


def _performed(operations: Sequence[Operation], kernel: Kernel) -> Mapping[Operation, Failure]:
    return kernel.perform(operations)


def _skipped(
    operations: Sequence[Operation], failed: set[str], apart: set[str]
) -> dict[Operation, Failure]:
    """What isn't tried after a failure: what depends on it, and nothing is disarmed any more.

    Of a table ``apart`` that couldn't be written nothing is taken that it had.
    """
    return {
        operation: Failure(f"{operation.device} failed before", skipped=True)
        for operation in operations
        if _depends_on(operation, failed)
        or (operation.phase is Phase.DISARM and (failed or operation.device in apart))
    }


def _is_apart(operation: Operation) -> bool:
    """Whether nothing else waits for it: a table that counts, say, does nothing else."""
    return isinstance(operation, APART) or operation.device in TABLES_APART


def _name_after(operation: Operation) -> str:
    return operation.to if isinstance(operation, Rename) else operation.device


def _depends_on(operation: Operation, failed: set[str]) -> bool:
    # A bridge none of whose ports is left to be taken over isn't taken over later, either.
    return operation.device in failed or (
        isinstance(operation, Attach | Adopt) and operation.bridge in failed
    )


def _departing(plan: Plan) -> frozenset[str]:
    """The devices that a plan deletes and doesn't make anew."""
    gone = frozenset(o.device for o in plan.operations if isinstance(o, DeleteLink))
    return gone - {_name_after(o) for o in plan.operations if isinstance(o, NAMING)}


def _unguarded(
    plan: Plan, operations: Sequence[Operation], kernel: Kernel
) -> dict[Operation, Failure]:
    """What must not be done, since the kernel was not seen to hold the guards that it needs."""
    disarms = bool(operations) and operations[0].phase is Phase.DISARM  # as all of one step do
    departing = _departing(plan) if disarms else frozenset[str]()
    if not departing and not any(operation.needs for operation in _needy(operations)):
        return {}
    seen = kernel.read_back()
    if lingering := sorted(departing & seen.links.keys()):  # whatever the kernel said of it
        left = Failure(f"{lingering[0]}, which was deleted, is there still")
        return dict.fromkeys(operations, left)
    tunnels = [link for link in own_links(seen) if link.up and link.is_tunnel]
    armed = arms(seen)
    refused = {}
    for operation in operations:
        for guarding in operation.needs:
            reason = _not_armed(guarding, armed)
            link = seen.links.get(guarding.device)
            if link is None:
                reason = "it is gone"
            elif not guarding.guards and (link.up or isinstance(operation, BringUp)):
                reason = _not_alone(link, tunnels)
                tunnels.append(link)  # which is about to be up
            elif reason is None and isinstance(operation, BringUp):
                reason = _not_apart(link, tunnels, seen)
            if reason is not None:
                text = f"{guarding.device} stays as it is: {reason}"
                refused[operation] = Failure(text, gone=link is None)
    return refused


def _needy(operations: Sequence[Operation]) -> Iterator[Operation]:
    """Those of kinds that may need something: thousands are of a kind that doesn't."""
    kinds: set[type[Operation]] = {*map(type, operations)}
    if any(kind.needs is not Operation.needs for kind in kinds):
        yield from operations


def _not_armed(guarding: Guarding, armed: Callable[[str, Sequence[str]], bool]) -> str | None:
    if not guarding.guards or armed(guarding.device, guarding.guards):
        return None
    names = ", ".join(guarding.guards)
    return f"not all of its guards ({names}) were read back from the kernel"


def _not_alone(link: Link, tunnels: Sequence[Link]) -> str | None:
    """What a port that has no guard would need one for."""
    for other in tunnels:
        if other.master == link.master and other.name != link.name:
            return f"it has no guard, and {other.name} is in {link.master} too"
    return None


def _not_apart(link: Link, tunnels: Sequence[Link], seen: Observed) -> str | None:
    """A port of vxland's that should have gone from this bridge, but didn't."""
    for other in tunnels:
        if other.master == link.master and not cut(link, other, seen):
            return f"no guard keeps it from {other.name}, which is up in {link.master} too"
    return None
