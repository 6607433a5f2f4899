"""Packets that weren't from the peers that their VNIs are for: strangers', or a peer's own."""

from collections.abc import Iterator

from vxland.diagnosis.facts import Facts
from vxland.diagnosis.finding import Finding, State


def ingress(facts: Facts) -> Iterator[Finding]:
    """Overlays out of which something was kept meanwhile."""
    for overlay, packets in facts.kept_out.items():
        if packets and overlay:
            yield Finding(
                State.WARNING,
                f"{packets} packets for overlay {overlay} weren't from the peer that their VNI is"
                " for, and were dropped",
                "See who sends them: tcpdump -ni any udp dst port PORT. If it is a peer, write the"
                " address that it sends from, on all servers",
                overlay,
            )
    if facts.kept_out and not any(packets for o, packets in facts.kept_out.items() if o):
        yield Finding(
            State.OK, "nothing came meanwhile with an overlay's VNI from anybody but its peers"
        )
