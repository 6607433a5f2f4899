"""Peers from whom nothing comes any more, though packets go there."""

from collections.abc import Iterator, Mapping
from itertools import islice

from msgspec import Struct
from msgspec.structs import replace

from vxland.model import Desired, Overlay, Tunnel
from vxland.problems import Kind, Problem
from vxland.status.health import TunnelKey
from vxland.traffic import Reading

LOOK = 30.0  # seconds between two looks at the counters
PATIENCE = 300.0  # seconds without a packet …
UNANSWERED = 100  # … while so many went there: fewer may be a broadcast that nobody need answer
MOST = 20  # peers of an overlay that are told of one by one


class Heard(Struct, frozen=True):
    """When something last came out of a tunnel, and what had been sent by then."""

    incarnation: int
    received: int  # packets
    sent: int
    at: float  # monotonic seconds


class Silence:
    """Listens, look by look. The time is always told, never asked."""

    def __init__(self) -> None:
        self._heard: Mapping[TunnelKey, Heard] = {}
        self._silent: frozenset[TunnelKey] = frozenset()
        self._looked: float | None = None

    def is_due(self, now: float) -> bool:
        """Whether it is time for another look."""
        return self._looked is None or now - self._looked >= LOOK

    def note(self, seen: Mapping[TunnelKey, Reading], now: float) -> None:
        """Every tunnel's counters as they are now."""
        self._looked = now
        heard = {}
        for key, counted in seen.items():
            before = self._heard.get(key)
            traffic = counted.traffic
            new = Heard(counted.incarnation, traffic.receive_packets, traffic.transmit_packets, now)
            if before is not None and replace(new, sent=before.sent, at=before.at) == before:
                new = before  # nothing came
            heard[key] = new
        self._heard = heard
        self._silent = frozenset(
            key
            for key, last in heard.items()
            if now - last.at >= PATIENCE
            and seen[key].traffic.transmit_packets - last.sent >= UNANSWERED
        )

    def problems(self, desired: Desired) -> tuple[Problem, ...]:
        """A hint for each silent peer."""
        if not self._silent:
            return ()
        return tuple(
            problem
            for overlay in desired.overlays
            # Of two IP versions a peer may answer over the other one, where nothing counts for it.
            if not (overlay.shared and len(overlay.vteps) > 1)
            for problem in _told(overlay, (t for t in overlay.tunnels() if t.key in self._silent))
        )


def _told(overlay: Overlay, silent: Iterator[Tunnel]) -> Iterator[Problem]:
    for tunnel in islice(silent, MOST):
        port = tunnel.vtep.port
        yield Problem(
            Kind.HINT,
            f"nothing comes from {tunnel.peer} ({tunnel.address}), though packets go there",
            f"Where nobody there has anything to say, that is as it should be. Else: is vxland"
            f" running there? vxland status on {tunnel.peer} tells, and whether both files"
            f" name both peers and overlay {overlay.name} alike. Do packets arrive?"
            f" tcpdump -ni any udp port {port} and host {tunnel.address}; a firewall on the way"
            f" must let UDP port {port} through both ways",
            overlay=overlay.name,
            peer=tunnel.peer,
            device=tunnel.vtep.device,
            about="silent",
        )
    rest = sum(1 for _ in silent)
    if rest:
        text = f"nothing comes from {rest} more peers, though packets go there"
        yield Problem(Kind.HINT, text, overlay=overlay.name, about="silent")
