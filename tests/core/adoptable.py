"""What may be taken over at most, found out without the planner."""

import re
from collections import Counter

from vxland.model import Desired, Overlay, Vtep
from vxland.observed import Link, Observed
from vxland.ownership import is_own, mark

RULE = re.compile(r"-i (\S+) -o (\S+) -j DROP")


def adoptable(seen: Observed, desired: Desired) -> frozenset[str]:
    """Others' devices that are very like those wanted, and bridges that have such ports."""
    found = set()
    for overlay in desired.overlays:
        if not overlay.adopt:
            continue
        tunnels = {
            link.name
            for link in seen.links.values()
            if not is_own(link) and any(_is_like(link, vtep, seen) for vtep in overlay.vteps)
            if link.master is None or _is_of(seen.links[link.master], overlay)
        }
        found |= tunnels
        found |= {str(seen.links[name].master) for name in tunnels} & {overlay.bridge.device}
    return frozenset(found)


def _is_like(link: Link, vtep: Vtep, seen: Observed) -> bool:
    state = link.vxlan
    floods = {entry.destination for entry in seen.fdb.get(link.name, ()) if entry.floods}
    return (
        state is not None
        and (state.vni, state.port) == (vtep.vni, vtep.port)
        and (state.remote == vtep.remote or (state.remote is None and floods == vtep.flood))
        and (state.local is None or state.local.version == vtep.local.version)
        and state.plain
        and state.options.udp_csum == vtep.options.udp_csum
    )


def _is_of(bridge: Link, overlay: Overlay) -> bool:
    own = mark(bridge)
    return bridge.name == overlay.bridge.device or (own is not None and own.overlay == overlay.name)


def tunnels_of(seen: Observed, desired: Desired) -> frozenset[str]:
    """The names that rules which are replaced may have."""
    adopting = {overlay.name for overlay in desired.overlays if overlay.adopt}
    own = {
        link.name
        for link in seen.links.values()
        if (whose := mark(link)) is not None and whose.overlay in adopting
    }
    wanted = {vtep.device for vtep in desired.vteps() if vtep.overlay in adopting}
    return adoptable(seen, desired) | own | wanted if adopting else frozenset()


def wrongly_removed(
    before: tuple[str, ...], after: tuple[str, ...], names: frozenset[str]
) -> list[str]:
    """Rules that went and name something else, or came."""
    gone = Counter(before) - Counter(after)
    came = Counter(after) - Counter(before)
    return [
        *came,
        *(
            rule
            for rule in gone
            if not ((words := RULE.fullmatch(rule)) and names.issuperset(words.groups()))
        ),
    ]
