"""What of others' stands in a VTEP's way: a name or a VNI that is taken. It is never taken back."""

from collections.abc import Iterable

from vxland.model import Vtep
from vxland.observed import Link, Observed
from vxland.ownership import is_own
from vxland.problems import Kind, Problem


class Register:
    """Who holds which name and VNI in this namespace."""

    def __init__(self, observed: Observed) -> None:
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

    def foreign(self, names: Iterable[str]) -> Link | None:
        """The first device of somebody else's that has one of these names."""
        holders = (self._names.get(name) for name in names)
        return next((link for link in holders if link is not None and not is_own(link)), None)

    def foreign_vni(self, vtep: Vtep) -> Link | None:
        """Somebody else's device with the VTEP's VNI, port and family (vxlan_vni_in_use)."""
        holder = self._vnis.get(vtep.vni_key)
        return holder if holder is not None and not is_own(holder) else None


def name_taken(vtep: Vtep, name: str, holder: Link) -> Problem:
    """The conflict over a name."""
    return Problem(
        Kind.CONFLICT,
        f"the name {name}, wanted for the tunnel to {vtep.peer}, is held by {_what(holder)}",
        f"Remove or rename it: ip link del {holder.name}",
        overlay=vtep.overlay,
        peer=vtep.peer,
        device=holder.name,
    )


def vni_taken(vtep: Vtep, node: str, holder: Link) -> Problem:
    """The conflict over a VNI, with the line that resolves it."""
    return Problem(
        Kind.CONFLICT,
        f"VNI {vtep.vni} on port {vtep.port}, wanted for the tunnel to {vtep.peer}, is held by"
        f" {_what(holder)}",
        f"Remove it (ip link del {holder.name}), or give the pair another VNI on both servers:"
        f' [overlay.vnis] "{node} {vtep.peer}" = {_other_vni(vtep)}',
        overlay=vtep.overlay,
        peer=vtep.peer,
        device=holder.name,
    )


def _what(holder: Link) -> str:
    return f"{holder.name} ({holder.kind or 'a device'}), which isn't vxland's"


def _other_vni(vtep: Vtep) -> int:
    return vtep.vni % ((1 << 24) - 1) + 1
