"""What stands in a VTEP's way: a name or a VNI that is taken. From others it isn't taken back."""

from collections.abc import Collection, Iterable

from vxland.model import Vtep
from vxland.observed import Link, Observed
from vxland.ownership import is_own
from vxland.problems import Kind, Problem


class Register:
    """Who holds which name and VNI in this namespace.

    ``left_alone`` are devices of vxland's that give nothing away; it may grow.
    """

    def __init__(self, observed: Observed, left_alone: Collection[str] = ()) -> None:
        self._left_alone = left_alone
        self._names: dict[str, Link] = {}
        self._vnis: dict[object, Link] = {}
        for link in observed.links.values():
            for name in (link.name, *link.altnames):
                self._names[name] = link
            if link.vxlan is not None:
                self._vnis[link.vxlan.key] = link

    def name_holder(self, name: str) -> Link | None:
        """The device that has this name or altname."""
        return self._names.get(name)

    def obstacle(self, names: Iterable[str]) -> Link | None:
        """The first device that has one of these names and keeps it."""
        holders = (self._names.get(name) for name in names)
        return next((link for link in holders if link is not None and self._stays(link)), None)

    def vni_obstacle(self, vtep: Vtep) -> Link | None:
        """A device that keeps the VTEP's VNI, port and family (vxlan_vni_in_use)."""
        holder = self._vnis.get(vtep.vni_key)
        return holder if holder is not None and self._stays(holder) else None

    def _stays(self, link: Link) -> bool:
        return not is_own(link) or link.name in self._left_alone


def name_taken(vtep: Vtep, name: str, holder: Link) -> Problem:
    """The conflict over a name."""
    return _taken(
        vtep, f"the name {name}", holder, f"Remove or rename it: ip link del {holder.name}"
    )


def vni_taken(vtep: Vtep, node: str, holder: Link) -> Problem:
    """The conflict over a VNI, with the line that resolves it."""
    return _taken(
        vtep,
        f"VNI {vtep.vni} on port {vtep.port}",
        holder,
        f"Remove it (ip link del {holder.name}), or give the pair another VNI on both servers:"
        f' [overlay.vnis] "{node} {vtep.peer}" = {_other_vni(vtep)}',
    )


def _taken(vtep: Vtep, what: str, holder: Link, cure: str) -> Problem:
    wanted = f"{what}, wanted for the tunnel to {vtep.peer}, is held by {holder.name}"
    named = {"overlay": vtep.overlay, "peer": vtep.peer, "device": holder.name}
    if is_own(holder):
        text = f"{wanted}, which stays as it is for the reason given with it"
        return Problem(Kind.WAITING, text, "Nothing, or see to that first", **named)
    kind = holder.kind or "a device"
    return Problem(Kind.CONFLICT, f"{wanted} ({kind}), which isn't vxland's", cure, **named)


def _other_vni(vtep: Vtep) -> int:
    return vtep.vni % ((1 << 24) - 1) + 1
