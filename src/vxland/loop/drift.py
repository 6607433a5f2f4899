"""Which devices a turn put right, and which it touched of vxland's own accord.

A port that could loop is taken down, and comes up again once that is over: neither undoes what
somebody did to that port, so neither is the repair of drift.
"""

from collections.abc import Collection, Mapping, Sequence

from msgspec import Struct

from vxland.identity import RULE_SETS
from vxland.model import Desired
from vxland.observed import Observed
from vxland.operations import Adopt, AdoptBridge, BringUp, Operation, Rename, TakeDown
from vxland.plan import Plan


class Drift(Struct, frozen=True):
    """Devices to which something was done, by why. What was taken over is neither."""

    repaired: frozenset[str] = frozenset()  # somebody had changed them
    secured: frozenset[str] = frozenset()  # taken down: what is there could loop, or isn't guarded

    @classmethod
    def of(cls, done: Mapping[str, Sequence[Operation]], kept_down: Collection[str]) -> "Drift":
        """What these operations were for, where the configuration had not changed.

        ``kept_down`` are the ports that vxland meant to be down before. One of them that was up
        again is drift.
        """
        secured, released = set(), set()
        new = {device for device, operations in done.items() if any(map(_takes_over, operations))}
        if new:
            renamed = (op for device in new for op in done[device] if isinstance(op, Rename))
            new |= {operation.to for operation in renamed}
            new.update(RULE_SETS)  # armed for the first time, perhaps
        for device, operations in done.items():
            if device not in kept_down and _only(TakeDown, operations):
                secured.add(device)
            if device in kept_down and _only(BringUp, operations):
                released.add(device)
        return cls(frozenset(done) - secured - released - new, frozenset(secured))


def kept_down(desired: Desired, observed: Observed, plan: Plan) -> frozenset[str]:
    """The tunnels that this plan leaves down, or takes down."""
    there = [vtep.device for vtep in desired.vteps() if vtep.device in observed.links]
    if not there:
        return frozenset()
    raised = {op.device for op in plan.operations if isinstance(op, BringUp)}
    taken = {op.device for op in plan.operations if isinstance(op, TakeDown)}
    return frozenset(
        device
        for device in there
        if (device in taken or not observed.links[device].up) and device not in raised
    )


def _takes_over(operation: Operation) -> bool:
    return isinstance(operation, Adopt | AdoptBridge)


def _only(kind: type[Operation], operations: Sequence[Operation]) -> bool:
    return all(isinstance(operation, kind) for operation in operations)
