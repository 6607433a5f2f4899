"""What of the filter stays, though nobody wants it any more, or not for now."""

from collections.abc import Collection, Iterator

from vxland.model import Desired, Overlay
from vxland.observed import Element, Observed
from vxland.ownership import own_links


def kept(
    there: Collection[Element],
    desired: Desired,
    observed: Observed,
    apart: tuple[Collection[str], Collection[str]],
) -> Iterator[Element]:
    """What is for a VNI of which not all is known, whoever it lets in.

    ``apart`` are the devices that aren't laid out, and those that stay as they are.
    """
    numbers = _numbers(desired, observed, *apart)
    if not numbers:  # as mostly; and there may be thousands
        return
    ports = {one.port for one in there if (one.vni, one.port) in numbers}
    common = {one.port for one in there if one.set == "common" and (one.vni, one.port) in numbers}
    for one in there:
        if one.vni is not None:
            if (one.vni, one.port) in numbers:
                yield one
        elif one.set != "exclusive" and one.port in (ports if one.set == "ports" else common):
            yield one


def _numbers(
    desired: Desired, observed: Observed, left: Collection[str], still: Collection[str]
) -> set[tuple[int | None, int]]:
    """These VNIs, and their ports.

    Of a pair's VNI all is known. From others a peer may send, too, that isn't known yet.
    """
    waiting = {overlay.name for overlay in desired.overlays if _is_waiting(overlay)}
    vteps = [*desired.vteps()]
    numbers: set[tuple[int | None, int]] = {
        (v.vni, v.port)
        for v in vteps
        if v.device in left or (v.overlay in waiting and (v.shared or v.common))
    }
    known = {(v.vni, v.port) for v in vteps} - numbers
    tunnels = (observed.links[name].vxlan for name in still)
    return numbers | {(vxlan.vni, vxlan.port) for vxlan in tunnels if vxlan is not None} - known


def _is_waiting(overlay: Overlay) -> bool:
    """Whether there may be more to be filtered than is known."""
    return overlay.ingress and bool(overlay.waiting or not overlay.peers_listed)


def shields(
    stale: Collection[Element], desired: Desired, observed: Observed, elements: Collection[Element]
) -> Iterator[tuple[Element, str]]:
    """Ports that needn't be the overlays' alone any more, but for this device of vxland's.

    Nothing else keeps strangers from it, since its VNI isn't filtered: nobody ever wanted it to be.
    Where an overlay that can't be filtered has the port, it is open at once.
    """
    ports = {one.port for one in stale if one.set == "exclusive"}
    if not ports:
        return
    open_to_all = {v.port for o in desired.overlays if not o.filtered for v in o.vteps}
    tunnels = ((link.name, link.vxlan) for link in own_links(observed) if link.vxlan is not None)
    for name, vxlan in tunnels:
        filtered = Element("vnis", vxlan.port, vxlan.vni) in elements
        if vxlan.port in ports - open_to_all and not filtered:
            yield Element("exclusive", vxlan.port), name
