"""What stands in a VTEP's way: a name or a VNI that is taken. From others it isn't taken back."""

from collections.abc import Collection
from shlex import quote

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
        self._vnis: dict[int, list[Link]] = {}
        for link in observed.links.values():
            for name in (link.name, *link.altnames):
                self._names[name] = link
            if link.vxlan is not None:
                self._vnis.setdefault(link.vxlan.vni, []).append(link)

    def name_holder(self, name: str) -> Link | None:
        """The device that has this name or altname."""
        return self._names.get(name)

    def foreign(self, altname: str) -> Link | None:
        """Somebody else's device that has this name or altname."""
        holder = self._names.get(altname)
        return holder if holder is not None and not is_own(holder) else None

    def obstacle(self, name: str, wanting: Link | None = None) -> Link | None:
        """The device that has this name or altname and keeps it, other than the one ``wanting``."""
        return self._unyielding(self._names.get(name), wanting)

    def vni_obstacle(self, vtep: Vtep, wanting: Link | None = None) -> Link | None:
        """The same for the VTEP's VNI, port and family (vxlan_vni_in_use)."""
        for link in self._vnis.get(vtep.vni, ()):
            stays = self._unyielding(link, wanting) is not None
            if stays and link.vxlan is not None and link.vxlan.key.clashes(vtep.vni_key):
                return link
        return None

    def _unyielding(self, holder: Link | None, wanting: Link | None) -> Link | None:
        if holder is None or holder is wanting:
            return None
        stays = not is_own(holder) or holder.name in self._left_alone
        return holder if stays else None


def name_taken(vtep: Vtep, name: str, holder: Link) -> Problem:
    """The conflict over a name."""
    return _taken(
        vtep, f"the name {name}", holder, f"Remove or rename it: ip link del {quote(holder.name)}"
    )


def vni_taken(vtep: Vtep, node: str, holder: Link) -> Problem:
    """The conflict over a VNI, with the line that resolves it."""
    other = (
        f"the overlay another VNI on every server: vni = {_other_vni(vtep)}"
        if vtep.shared
        else "the pair another VNI on both servers:"
        f' [overlay.vnis] "{node} {vtep.peer}" = {_other_vni(vtep)}'
    )
    return _taken(
        vtep,
        f"VNI {vtep.vni} on port {vtep.port}",
        holder,
        f"Remove it (ip link del {quote(holder.name)}), or give {other}",
    )


def _taken(vtep: Vtep, what: str, holder: Link, cure: str) -> Problem:
    whose = (
        f"the tunnels of overlay {vtep.overlay}" if vtep.shared else f"the tunnel to {vtep.peer}"
    )
    wanted = f"{what}, wanted for {whose}, is held by {holder.name}"
    named = {"overlay": vtep.overlay, "peer": vtep.peer, "device": holder.name}
    if is_own(holder):
        text = f"{wanted}, which stays as it is for the reason given with it"
        return Problem(Kind.WAITING, text, "Nothing, or see to that first", **named)
    kind = holder.kind or "a device"
    return Problem(Kind.CONFLICT, f"{wanted} ({kind}), which isn't vxland's", cure, **named)


def _other_vni(vtep: Vtep) -> int:
    return vtep.vni % ((1 << 24) - 1) + 1
