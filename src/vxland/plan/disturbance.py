"""How much each step of a plan disturbs the traffic of its tunnel or bridge."""

from collections.abc import Mapping
from enum import Enum

from vxland.operations import (
    Adopt,
    AdoptBridge,
    BringUp,
    ClaimTable,
    CreateBridge,
    CreateVtep,
    DeleteLink,
    FillTable,
    MakeTable,
    Operation,
    PinMac,
    RaiseBridge,
    RemoveChain,
    RemoveTable,
    Rename,
    RetireRules,
    TakeDown,
    TrimChain,
    TrimTable,
    WriteChain,
)
from vxland.plan.planner import Plan

# Swapped in one transaction, of no one device.
NODE_WIDE = (
    *(WriteChain, TrimChain, RemoveChain),
    *(MakeTable, FillTable, ClaimTable, TrimTable, RemoveTable),
)
TAKING_OVER = (PinMac, AdoptBridge, Adopt, RetireRules)


class Disturbance(Enum):
    """What a step does to traffic, from the least to the most, each with a sentence to print."""

    ADOPTED = (
        "Taken over from what made it, and vxland's from then on; no traffic is disturbed by that"
    )
    NONE = "No traffic is disturbed (changed in place, or new)"
    SPARE = (
        "Deleted, and its peer keeps another device; what is still sent by way of this one is lost"
    )
    BLINKS = "It goes down for a moment, and what is sent meanwhile is lost"
    RECREATED = "Its device is deleted and made again; traffic stops meanwhile, counters restart"
    REMOVED = "Its traffic ends (deleted, or down until what is in the way has gone)"


def by_disturbance(plan: Plan) -> Mapping[Disturbance, tuple[Operation, ...]]:
    """The plan's operations, each group in the plan's order; every group is there, if empty.

    A device is the same after it was renamed in this plan. With VNIs by index, names move from
    peer to peer, and what counts is the device: the last one is deleted for good.
    """
    survey = _Survey(plan)
    return {
        disturbance: tuple(op for op in plan.operations if survey.of(op) is disturbance)
        for disturbance in Disturbance
    }


class _Survey:
    """What happens to each device in the course of a plan."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._renamed = {op.device: op.to for op in plan.operations if isinstance(op, Rename)}
        self._deleted = self._devices(DeleteLink)
        self._spare = frozenset(
            operation.device
            for operation in plan.operations
            if isinstance(operation, DeleteLink) and operation.spare
        )
        self._made = self._devices(CreateVtep, CreateBridge)
        self._down = self._devices(TakeDown)
        self._up = self._devices(BringUp, RaiseBridge)
        # Their bridges go down and up, and no frame passes from port to port meanwhile.
        self._shaken = {
            operation.overlay
            for operation in plan.operations
            if isinstance(operation, RaiseBridge) and self._name(operation) in self._down
        }

    def of(self, operation: Operation) -> Disturbance:
        """The disturbance that this step has a part in."""
        device = self._name(operation)
        if isinstance(operation, TAKING_OVER):
            return Disturbance.ADOPTED
        if isinstance(operation, NODE_WIDE):
            return Disturbance.NONE
        if device in self._deleted:
            return self._of_deleted(device)
        if device in self._down and device not in self._up:
            return Disturbance.REMOVED
        if device in self._down or operation.overlay in self._shaken:
            return Disturbance.BLINKS
        return Disturbance.NONE

    def _of_deleted(self, device: str) -> Disturbance:
        if device in self._made:
            return Disturbance.RECREATED
        return Disturbance.SPARE if device in self._spare else Disturbance.REMOVED

    def _name(self, operation: Operation) -> str:
        return self._renamed.get(operation.device, operation.device)

    def _devices(self, *kinds: type[Operation]) -> frozenset[str]:
        return frozenset(
            self._name(operation)
            for operation in self._plan.operations
            if isinstance(operation, kinds)
        )
