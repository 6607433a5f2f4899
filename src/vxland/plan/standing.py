"""What there is to think about where all was as wanted a moment ago, and little has changed.

A plan goes device by device, but for what devices take from each other: a name, a VNI, a mark. So
the plan for what changed, and for whoever has something of it, is the plan for all.
"""

from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping
from itertools import chain
from typing import Any, TypeVar

from msgspec import Struct
from msgspec.structs import fields, replace

from vxland.model import Desired, Overlay, VniKey, Vtep
from vxland.observed import Link, Observed, Since
from vxland.ownership import Mark, is_own, mark
from vxland.plan.memory import Memory

MOST = 100  # devices that changed: of more, all is planned
BY_DEVICE = ("links", "fdb", "addresses")
FOR_BOUND = ("host",)  # says nothing about a device that isn't bound to another
BESIDE = ("abroad", "forward", "far_ends", "claims")  # says nothing about a device that stays
SIGHTS = [f.name for f in fields(Observed) if f.name not in (*BY_DEVICE, *FOR_BOUND, *BESIDE)]

ValueT = TypeVar("ValueT")


class View(Struct, frozen=True):
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
        self._wanted = Wanted(desired)
        self._others = [name for name in observed.links if name not in self._wanted.vteps]
        self._seen = Since(observed, frozenset())  # by the last look
        self._sights = SIGHTS
        self._holders: dict[Hashable, tuple[str, ...]] = {}  # mostly one: sets take 1 MB of 1,000
        self._enter(self._wanted.vteps)

    def view(
        self, observed: Observed, desired: Desired, memory: Memory, since: Since | None = None
    ) -> View | None:
        """What has to be looked at now; None where that is everything."""
        if memory.grounded or memory != self._memory or not self._sees_alike(observed):
            return None
        wanted = self._wanted if desired is self._desired else Wanted(desired)
        changed = self._differing_vteps(wanted)
        if changed is None:
            return None
        self._seen = Since(observed, self._differing(observed, since))
        changed |= self._seen.names
        if len(changed) > MOST or not all(self._is_tunnel(name, observed) for name in changed):
            return None
        touched = frozenset(changed.union(self._entangled(changed, observed, wanted)))
        tables = None if desired is self._desired else desired
        return self._around(View(observed, desired, touched, tables), wanted)

    def moves(self, observed: Observed, desired: Desired, touched: Collection[str]) -> bool:
        """Whether this can go on with what was touched as it is now, which needs nothing either."""
        if desired is not self._desired or not self._wanted.vteps.keys() >= set(touched):
            return False
        for name in touched:
            for thing in _held(self._observed.links[name]):
                others = (one for one in self._holders[thing] if one != name)
                self._holders[thing] = tuple(others)
        self._observed, self._seen = observed, Since(observed, frozenset())
        self._enter(touched)
        return True

    def _enter(self, names: Iterable[str]) -> None:
        """Remember what these have of their own: they are tunnels that are as wanted."""
        for name in names:
            link = self._observed.links[name]
            for thing in _held(link):
                self._holders[thing] = (*self._holders.get(thing, ()), name)
            if _is_bound(link, self._wanted.vteps[name]):
                self._sights = [*SIGHTS, *FOR_BOUND]

    def _sees_alike(self, observed: Observed) -> bool:
        sights = ((getattr(self._observed, name), getattr(observed, name)) for name in self._sights)
        return all(before is now or before == now for before, now in sights)

    def _differing(self, observed: Observed, since: Since | None) -> frozenset[str]:
        """The devices that aren't as they were."""
        among: frozenset[str] | None = None  # any
        if since is not None and since.before is self._seen.before:
            among = self._seen.names | since.names
        pairs = ((getattr(self._observed, seen), getattr(observed, seen)) for seen in BY_DEVICE)
        return frozenset(chain(*(_differing(*pair, among) for pair in pairs)))

    def _differing_vteps(self, wanted: "Wanted") -> set[str] | None:
        """The devices of VTEPs that aren't what they were; None where more is another."""
        desired = wanted.desired
        if desired is self._desired:
            return set()
        # What is listed matters where it is nothing: half a file.
        if not all(o.peers_listed for o in (*self._desired.overlays, *desired.overlays)):
            return None
        if _frame(desired) != _frame(self._desired):
            return None
        return _differing(self._wanted.vteps, wanted.vteps)

    def _is_tunnel(self, name: str, observed: Observed) -> bool:
        """Whether it was a tunnel of vxland's if it was anything, and is if it is anything."""
        links = (seen.links.get(name) for seen in (self._observed, observed))
        return all(link is None or (link.kind == "vxlan" and is_own(link)) for link in links)

    def _entangled(self, changed: set[str], observed: Observed, wanted: "Wanted") -> Iterator[str]:
        """The tunnels that have what one that changed has, or should have."""
        links = _some(observed.links, changed).values()
        vteps = _some(wanted.vteps, changed).values()
        for thing in chain(*map(_held, links), *map(_wanted, vteps)):
            yield from self._holders.get(thing, ())

    def _around(self, view: View, wanted: "Wanted") -> View:
        """The same without what hasn't changed, and of which there is another like it."""
        desired = wanted.narrowed(view.touched)
        vteps = (vtep.device for vtep in desired.vteps())
        named = dict.fromkeys((*self._others, *vteps, *sorted(view.touched)))
        parts: dict[str, Any] = {
            seen: _some(getattr(view.observed, seen), named) for seen in BY_DEVICE
        }
        return replace(view, observed=replace(view.observed, **parts), desired=desired)


