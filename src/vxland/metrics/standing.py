"""How tunnels and overlays stand: by the last turn, and by a look of the scrape's own."""

from collections.abc import Mapping

from vxland.model import Overlay, Tunnel, Vtep
from vxland.report import Report
from vxland.status.health import Examination
from vxland.traffic import Seen


class Standing:
    """What the last turn found, and what there is now.

    ``devices`` are those that the kernel has now, by name; None where it can't be asked.
    """

    def __init__(self, report: Report, devices: Mapping[str, Seen] | None) -> None:
        self.report = report
        self.seen = devices is not None
        self._devices = devices or {}
        self._examination = Examination(report)

    def device(self, vtep: Vtep) -> Seen | None:
        """The tunnel's device; None where there is none, or something else has its name."""
        seen = self._devices.get(vtep.device)
        return seen if seen is not None and seen.alias == vtep.alias else None

    def tunnel(self, tunnel: Tunnel) -> bool:
        """Whether a tunnel is as configured, as far as it can be seen."""
        device = self.device(tunnel.vtep)
        up_now = not self.seen or (device is not None and device.up)
        return up_now and self._examination.tunnel(tunnel).in_sync

    def overlay(self, overlay: Overlay) -> bool:
        """Whether an overlay is, with all its tunnels."""
        return self._examination.overlay(overlay) and all(map(self.tunnel, overlay.tunnels()))
