"""Whether tunnels and overlays are as configured, by the last report and a look of the scrape's."""

from collections.abc import Mapping

from vxland.model import Overlay, Vtep
from vxland.problems import Kind
from vxland.report import Report
from vxland.traffic import Seen


class Standing:
    """What there is now, and what the last turn left to be wished for.

    ``devices`` are those that the kernel has now, by name; None where it can't be asked.
    """

    def __init__(self, report: Report, devices: Mapping[str, Seen] | None) -> None:
        self.report = report
        self.seen = devices is not None
        self._devices = devices or {}
        done = {outcome.operation for outcome in report.outcomes if outcome.failure is None}
        left = [operation for operation in report.plan.operations if operation not in done]
        serious = [problem for problem in report.problems if problem.kind is not Kind.HINT]
        self._pending = {operation.device for operation in left}
        self._overlays = {step.overlay for step in left} | {p.overlay for p in serious}
        self._tunnels = {(problem.overlay, problem.peer) for problem in serious}

    def device(self, vtep: Vtep) -> Seen | None:
        """The tunnel's device; None where there is none, or something else has its name."""
        seen = self._devices.get(vtep.device)
        return seen if seen is not None and seen.alias == vtep.alias else None

    def tunnel(self, vtep: Vtep) -> bool:
        """Whether a tunnel is as configured, as far as it can be seen."""
        if vtep.device in self._pending or (vtep.overlay, vtep.peer) in self._tunnels:
            return False
        device = self.device(vtep)
        return not self.seen or (device is not None and device.up)

    def overlay(self, overlay: Overlay) -> bool:
        """Whether an overlay is, with all its tunnels."""
        return overlay.name not in self._overlays and all(map(self.tunnel, overlay.vteps))
