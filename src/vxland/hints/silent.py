"""Peers from whom nothing has ever come, though packets went to them: the status says so."""

from collections.abc import Iterator, Mapping
from itertools import islice

from vxland.health import Examination, TunnelKey
from vxland.model import Overlay, Vtep
from vxland.problems import Kind, Problem
from vxland.report import Report
from vxland.traffic import Traffic

MOST = 20  # peers of an overlay that are told of
SETTLED = 60.0  # seconds that a tunnel must have been as wanted
ASKED = 20  # packets that went there


def silent_peers(
    report: Report, since: Mapping[TunnelKey, float], traffic: Mapping[str, Traffic], now: float
) -> tuple[Problem, ...]:
    """A hint for each of them."""
    examination = Examination(report)

    def is_silent(vtep: Vtep) -> bool:
        counted = traffic.get(vtep.device)
        return (
            counted is not None
            and not counted.receive_packets
            and counted.transmit_packets >= ASKED
            and now - since.get((vtep.overlay, vtep.peer), now) >= SETTLED
            and examination.tunnel(vtep).in_sync
        )

    return tuple(
        problem
        for overlay in report.desired.overlays
        for problem in _told(overlay, (vtep for vtep in overlay.vteps if is_silent(vtep)))
    )


def _told(overlay: Overlay, silent: Iterator[Vtep]) -> Iterator[Problem]:
    for vtep in islice(silent, MOST):
        yield Problem(
            Kind.HINT,
            f"nothing has ever come from {vtep.peer} ({vtep.remote})",
            f"Is vxland running there? vxland status on {vtep.peer} tells, and whether both files"
            f" name both peers and overlay {overlay.name} alike. Do packets arrive?"
            f" tcpdump -ni any udp port {vtep.port} and host {vtep.remote}; a firewall on the way"
            f" must let UDP port {vtep.port} through both ways",
            overlay=overlay.name,
            peer=vtep.peer,
            device=vtep.device,
            about="silent",
        )
    rest = sum(1 for _ in silent)
    if rest:
        text = f"nothing has ever come from {rest} more peers"
        yield Problem(Kind.HINT, text, overlay=overlay.name, about="silent")
