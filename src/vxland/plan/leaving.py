"""What is vxland's and isn't wanted any more."""

from collections.abc import Iterator
from shlex import quote

from vxland.observed import Link, Observed
from vxland.operations import DeleteLink, Operation
from vxland.ownership import is_own, mark, own_links
from vxland.plan.addresses import kept, removals
from vxland.problems import Kind, Problem


def overlay_of(link: Link) -> str:
    """The overlay that a device of vxland's says it is of; empty for one not marked yet."""
    seen = mark(link)
    return seen.overlay if seen else ""


def plan_departures(
    leaving: frozenset[str], wanted_bridges: frozenset[str], observed: Observed
) -> tuple[tuple[Operation, ...], tuple[Problem, ...]]:
    """Delete these devices of vxland's, tunnels before bridges, and its addresses elsewhere.

    A bridge with others' ports, devices or addresses on it stays.
    """
    links = [observed.links[name] for name in sorted(leaving)]
    stay = {mark(link) for link in own_links(observed) if link.name not in leaving} - {None}
    operations: list[Operation] = [
        DeleteLink(overlay_of(link), link.name, spare=mark(link) in stay)
        for link in links
        if link.kind != "bridge"
    ]
    problems: list[Problem] = []
    stays = set()
    for link in links:
        if link.kind != "bridge":
            continue
        users = tuple(users_of(link.name, observed))
        if users:
            stays.add(link.name)
            problems.append(_kept(link, users))
        else:
            operations.append(DeleteLink(overlay_of(link), link.name))
    for device in sorted(observed.addresses.keys() - wanted_bridges - (leaving - stays)):
        present = observed.addresses[device]
        operations += removals("", device, present, ())
        problems += kept("", device, present, ())
    return tuple(operations), tuple(problems)


def users_of(bridge: str, observed: Observed) -> Iterator[str]:
    """What of others' would lose something with this bridge."""
    for name in sorted(observed.links):
        link = observed.links[name]
        if link.master == bridge and not is_own(link):
            yield f"port {name}"
        elif link.lower == bridge:
            yield f"device {name}"
    for address in sorted(observed.addresses.get(bridge, frozenset()), key=str):
        if not address.own and not address.automatic:
            yield f"address {address.interface}"


def _kept(link: Link, users: tuple[str, ...]) -> Problem:
    return Problem(
        Kind.HINT,
        f"bridge {link.name} stays, because of what others have on it: {', '.join(users)}",
        f"Take them off and run vxland down again, or remove it: ip link del {quote(link.name)}",
        overlay=overlay_of(link),
        device=link.name,
    )
