"""Peers from whom nothing comes any more, though packets go there."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice

from vxland.model import Desired, Overlay, Vtep
from vxland.problems import Kind, Problem
from vxland.traffic import Seen

LOOK = 30.0  # seconds between two looks at the counters
PATIENCE = 300.0  # seconds without a packet …
UNANSWERED = 100  # … while so many went there: fewer may be a broadcast that nobody need answer
MOST = 20  # peers of an overlay that are told of one by one


@dataclass(frozen=True, slots=True)
class Heard:
    """When something last came out of a tunnel's device, and what had been sent by then."""

    incarnation: int
    received: int  # packets
    sent: int
    at: float  # monotonic seconds


class Silence:
    """Listens, look by look. The time is always told, never asked."""

    def __init__(self) -> None:
        self._heard: Mapping[str, Heard] = {}  # by device
        self._silent: frozenset[str] = frozenset()
        self._looked: float | None = None

    def is_due(self, now: float) -> bool:
        """Whether it is time for another look."""
        return self._looked is None or now - self._looked >= LOOK

    def note(self, seen: Mapping[str, Seen], now: float) -> None:
        """Every VXLAN device as it is now."""
        self._looked = now
        heard = {}
        for device, counted in seen.items():
            before = self._heard.get(device)
            traffic = counted.traffic
            new = Heard(counted.incarnation, traffic.receive_packets, traffic.transmit_packets, now)
            if before is not None and replace(new, sent=before.sent, at=before.at) == before:
                new = before  # nothing came
            heard[device] = new
        self._heard = heard
        self._silent = frozenset(
            device
            for device, last in heard.items()
            if now - last.at >= PATIENCE
            and seen[device].traffic.transmit_packets - last.sent >= UNANSWERED
        )

    def problems(self, desired: Desired) -> tuple[Problem, ...]:
        """A hint for each silent peer."""
        if not self._silent:
            return ()
        return tuple(
            problem
            for overlay in desired.overlays
            for problem in _told(
                overlay, (vtep for vtep in overlay.vteps if vtep.device in self._silent)
            )
        )


def _told(overlay: Overlay, silent: Iterator[Vtep]) -> Iterator[Problem]:
    for vtep in islice(silent, MOST):
        yield Problem(
            Kind.HINT,
            f"nothing comes from {vtep.peer} ({vtep.remote}), though packets go there",
            f"Where nobody there has anything to say, that is as it should be. Else: is vxland"
            f" running there? vxland status on {vtep.peer} tells, and whether both files"
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
        text = f"nothing comes from {rest} more peers, though packets go there"
        yield Problem(Kind.HINT, text, overlay=overlay.name, about="silent")
