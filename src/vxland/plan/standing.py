"""What there is to think about where all was as wanted a moment ago, and little has changed.

A plan goes device by device, but for what devices take from each other: a name, a VNI, a mark. So
the plan for what changed, and for whoever has something of it, is the plan for all.
"""

from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from itertools import chain
from typing import TypeVar

from vxland.model import Desired, Overlay, VniKey, Vtep
from vxland.observed import Link, Observed
from vxland.ownership import Mark, is_own, mark
from vxland.plan.memory import Memory

MOST = 100  # devices that changed: of more, all is planned
BY_DEVICE = ("links", "fdb", "addresses")
FOR_BOUND = ("host",)  # says nothing about a device that isn't bound to another
BESIDE = ("abroad", "forward", "far_ends", "claims")  # says nothing about a device that stays
SIGHTS = [f.name for f in fields(Observed) if f.name not in (*BY_DEVICE, *FOR_BOUND, *BESIDE)]

ValueT = TypeVar("ValueT")


@dataclass(frozen=True, slots=True)
class View:
    """What a plan has to look at."""

    observed: Observed
    desired: Desired
    touched: frozenset[str] = frozenset()  # what changed, or has what these have or should have
    tables: Desired | None = None  # what tables that list peers go by; None: they are as they were

    @property
    def changed(self) -> bool:
        """Whether anything has."""
        return bool(self.touched) or self.tables is not None


class Standing:
    """A state in which nothing was left to be done, nor to be said."""

    def __init__(self, observed: Observed, desired: Desired, memory: Memory) -> None:
        self._observed = observed
        self._desired = desired
        self._memory = memory
        self._vteps = {vtep.device: vtep for vtep in desired.vteps()}
        bound = any(_is_bound(observed.links[name], vtep) for name, vtep in self._vteps.items())
        self._sights = [*SIGHTS, *FOR_BOUND] if bound else SIGHTS
        self._holders: dict[Hashable, list[str]] = {}
        for name in self._vteps:
            for thing in _held(observed.links[name]):
                self._holders.setdefault(thing, []).append(name)

    def view(self, observed: Observed, desired: Desired, memory: Memory) -> View | None:
        """What has to be looked at now; None where that is everything."""
        if memory.grounded or memory != self._memory or not self._sees_alike(observed):
            return None
        changed = self._differing_vteps(desired)
        if changed is None:
            return None
        for seen in BY_DEVICE:
            changed |= _differing(getattr(self._observed, seen), getattr(observed, seen))
        if len(changed) > MOST or not all(self._is_tunnel(name, observed) for name in changed):
            return None
        touched = frozenset(changed.union(self._entangled(changed, observed, desired)))
        tables = None if desired is self._desired else desired
        return self._around(View(observed, desired, touched, tables))

    def _sees_alike(self, observed: Observed) -> bool:
        sights = ((getattr(self._observed, name), getattr(observed, name)) for name in self._sights)
        return all(before is now or before == now for before, now in sights)

    def _differing_vteps(self, desired: Desired) -> set[str] | None:
        """The devices of VTEPs that aren't what they were; None where more is another."""
        if desired is self._desired:
            return set()
        # What is listed matters where it is nothing: half a file.
        if not all(o.peers_listed for o in (*self._desired.overlays, *desired.overlays)):
            return None
        if _frame(desired) != _frame(self._desired):
            return None
        return _differing(self._vteps, {vtep.device: vtep for vtep in desired.vteps()})

    def _is_tunnel(self, name: str, observed: Observed) -> bool:
        """Whether it was a tunnel of vxland's if it was anything, and is if it is anything."""
        links = (seen.links.get(name) for seen in (self._observed, observed))
        return all(link is None or (link.kind == "vxlan" and is_own(link)) for link in links)

    def _entangled(self, changed: set[str], observed: Observed, desired: Desired) -> Iterator[str]:
        """The tunnels that have what one that changed has, or should have."""
        links = (observed.links[name] for name in changed if name in observed.links)
        wanted = (vtep for vtep in desired.vteps() if vtep.device in changed)
        for thing in chain(*map(_held, links), *map(_wanted, wanted)):
            yield from self._holders.get(thing, ())

    def _around(self, view: View) -> View:
        """The same without what hasn't changed, and of which there is another like it."""
        overlays = tuple(_narrowed(overlay, view.touched) for overlay in view.desired.overlays)
        named = {vtep.device for overlay in overlays for vtep in overlay.vteps} | view.touched
        out = self._vteps.keys() - named
        observed = view.observed
        links = {name: link for name, link in observed.links.items() if name not in out}
        return replace(
            view,
            observed=replace(
                observed,
                links=links,
                fdb={name: observed.fdb[name] for name in links if name in observed.fdb},
                addresses={n: some for n, some in observed.addresses.items() if n not in out},
            ),
            desired=replace(view.desired, overlays=overlays),
        )


def _narrowed(overlay: Overlay, touched: frozenset[str]) -> Overlay:
    """With the VTEPs that were touched; and one of a mesh that wasn't stands for the others.

    So that it can be told by which scheme there are tunnels, and that they are guarded.
    """
    if overlay.shared:  # two at most, and what holds for one may depend on the other
        some = any(vtep.device in touched for vtep in overlay.vteps)
        return overlay if some else replace(overlay, vteps=())
    others = {vtep.quiet: vtep.device for vtep in overlay.vteps if vtep.device not in touched}
    kept = touched.union(others.values())
    return replace(overlay, vteps=tuple(v for v in overlay.vteps if v.device in kept))


def _frame(desired: Desired) -> Desired:
    """The same without VTEPs, and without how many there are to be."""
    bare = (replace(overlay, vteps=(), peers_listed=0) for overlay in desired.overlays)
    return replace(desired, overlays=tuple(bare))


def _differing(before: Mapping[str, ValueT], now: Mapping[str, ValueT]) -> set[str]:
    """Where they don't have the same. What hasn't changed is mostly the same object."""
    found = {k for k, v in now.items() if (b := before.get(k)) is not v and b != v}
    return found.union(before.keys() - now.keys())


def _is_bound(link: Link, vtep: Vtep) -> bool:
    """Whether it stays bound to a device only while its peers are reached by that."""
    return link.vxlan is not None and link.vxlan.underlay != vtep.underlay


def _held(link: Link) -> Iterable[Hashable]:
    """What no other device should have of it."""
    keys = [link.vxlan.key] if link.vxlan else []
    return link.name, *link.altnames, *map(_everywhere, keys), mark(link)


def _wanted(vtep: Vtep) -> Iterable[Hashable]:
    """The same, as it should have it."""
    return vtep.device, vtep.altname, _everywhere(vtep.vni_key), Mark(vtep.overlay, vtep.peer)


def _everywhere(key: VniKey) -> Hashable:
    """A VNI, whatever device it is bound to: in numbers, since there are many."""
    return key.vni, key.port, key.family
