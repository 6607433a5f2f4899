"""Which tunnels and overlays are as wanted, by one turn."""

from collections.abc import Sequence
from functools import cache

from msgspec import Struct

from vxland.addresses import IPAddress
from vxland.model import Overlay, Tunnel
from vxland.observed import Link
from vxland.operations import BringUp, CreateVtep, DeleteLink, Operation, TakeDown
from vxland.report import Report
from vxland.status.shape import State

TunnelKey = tuple[str, str]  # overlay and peer

# What a device is after these, in a plan's order.
STATES: dict[type[Operation], State] = {
    BringUp: "up",
    CreateVtep: "down",
    DeleteLink: "missing",
    TakeDown: "down",
}


class Health(Struct, frozen=True):
    """A tunnel's state, and whether it is as wanted."""

    state: State
    in_sync: bool


_health = cache(Health)  # there are a few, of thousands of tunnels, turn by turn


class Examination:
    """A turn's report, looked through once, so that each tunnel costs little."""

    def __init__(self, report: Report) -> None:
        self._links = report.observed.links
        self._tunnels: dict[TunnelKey, Health] = {}  # that were asked for: they are, repeatedly
        self._after: dict[str, State] = {}  # what the turn made of devices
        # What wasn't done, by device, and by the VTEP there that it is about, if it is about one.
        self._pending: dict[str, list[Operation]] = {}
        self._parts: dict[tuple[str, IPAddress | None], list[Operation]] = {}
        unfinished = set()
        done = {outcome.operation for outcome in report.outcomes if outcome.failure is None}
        for operation in report.plan.operations:
            if operation in done:
                if (state := STATES.get(type(operation))) is not None:
                    self._after[operation.device] = state
                continue
            part = (operation.device, operation.leads_to)
            self._pending.setdefault(operation.device, []).append(operation)
            self._parts.setdefault(part, []).append(operation)
            unfinished.add(operation.overlay)
        self._troubled = {(problem.overlay, problem.peer) for problem in report.wrong}
        self._unsound = unfinished | {problem.overlay for problem in report.wrong}

    def tunnel(self, tunnel: Tunnel) -> Health:
        """How a tunnel is, once the turn was over."""
        if (known := self._tunnels.get(tunnel.key)) is None:
            known = self._tunnels[tunnel.key] = self._look(tunnel)
        return known

    def _look(self, tunnel: Tunnel) -> Health:
        device = tunnel.vtep.device
        state = self._after.get(device) or state_of(self._links.get(device))
        whole = (tunnel.vtep.overlay, tunnel.vtep.peer)
        troubled = not self._troubled.isdisjoint((tunnel.key, whole))
        done = not self.pending(tunnel) and (device, None) not in self._parts
        return _health(state, state == "up" and not troubled and done)

    def pending(self, tunnel: Tunnel) -> Sequence[Operation]:
        """What wasn't done of a tunnel; of a shared device, what is about this peer alone."""
        device = tunnel.vtep.device
        if tunnel.vtep.shared:
            return self._parts.get((device, tunnel.address), ())
        return self._pending.get(device, ())

    def pending_besides(self, overlay: Overlay) -> Sequence[Operation]:
        """What wasn't done of an overlay's bridge, and of devices that are no peer's one row."""
        about = {(t.vtep.device, t.address) for t in overlay.tunnels()}
        devices = [vtep.device for vtep in overlay.vteps if vtep.shared or vtep.quiet]
        left = [
            operation
            for device in devices
            for operation in self._pending.get(device, ())
            if (device, operation.leads_to) not in about
        ]
        return [*self._pending.get(overlay.bridge.device, ()), *left]

    def overlay(self, overlay: Overlay) -> bool:
        """Whether an overlay is as wanted, with its bridge and all its tunnels."""
        return overlay.name not in self._unsound and all(
            self.tunnel(tunnel).in_sync for tunnel in overlay.tunnels()
        )


def state_of(link: Link | None) -> State:
    """What a device is administratively."""
    return "missing" if link is None else "up" if link.up else "down"
