"""What could loop: pairs of tunnel ports of one bridge that would pass frames to each other."""

from collections.abc import Hashable, Iterable, Iterator
from itertools import combinations

from vxland.guards import cut, traits
from vxland.model import Overlay
from vxland.observed import Link, Observed
from vxland.ownership import is_own

Pair = frozenset[str]


def looping_pairs(observed: Observed, allowed: frozenset[str] = frozenset()) -> frozenset[Pair]:
    """The pairs, at least one port of each vxland's, that no guard keeps from each other.

    ``allowed`` are tunnel ports of others that the configuration puts up with.
    """
    bridges: dict[str, list[Link]] = {}
    for link in observed.links.values():
        if link.master:
            bridges.setdefault(link.master, []).append(link)
    return frozenset(
        pair for ports in bridges.values() for pair in _pairs(ports, observed, allowed)
    )


def looping_in(overlay: Overlay, observed: Observed) -> int:
    """How many there are in the overlay's bridge, but for the ports that it allows.

    Counted by kinds of ports, of which there are a few: of 1,000 ports there are 500,000 pairs.
    """
    alike: dict[Hashable, list[Link]] = {}
    for port in _tunnels(observed.ports(overlay.bridge.device), overlay.allow_tunnel_ports):
        alike.setdefault((is_own(port), traits(port, observed)), []).append(port)
    kinds = [(ports[0], len(ports)) for ports in alike.values()]
    among = sum(count * (count - 1) // 2 for one, count in kinds if _loop(one, one, observed))
    between = combinations(kinds, 2)
    return among + sum(n * m for (a, n), (b, m) in between if _loop(a, b, observed))


def _pairs(ports: Iterable[Link], observed: Observed, allowed: frozenset[str]) -> Iterator[Pair]:
    group = _tunnels(ports, allowed)
    # Isolated ports can't reach each other, so a pair needs one that isn't.
    loose = [link for link in group if not link.isolated]
    tied = [link for link in group if link.isolated]
    for one, other in (*combinations(loose, 2), *((a, b) for a in loose for b in tied)):
        if _loop(one, other, observed):
            yield frozenset((one.name, other.name))


def _tunnels(ports: Iterable[Link], allowed: frozenset[str]) -> list[Link]:
    return [link for link in ports if link.up and link.is_tunnel and link.name not in allowed]


def _loop(one: Link, other: Link, observed: Observed) -> bool:
    return (is_own(one) or is_own(other)) and not cut(one, other, observed)


def foreign_tunnels(overlay: Overlay, bridge: str, observed: Observed) -> tuple[Link, ...]:
    """Others' tunnel ports in the overlay's bridge that its configuration doesn't allow."""
    return tuple(
        link
        for link in sorted(observed.ports(bridge), key=lambda link: link.name)
        if link.is_tunnel and not is_own(link) and link.name not in overlay.allow_tunnel_ports
    )
