"""Tunnels that stay as they are for now: they keep their names, and are guarded or else down."""

from collections.abc import Iterable, Iterator

from msgspec import Struct

from vxland.guards import port_in
from vxland.guards.port import Port
from vxland.model import Overlay
from vxland.observed import Link, Observed
from vxland.operations import TakeDown
from vxland.ownership import own_links
from vxland.plan.hindrances import Hindrances
from vxland.plan.leaving import users_of


class Still(Struct, frozen=True):
    """What of vxland's can't be put right at the moment, and what becomes of it meanwhile."""

    observed: Observed
    hindrances: Hindrances
    bridge_of: dict[str, str]  # overlays, by bridge as named now
    kept: set[str]  # devices of vxland's that don't leave
    devices: set[str]  # those that stay still, by name

    def leave_used_bridges(self) -> None:
        """Leave bridges that no overlay wants any more, but others do."""
        self.devices.update(
            link.name
            for link in own_links(self.observed)
            if link.kind == "bridge" and link.name not in self.kept
            if any(users_of(link.name, self.observed))
        )

    def leave(
        self, links: Iterable[Link], overlay: Overlay, ports: list[Port]
    ) -> Iterator[TakeDown]:
        """Leave these as they are, as ports to be guarded; what takes down those that can't be."""
        for link in links:
            if link.name in self.kept:
                continue
            self.kept.add(link.name)
            self.devices.add(link.name)
            if not link.is_tunnel or link.master is None:
                continue
            port = port_in(overlay, link.name, link)
            ports.append(port)
            guarded = bool(port.guards) or self._is_alone(link, overlay)
            strange = self.bridge_of.get(link.master, overlay.name) != overlay.name
            hazards = self.hindrances.hazards(overlay, link.master)
            if link.up and (hazards or strange or not guarded):
                yield TakeDown(overlay.name, link.name)

    def _is_alone(self, link: Link, overlay: Overlay) -> bool:
        """Whether a port needs no guard: no other of vxland's is in its bridge, or comes there."""
        others = (other for other in own_links(self.observed) if other is not link)
        return (
            not overlay.guards
            and not overlay.vteps
            and not any(other.is_tunnel and other.master == link.master for other in others)
        )
