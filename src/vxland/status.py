"""The state of the node as a person, or a program reading JSON, wants to see it."""

from collections.abc import Mapping
from typing import Any

from vxland.hazards import looping_pairs
from vxland.model import Desired, Overlay, Vtep
from vxland.observed import Observed, Unavailable
from vxland.plan import Plan
from vxland.problems import Kind, Problem
from vxland.report import Repair, Report

Json = dict[str, Any]


def report_status(report: Report) -> Json:
    """The status that the daemon gives of itself."""
    repairs = report.repairs
    status = node_status(report.desired, report.observed, report.plan, report.problems, repairs)
    return {
        **status,
        "in_sync": report.in_sync,
        "config": {
            "path": report.config.path,
            "digest": report.config.digest,
            "loaded_at": report.config.loaded_at,
            "errors": list(report.config.errors),
        },
        "last_check": {"at": report.at, "seconds": report.duration},
    }


def node_status(
    desired: Desired,
    observed: Observed,
    plan: Plan,
    problems: tuple[Problem, ...],
    repairs: Mapping[str, Repair],
) -> Json:
    """The status as it can be told from one look at the kernel."""
    pending: dict[str, list[str]] = {}
    for operation in plan.operations:
        pending.setdefault(operation.device, []).append(str(operation))
    return {
        "node": desired.node,
        "in_sync": not plan.operations and all(p.kind is Kind.HINT for p in problems),
        "overlays": [
            _overlay(overlay, observed, pending, problems, repairs) for overlay in desired.overlays
        ],
        "node_pending": [str(operation) for operation in plan.operations if not operation.overlay],
        "problems": [problem_json(problem) for problem in problems],
    }


def problem_json(problem: Problem) -> Json:
    """A problem as JSON."""
    return {
        "kind": problem.kind.value,
        "overlay": problem.overlay,
        "peer": problem.peer,
        "device": problem.device,
        "text": problem.text,
        "cure": problem.cure,
    }


def _overlay(
    overlay: Overlay,
    observed: Observed,
    pending: Mapping[str, list[str]],
    problems: tuple[Problem, ...],
    repairs: Mapping[str, Repair],
) -> Json:
    bridge = observed.links.get(overlay.bridge.device)
    allowed = overlay.allow_tunnel_ports
    members = {link.name for link in observed.ports(overlay.bridge.device)}
    return {
        "name": overlay.name,
        "bridge": overlay.bridge.device,
        "bridge_state": "missing" if bridge is None else "up" if bridge.up else "down",
        "mtu": overlay.bridge.mtu,
        "guards": list(overlay.guards),
        "guards_seen": not isinstance(observed.ebtables, Unavailable),
        "looping_pairs": sum(pair <= members for pair in looping_pairs(observed, allowed)),
        "pending": pending.get(overlay.bridge.device, []),
        "tunnels": [_tunnel(vtep, observed, pending, problems, repairs) for vtep in overlay.vteps],
        "waiting": [problem.peer for problem in overlay.waiting],
    }


def _tunnel(
    vtep: Vtep,
    observed: Observed,
    pending: Mapping[str, list[str]],
    problems: tuple[Problem, ...],
    repairs: Mapping[str, Repair],
) -> Json:
    link = observed.links.get(vtep.device)
    todo = pending.get(vtep.device, [])
    troubled = any(
        problem.overlay == vtep.overlay
        and problem.peer == vtep.peer
        and problem.kind is not Kind.HINT
        for problem in problems
    )
    state = "missing" if link is None else "up" if link.up else "down"
    repair = repairs.get(vtep.device)
    return {
        "peer": vtep.peer,
        "address": str(vtep.remote),
        "local": str(vtep.local),
        "device": vtep.device,
        "vni": vtep.vni,
        "port": vtep.port,
        "mtu": vtep.mtu,
        "state": state,
        "in_sync": state == "up" and not todo and not troubled,
        "pending": todo,
        "last_repair": {"what": repair.what, "at": repair.at} if repair else None,
    }
