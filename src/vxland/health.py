"""Which tunnels and overlays are as wanted, by one turn."""

from dataclasses import dataclass
from typing import Literal

from vxland.model import Overlay, Vtep
from vxland.observed import Link
from vxland.operations import Operation
from vxland.problems import Kind
from vxland.report import Report

State = Literal["up", "down", "missing"]  # administratively
TunnelKey = tuple[str, str]  # overlay and peer


@dataclass(frozen=True, slots=True)
class Health:
    """A tunnel's state, and whether it is as wanted."""

    state: State
    in_sync: bool


class Examination:
    """A turn's report, looked through once, so that each tunnel costs little."""

    def __init__(self, report: Report) -> None:
        self._links = report.observed.links
        self.pending: dict[str, list[Operation]] = {}  # by device
        unfinished = set()
        for operation in report.plan.operations:
            self.pending.setdefault(operation.device, []).append(operation)
            unfinished.add(operation.overlay)
        wrong = [problem for problem in report.problems if problem.kind is not Kind.HINT]
        self._troubled = {(problem.overlay, problem.peer) for problem in wrong}
        self._unsound = unfinished | {problem.overlay for problem in wrong}

    def tunnel(self, vtep: Vtep) -> Health:
        """How a tunnel is."""
        state = state_of(self._links.get(vtep.device))
        troubled = (vtep.overlay, vtep.peer) in self._troubled
        return Health(state, state == "up" and not troubled and vtep.device not in self.pending)

    def overlay(self, overlay: Overlay) -> bool:
        """Whether an overlay is as wanted, with its bridge and all its tunnels."""
        return overlay.name not in self._unsound and all(
            self.tunnel(vtep).in_sync for vtep in overlay.vteps
        )


def state_of(link: Link | None) -> State:
    """What a device is administratively."""
    return "missing" if link is None else "up" if link.up else "down"
