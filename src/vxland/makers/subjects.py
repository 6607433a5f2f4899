"""Whom it concerns: devices that are vxland's, that it wants, or that it could take over."""

from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from vxland.model import Desired, Overlay, VniKey, Vtep
from vxland.observed import Link, Observed
from vxland.ownership import Mark, is_own, mark
from vxland.plan.adoption.bridges import is_adoptable


class Subject(Struct, frozen=True):
    """One of them, as files may speak of it."""

    overlay: str
    device: str  # as it is called now; where there is none, as it will be
    kind: str
    names: frozenset[str]  # all that it has, and the one that it will have
    key: VniKey | None = None
    link: Link | None = None
    properties: Mapping[str, str] | None = None  # udev's; None where there is no udev to ask

    def is_made_by(self, name: str, kind: str, vni: int | None, port: int) -> bool:
        """Whether something that makes such a device makes this one, or one in its way."""
        if kind == self.kind and name in self.names:
            return True
        return self.key is not None and (vni, port) == (self.key.vni, self.key.port)


def subjects(desired: Desired, observed: Observed) -> tuple[Subject, ...]:
    """All of them, bridges before tunnels.

    A bridge that is somebody's and stays so is none: whoever makes it is welcome to.
    """
    marked: dict[Mark, list[Link]] = {}
    keyed: dict[VniKey, list[Link]] = {}
    for link in observed.links.values():
        if (whose := mark(link)) is not None:
            marked.setdefault(whose, []).append(link)
        if link.vxlan is not None:
            keyed.setdefault(link.vxlan.key, []).append(link)
    found: list[Subject] = []
    for overlay in desired.overlays:
        found += _bridge(overlay, observed, keyed)
        for vtep in overlay.vteps:
            named = observed.links.get(vtep.device)
            links = (
                *([named] if named is not None and named.kind == "vxlan" else ()),
                *marked.get(Mark(overlay.name, vtep.peer), ()),
                *keyed.get(vtep.vni_key, ()),
            )
            found += _tunnels(vtep, links)
    return tuple(found)


def _bridge(
    overlay: Overlay, observed: Observed, keyed: Mapping[VniKey, list[Link]]
) -> Iterator[Subject]:
    name = overlay.bridge.device
    link = observed.links.get(name)
    if link is None or link.kind != "bridge":
        return
    ports = (port for vtep in overlay.vteps for port in keyed.get(vtep.vni_key, ()))
    to_be = is_adoptable(link, observed) and any(port.master == name for port in ports)
    if is_own(link) or to_be:
        yield Subject(overlay.name, name, "bridge", frozenset({name, *link.altnames}), None, link)


def _tunnels(vtep: Vtep, links: Iterable[Link]) -> Iterator[Subject]:
    by_name = {link.name: link for link in links}
    for name, link in by_name.items():
        names = frozenset({name, vtep.device, *link.altnames})
        yield Subject(vtep.overlay, name, "vxlan", names, vtep.vni_key, link)
    if not by_name:
        names = frozenset({vtep.device})
        yield Subject(vtep.overlay, vtep.device, "vxlan", names, vtep.vni_key)