class Wanted:
    """What is wanted, to be found by device, however much it is."""

    def __init__(self, desired: Desired) -> None:
        self.desired = desired
        self.vteps = {vtep.device: vtep for vtep in desired.vteps()}
        self._places = {name: place for place, name in enumerate(self.vteps)}
        self._alike: dict[tuple[str, bool], list[str]] = {}
        for vtep in self.vteps.values():
            self._alike.setdefault((vtep.overlay, vtep.quiet), []).append(vtep.device)

    def narrowed(self, touched: Collection[str]) -> Desired:
        """With the VTEPs that were touched; and one of a mesh that wasn't stands for the others.

        So that it can be told by which scheme there are tunnels, and that they are guarded.
        """
        alike = map(reversed, self._alike.values())
        samples = (next((name for name in names if name not in touched), "") for names in alike)
        kept = self.vteps.keys() & {*touched, *samples}
        vteps: dict[str, list[Vtep]] = {}
        for name in sorted(kept, key=self._places.__getitem__):
            vteps.setdefault(self.vteps[name].overlay, []).append(self.vteps[name])
        overlays = (
            _narrowed(overlay, touched, vteps.get(overlay.name, ()))
            for overlay in self.desired.overlays
        )
        return replace(self.desired, overlays=tuple(overlays))


def _narrowed(overlay: Overlay, touched: Collection[str], vteps: Iterable[Vtep]) -> Overlay:
    if overlay.shared:  # two at most, and what holds for one may depend on the other
        some = any(vtep.device in touched for vtep in overlay.vteps)
        return overlay if some else replace(overlay, vteps=())
    return replace(overlay, vteps=tuple(vteps))


def _frame(desired: Desired) -> Desired:
    """The same without VTEPs, and without how many there are to be."""
    bare = (replace(overlay, vteps=(), peers_listed=0) for overlay in desired.overlays)
    return replace(desired, overlays=tuple(bare))


def _differing(
    before: Mapping[str, ValueT], now: Mapping[str, ValueT], among: Iterable[str] | None = None
) -> set[str]:
    """Where they don't have the same. What hasn't changed is mostly the same object."""
    if among is not None:
        return {name for name in among if before.get(name) != now.get(name)}
    found = {k for k, v in now.items() if (b := before.get(k)) is not v and b != v}
    return found.union(before.keys() - now.keys())


def _some(mapping: Mapping[str, ValueT], names: Iterable[str]) -> dict[str, ValueT]:
    """What these have, as far as they have any."""
    return {name: mapping[name] for name in names if name in mapping}


def _is_bound(link: Link, vtep: Vtep) -> bool:
    """Whether it stays bound to a device only while its peers are reached by that."""
    return link.vxlan is not None and link.vxlan.underlay != vtep.underlay


def _held(link: Link) -> Iterable[Hashable]:
    """What a device has that no other one should have, too."""
    keys = [link.vxlan.key] if link.vxlan else []
    return link.name, *link.altnames, *map(_everywhere, keys), mark(link)


def _wanted(vtep: Vtep) -> Iterable[Hashable]:
    """What a VTEP's device should have so."""
    return vtep.device, vtep.altname, _everywhere(vtep.vni_key), Mark(vtep.overlay, vtep.peer)


def _everywhere(key: VniKey) -> Hashable:
    """A VNI, whatever device it is bound to: in numbers, since there are many."""
    return key.vni, key.port, key.family
