"""The status made of a turn's report, what is remembered, and what the kernel counts."""

from collections.abc import Callable, Hashable, Iterable, Mapping
from types import MappingProxyType
from typing import cast

from msgspec import Struct, field
from msgspec.structs import asdict

from vxland import __version__
from vxland.guards import GUARDS
from vxland.hazards import looping_in
from vxland.model import Overlay, Tunnel
from vxland.ports import foreign_ports
from vxland.problems import Problem
from vxland.report import Report
from vxland.status.health import Examination, TunnelKey, state_of
from vxland.status.shape import (
    NodeStatus,
    OverlayStatus,
    ProblemStatus,
    TrafficStatus,
    TunnelStatus,
)
from vxland.tables.in_force import lets_in
from vxland.traffic import Seen, Traffic, readings

MOST_PORTS = 20  # names of others' ports that a list holds


class Past(Struct, frozen=True):
    """Since when; nothing is known where no daemon remembers it."""

    started_at: float | None = None
    node: float | None = None
    overlays: Mapping[str, float] = field(default_factory=dict)
    tunnels: Mapping[TunnelKey, float] = field(default_factory=dict)
    problems: Mapping[Hashable, float] = field(default_factory=dict)
    refused_at: float | None = None


class Counts(Struct, frozen=True):
    """What the kernel counts; ``devices`` as they were seen for that: where unread, None."""

    traffic: Mapping[TunnelKey, Traffic] = field(default_factory=dict)
    devices: Mapping[str, Seen] | None = None
    kept_out: Mapping[str, int] = field(default_factory=dict)  # packets, by overlay

    @classmethod
    def of(
        cls,
        seen: Mapping[str, Seen],
        shared: Mapping[TunnelKey, Traffic] = MappingProxyType({}),
    ) -> "Counts":
        """What was seen of devices, each for itself, and of tunnels that have none."""
        return cls(
            {**{key: reading.traffic for key, reading in readings(seen).items()}, **shared},
            seen,
        )


Pace = Callable[[Iterable[Tunnel]], Iterable[Tunnel]]


def report_status(
    report: Report,
    past: Past = Past(),
    counts: Counts = Counts(),
    pace: Pace = iter,
    own: Mapping[Problem, float] = MappingProxyType({}),
) -> NodeStatus:
    """The status of the node; ``pace`` goes through tunnels, with pauses where it wants them.

    ``own`` are problems of the daemon's that no turn reports, and since when they are there. The
    daemon runs where its past is known.
    """
    builder = _Builder(report, past, counts, pace)
    config = report.config
    overlays = [builder.overlay(overlay) for overlay in report.desired.overlays]
    return {
        "version": __version__,
        "node": report.desired.node,
        "daemon": "not running" if past.started_at is None else "running",
        "in_sync": report.in_sync,
        "since": past.node,
        "started_at": past.started_at,
        "config": {
            "path": config.path,
            "digest": config.digest,
            "loaded_at": config.loaded_at or None,
            "errors": list(config.errors),
            "refused_at": past.refused_at,
        },
        "last_check": {"at": report.at, "seconds": report.duration},
        "last_full_check": report.at,
        "node_pending": [str(op) for op in report.plan.operations if not op.overlay],
        "overlays": overlays,
        "problems": [
            *(problem_json(p, past.problems.get(p.identity)) for p in report.problems),
            *(problem_json(problem, since) for problem, since in own.items()),
        ],
    }


def problem_json(problem: Problem, since: float | None = None) -> ProblemStatus:
    """A problem as JSON."""
    return {
        "kind": problem.kind.value,
        "overlay": problem.overlay,
        "peer": problem.peer,
        "device": problem.device,
        "text": problem.text,
        "cure": problem.cure,
        "since": since,
    }


class _Builder:
    def __init__(self, report: Report, past: Past, counts: Counts, pace: Pace) -> None:
        self._report = report
        self._past = past
        self._counts = counts
        self._pace = pace
        self._examination = Examination(report)

    def overlay(self, overlay: Overlay) -> OverlayStatus:
        observed = self._report.observed
        bridge = overlay.bridge.device
        ports = foreign_ports(overlay, observed)
        tunnels = tuple(overlay.tunnels())
        return {
            "name": overlay.name,
            "bridge": bridge,
            "bridge_state": state_of(observed.links.get(bridge)),
            "mtu": overlay.bridge.mtu,
            "guards": list(overlay.guards),
            "guards_seen": all(
                GUARDS[name].missing(overlay, observed) is None for name in overlay.guards
            ),
            "ingress": lets_in(overlay, observed),
            "kept_out": self._counts.kept_out.get(overlay.name),
            "in_sync": self._examination.overlay(overlay),
            "since": self._past.overlays.get(overlay.name),
            "looping_pairs": looping_in(overlay, observed),
            "pending": [*map(str, self._examination.pending_besides(overlay))],
            "waiting": [problem.peer for problem in overlay.waiting],
            "ports": {
                "count": ports.count,
                "too_large": [large.port.name for large in ports.too_large[:MOST_PORTS]],
                "isolated": [port.name for port in ports.isolated[:MOST_PORTS]],
            },
            "peers_wanted": len(tunnels) + len(overlay.waiting),
            "tunnels_present": sum(tunnel.vtep.device in observed.links for tunnel in tunnels),
            "tunnels": [self._tunnel(tunnel) for tunnel in self._pace(tunnels)],
        }

    def _tunnel(self, tunnel: Tunnel) -> TunnelStatus:
        vtep = tunnel.vtep
        link = self._report.observed.links.get(vtep.device)
        health = self._examination.tunnel(tunnel)
        repair = self._report.repair(tunnel)
        traffic = self._counts.traffic.get(tunnel.key)
        return {
            "peer": tunnel.peer,
            "address": str(tunnel.address),
            "host": self._report.hosts.get(tunnel.peer),
            "local": str(vtep.local),
            "device": vtep.device,
            "vni": vtep.vni,
            "port": vtep.port,
            "mtu": vtep.mtu,
            "state": health.state,
            "running": link is not None and link.running,
            "in_sync": health.in_sync,
            "since": self._past.tunnels.get(tunnel.key),
            "pending": [*map(str, self._examination.pending(tunnel))],
            "last_repair": {"what": repair.what, "at": repair.at} if repair else None,
            "traffic": cast("TrafficStatus", asdict(traffic)) if traffic else None,
            "learned_macs": None if link is None else self._macs(tunnel),
        }

    def _macs(self, tunnel: Tunnel) -> int | None:
        devices = self._counts.devices
        if devices is None:
            return None
        seen = devices.get(tunnel.vtep.device)
        return seen.macs_behind(tunnel) if seen is not None else 0
