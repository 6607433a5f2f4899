"""Tunnels: what passed through each, and how it stands."""

from collections.abc import Iterator, Mapping
from operator import attrgetter

from msgspec import Struct
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    InfoMetricFamily,
    Metric,
)

from vxland.metrics.odometers import TunnelTotals
from vxland.metrics.paced import GiveWay, Paced
from vxland.metrics.standing import Standing
from vxland.model import Tunnel
from vxland.odometer import Key
from vxland.traffic import Seen, Traffic

GAUGES = {
    "in_sync": "Whether the tunnel is as configured.",
    "admin_up": "Whether the tunnel's device is there and set up.",
    "oper_up": "Whether the tunnel's device is there and running.",
    "mtu_bytes": "MTU of the tunnel's device, for the packets inside.",
    "last_change_timestamp_seconds": "When the tunnel last changed, or was put right; the daemon's"
    " start at the earliest.",
    "learned_macs": "MAC addresses learned to be behind the tunnel.",
}
OVER_ALL = "over all devices that it has had."
COUNTERS = {
    "receive_bytes": f"Bytes that the tunnel received, {OVER_ALL}",
    "transmit_bytes": f"Bytes that the tunnel transmitted, {OVER_ALL}",
    "receive_packets": f"Packets that the tunnel received, {OVER_ALL}",
    "transmit_packets": f"Packets that the tunnel transmitted, {OVER_ALL}",
    "receive_errors": f"Packets that the tunnel received and that were bad, {OVER_ALL}",
    "transmit_errors": f"Packets that the tunnel couldn't transmit, {OVER_ALL}",
    "receive_drops": f"Packets that the tunnel received and dropped, {OVER_ALL}",
    "transmit_drops": f"Packets that the tunnel dropped instead of transmitting, {OVER_ALL}",
}


class _Row(Struct, frozen=True):
    """What there is to tell of one tunnel."""

    labels: dict[str, str]
    about: dict[str, str]  # labels of the one metric that tells what it is
    gauges: Mapping[str, float]
    total: Traffic | None


def tunnels(
    standing: Standing, totals: TunnelTotals, since: Mapping[Key, float], give_way: GiveWay
) -> Iterator[Metric]:
    """The metrics. ``since`` says when tunnels last changed, as far as that is known.

    One at a time is made, so that at 1,000 tunnels there are never all their samples at once.
    """
    wanted = Paced(standing.report.desired.tunnels(), give_way)
    rows = [_row(tunnel, standing, totals, since) for tunnel in wanted]
    info = InfoMetricFamily("vxland_tunnel", "The tunnel's device, VNI and remote address.")
    for row in rows:
        info.add_sample("vxland_tunnel_info", {**row.labels, **row.about}, 1)
    yield info
    for name, text in GAUGES.items():
        gauge = GaugeMetricFamily(f"vxland_tunnel_{name}", text)
        for row in rows:
            if (value := row.gauges.get(name)) is not None:
                gauge.add_sample(gauge.name, row.labels, value)
        yield gauge
    for name, text in COUNTERS.items():
        counter, sample = CounterMetricFamily(f"vxland_tunnel_{name}", text), attrgetter(name)
        for row in rows:
            if row.total is not None:
                counter.add_sample(f"{counter.name}_total", row.labels, sample(row.total))
        yield counter


def _row(
    tunnel: Tunnel, standing: Standing, totals: TunnelTotals, since: Mapping[Key, float]
) -> _Row:
    vtep, key = tunnel.vtep, tunnel.key
    gauges: dict[str, float] = {"in_sync": standing.tunnel(tunnel)}
    if key in since:
        repair = standing.report.repair(tunnel)
        gauges["last_change_timestamp_seconds"] = max(since[key], repair.at if repair else 0.0)
    if standing.seen:
        gauges |= _state(tunnel, standing.device(vtep))
    return _Row(
        labels={"overlay": vtep.overlay, "peer": tunnel.peer},
        about={"device": vtep.device, "vni": str(vtep.vni), "remote": str(tunnel.address)},
        gauges=gauges,
        total=totals.total(key),
    )


def _state(tunnel: Tunnel, seen: Seen | None) -> dict[str, float]:
    if seen is None:
        return {"admin_up": 0, "oper_up": 0}
    return {
        "admin_up": seen.up,
        "oper_up": seen.running,
        "mtu_bytes": seen.mtu,
        "learned_macs": seen.macs_behind(tunnel),
    }
