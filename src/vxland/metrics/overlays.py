"""Overlays: peers, what could loop, ports of others, open problems."""

from collections import Counter
from collections.abc import Iterable, Mapping

from msgspec import Struct
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from vxland.hazards import looping_in
from vxland.metrics.standing import Standing
from vxland.model import Desired
from vxland.observed import Observed
from vxland.ports import foreign_ports
from vxland.problems import Kind
from vxland.report import Report

OVERLAY = ("overlay",)
GAUGES = {
    "in_sync": "Whether the overlay is as configured: its bridge, its guards and its tunnels.",
    "peers_wanted": "Other peers that the configuration puts into the overlay.",
    "peers_present": "Peers whose tunnel's device is there.",
    "conflicts": "Names or VNIs of the overlay's that are held by something else.",
    "looping_port_pairs": "Pairs of tunnel ports that could loop frames; must be 0.",
    "foreign_ports": "Ports of the bridge that aren't vxland's: guests.",
    "foreign_ports_mtu_too_large": "Those of them whose guests have a larger MTU than the overlay.",
}


class Bridged(Struct, frozen=True):
    """What the ports of an overlay's bridge tell."""

    looping: int  # pairs
    foreign: int
    too_large: int  # of the foreign ones


def bridged(desired: Desired, observed: Observed) -> Mapping[str, Bridged]:
    """What the bridges' ports tell, by overlay."""
    found = {}
    for overlay in desired.overlays:
        foreign = foreign_ports(overlay, observed)
        looping = looping_in(overlay, observed)
        found[overlay.name] = Bridged(looping, foreign.count, len(foreign.too_large))
    return found


def overlays(standing: Standing, bridged: Mapping[str, Bridged]) -> Iterable[Metric]:
    """The metrics."""
    report = standing.report
    gauges = {
        name: GaugeMetricFamily(f"vxland_overlay_{name}", text, labels=OVERLAY)
        for name, text in GAUGES.items()
    }
    problems = Counter((problem.overlay, problem.kind) for problem in report.problems)
    for overlay in report.desired.overlays:
        ports = bridged[overlay.name]
        tunnels = tuple(overlay.tunnels())
        values = {
            "in_sync": standing.overlay(overlay),
            "peers_wanted": len(tunnels) + len(overlay.waiting),
            "conflicts": problems[overlay.name, Kind.CONFLICT],
            "looping_port_pairs": ports.looping,
            "foreign_ports": ports.foreign,
            "foreign_ports_mtu_too_large": ports.too_large,
        }
        if standing.seen:
            values["peers_present"] = sum(
                standing.device(tunnel.vtep) is not None for tunnel in tunnels
            )
        for name, value in values.items():
            gauges[name].add_metric((overlay.name,), value)
    yield from gauges.values()
    yield _problems(report, problems)


def kept_out(packets: Mapping[str, int]) -> Metric:
    """What came from somebody who isn't a peer. What has no VNI has no overlay."""
    family = CounterMetricFamily(
        "vxland_ingress_dropped_packets",
        "Packets for the overlay that weren't from the peer that their VNI is for.",
        labels=OVERLAY,
    )
    for overlay, count in packets.items():
        family.add_metric((overlay,), count)
    return family


def _problems(report: Report, tally: Mapping[tuple[str, Kind], int]) -> Metric:
    """Those of the whole node have no overlay; a device left of an overlay may be fought over."""
    family = GaugeMetricFamily(
        "vxland_problems", "Open problems by kind.", labels=("overlay", "kind")
    )
    wanted = ["", *(overlay.name for overlay in report.desired.overlays)]
    left = sorted({overlay for overlay, _ in tally} - set(wanted))
    for overlay in (*wanted, *left):
        for kind in Kind:
            family.add_metric((overlay, kind.value), tally.get((overlay, kind), 0))
    return family
