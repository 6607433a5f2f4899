"""Tunnels: what passed through each, and how it stands."""

from collections.abc import Iterable, Mapping

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
from vxland.traffic import Seen

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


def tunnels(
    standing: Standing, totals: TunnelTotals, since: Mapping[Key, float], give_way: GiveWay
) -> Iterable[Metric]:
    """The metrics. ``since`` says when tunnels last changed, as far as that is known."""
    info = InfoMetricFamily("vxland_tunnel", "The tunnel's device, VNI and remote address.")
    gauges = {
        name: GaugeMetricFamily(f"vxland_tunnel_{name}", text) for name, text in GAUGES.items()
    }
    counters = {
        name: CounterMetricFamily(f"vxland_tunnel_{name}", text) for name, text in COUNTERS.items()
    }
    for tunnel in Paced(standing.report.desired.tunnels(), give_way):
        vtep, key = tunnel.vtep, tunnel.key
        labels = {"overlay": vtep.overlay, "peer": tunnel.peer}
        about = {"device": vtep.device, "vni": str(vtep.vni), "remote": str(tunnel.address)}
        info.add_sample("vxland_tunnel_info", labels | about, 1)
        values: dict[str, float] = {"in_sync": standing.tunnel(tunnel)}
        if key in since:
            repair = standing.report.repair(tunnel)
            at = max(since[key], repair.at if repair else 0.0)
            values["last_change_timestamp_seconds"] = at
        if standing.seen:
            values |= _state(tunnel, standing.device(vtep))
        for name, value in values.items():
            gauges[name].add_sample(gauges[name].name, labels, value)
        if (total := totals.total(key)) is None:
            continue
        for name, counter in counters.items():
            counter.add_sample(f"{counter.name}_total", labels, getattr(total, name))
    yield from (info, *gauges.values(), *counters.values())


def _state(tunnel: Tunnel, seen: Seen | None) -> dict[str, float]:
    if seen is None:
        return {"admin_up": 0, "oper_up": 0}
    return {
        "admin_up": seen.up,
        "oper_up": seen.running,
        "mtu_bytes": seen.mtu,
        "learned_macs": seen.macs_behind(tunnel),
    }
