"""What of a plan is left for later: what failed a moment ago, and what is fought over.

Guards are not, but for one that is fought over: its port is down by then, or otherwise guarded.
Nor is what takes a port down, but where the port isn't vxland's yet.
"""

from collections.abc import Collection, Iterable

from msgspec import Struct
from msgspec.structs import replace

from vxland.fights import Fight, Subject
from vxland.guards import GUARDS
from vxland.identity import RULE_SETS
from vxland.model import Desired
from vxland.operations import (
    Adopt,
    AdoptBridge,
    Attach,
    ClearFlag,
    Isolate,
    Operation,
    PinMac,
    Rename,
)
from vxland.plan import Plan

# While one of these is fought over, the device's other operations have nothing to stand on.
STRUCTURAL = frozenset({"existence", "name", "namespace", "master", "state"})


class Restraint(Struct, frozen=True):
    """Devices and subjects that are not to be touched yet."""

    devices: frozenset[str] = frozenset()
    subjects: frozenset[Subject] = frozenset()

    def allows(self, operation: Operation) -> bool:
        """Whether this operation may be done now."""
        if operation.guards:
            return operation.attribute not in GUARDS or operation.subject not in self.subjects
        return operation.device not in self._still() and operation.subject not in self.subjects

    def applied(self, plan: Plan) -> Plan:
        """The plan without what is left for later, and what can't be done without that."""
        if not (self.devices or self.subjects):
            return plan
        later = {operation for operation in plan.operations if not self.allows(operation)}
        others = _others(plan, later)
        later |= {
            op for op in plan.operations if op.device in others and not isinstance(op, Isolate)
        }
        absent = {op.device for op in later if isinstance(op, Attach)}
        absent |= {op.to for op in later if isinstance(op, Rename)}
        later |= {
            op
            for op in plan.operations
            if isinstance(op, Isolate | ClearFlag) and op.device in absent
        }  # no port under this name yet; whatever it is called, it is down
        return replace(plan, operations=tuple(op for op in plan.operations if op not in later))

    def _still(self) -> frozenset[str]:
        fought = (device for device, attribute in self.subjects if attribute in STRUCTURAL)
        return self.devices.union(fought)


def _others(plan: Plan, later: Collection[Operation]) -> frozenset[str]:
    """What isn't vxland's until it is taken over later, by the names that it has and would get.

    A port is taken over with its bridge, or after it.
    """
    waiting = {op.device for op in later if isinstance(op, PinMac | AdoptBridge | Adopt)}
    waiting |= {
        op.device for op in plan.operations if isinstance(op, Adopt) and op.bridge in waiting
    }
    renamed = (op for op in plan.operations if isinstance(op, Rename) and op.device in waiting)
    return frozenset(waiting.union(op.to for op in renamed))


def grounded(desired: Desired, fights: Iterable[Fight]) -> frozenset[str]:
    """The ports that go down because each of their guards is taken away again and again."""
    fought = {fight.subject for fight in fights}
    if not any(attribute in GUARDS for _, attribute in fought):
        return frozenset()
    return frozenset(
        vtep.device
        for overlay in desired.overlays
        if overlay.guards
        for vtep in overlay.vteps
        if all(
            any((where, guard) in fought for where in (vtep.device, *RULE_SETS))
            for guard in overlay.guards
        )
    )
