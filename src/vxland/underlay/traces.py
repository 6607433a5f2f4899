"""What tunnels tell of the peers and of this node: they stay while vxland doesn't run."""

from collections.abc import Iterable
from itertools import islice

from vxland import identity
from vxland.addresses import IPAddress
from vxland.identity import SHARED
from vxland.observed import Link, Observed
from vxland.ownership import mark, own_links

WITNESSES = 3  # devices that are asked which node made them


def ends(observed: Observed, own: str | None) -> dict[str, IPAddress]:
    """Where tunnels lead, by peer, and where they come from, by this node's name if it is known.

    Of a machine that has both, its IPv4 address.
    """
    found: dict[str, IPAddress] = {}
    for link in sorted(own_links(observed), key=_family_and_name):
        seen = mark(link)
        if seen is None or link.vxlan is None:
            continue
        if link.vxlan.remote is not None and seen.peer not in SHARED.values():
            found.setdefault(seen.peer, link.vxlan.remote)
        made_here = own and identity.is_mac_of(link.mac, own, seen.overlay, seen.peer)
        if own and made_here and link.vxlan.local is not None:
            found.setdefault(own, link.vxlan.local)
    return found


def maker(observed: Observed, nodes: Iterable[str]) -> str | None:
    """Which of these made the tunnels that are here, as MAC addresses tell; None: none of them."""
    marked = ((link, seen) for link in own_links(observed) if (seen := mark(link)) is not None)
    witnesses = list(islice(marked, WITNESSES))
    return next(
        (
            node
            for node in nodes
            if any(
                identity.is_mac_of(link.mac, node, seen.overlay, seen.peer)
                for link, seen in witnesses
            )
        ),
        None,
    )


def _family_and_name(link: Link) -> tuple[int, str]:
    local = link.vxlan.local if link.vxlan is not None else None
    return (local.version if local is not None else 0, link.name)
