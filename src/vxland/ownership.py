"""What is vxland's: what carries its mark, and nothing else."""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from msgspec import Struct
from msgspec.structs import replace

from vxland import identity
from vxland.model import Desired
from vxland.observed import Link, Observed
from vxland.problems import Problem

MAC_DIGITS = re.compile("(?:[0-9a-f]{2}){6}")

KINDS = frozenset({"vxlan", "bridge"})
KNOWN = 32_768  # aliases that needn't be read again: each is asked for many times in a plan


class Mark(Struct, frozen=True):
    """Whom a device says that it stands for. A bridge has no peer."""

    overlay: str
    peer: str = ""


def mark(link: Link) -> Mark | None:
    """What the device's marks say, the alias before the altname; None where it has none."""
    if link.kind not in KINDS:
        return None
    if (by_alias := alias_mark(link.alias)) is not None:
        return by_alias
    for altname in sorted(link.altnames):
        if altname.startswith(identity.ALTNAME_MARK):
            return altname_mark(altname)
    return None


def keepsake(link: Link, altname: str) -> str | None:
    """The mark of a bridge that was taken over: this altname, and the MAC address that it keeps."""
    if link.kind != "bridge":
        return None
    for name in sorted(link.altnames):
        head, _, digits = name.partition(identity.KEPT)
        if head == altname and MAC_DIGITS.fullmatch(digits):
            return name
    return None


def kept_mac(link: Link, altname: str) -> str | None:
    """The MAC address that a bridge with this altname keeps for good: that it was taken over with.

    None where vxland made it.
    """
    name = keepsake(link, altname)
    return None if name is None else bytes.fromhex(name.partition(identity.KEPT)[2]).hex(":")


@lru_cache(KNOWN)
def alias_mark(alias: str) -> Mark | None:
    """What an alias says, of whatever device it is."""
    if not alias.startswith(identity.ALIAS_MARK):
        return None
    overlay, _, peer = alias.removeprefix(identity.ALIAS_MARK).partition(":")
    return Mark(overlay, peer)


def altname_mark(altname: str) -> Mark:
    """What an altname says that is a mark."""
    whole, _, _ = altname.removeprefix(identity.ALTNAME_MARK).partition(identity.KEPT)
    overlay, _, peer = whole.replace(identity.QUIET, identity.SPOKEN).partition(identity.SPOKEN)
    return Mark(overlay, peer)


def is_quiet(link: Link) -> bool:
    """Whether a device of vxland's is marked as a peer's second one."""
    return any(
        altname.startswith(identity.ALTNAME_MARK) and identity.QUIET in altname
        for altname in link.altnames
    )


def is_newborn(link: Link) -> bool:
    """Whether vxland was stopped between making this device and marking it.

    The group is the one mark that the kernel takes in the creation itself. It counts only for a
    device that was never used: down, in no bridge, without alias.
    """
    return (
        link.kind in KINDS
        and link.group == identity.GROUP
        and not link.up
        and link.master is None
        and not link.alias
    )


def is_own(link: Link) -> bool:
    """Whether vxland may change or remove this device."""
    return mark(link) is not None or is_newborn(link)


def own_links(observed: Observed) -> Iterator[Link]:
    """Every device that is vxland's."""
    return (link for link in observed.links.values() if is_own(link))


def owners(devices: Iterable[str], desired: Desired, observed: Observed) -> dict[str, Mark]:
    """Whom these devices stand for: as they are wanted, or else as they are marked."""
    devices = frozenset(devices)
    wanted = {overlay.bridge.device: Mark(overlay.name) for overlay in desired.overlays}
    for overlay in desired.overlays:
        wanted |= {
            vtep.device: Mark(overlay.name, vtep.peer)
            for vtep in overlay.vteps
            if vtep.device in devices
        }
    found = {}
    for device in devices:
        link = observed.links.get(device)
        owner = wanted.get(device) or (mark(link) if link else None)
        if owner is not None:
            found[device] = owner
    return found


def attributed(
    problems: Iterable[Problem], desired: Desired, observed: Observed
) -> tuple[Problem, ...]:
    """The problems, each with the overlay and peer of its device where it doesn't say them."""
    problems = tuple(problems)
    whose = owners({problem.device for problem in problems} - {""}, desired, observed)
    nobodys = Mark("")
    return tuple(
        replace(
            problem,
            overlay=problem.overlay or whose.get(problem.device, nobodys).overlay,
            peer=problem.peer or whose.get(problem.device, nobodys).peer,
        )
        for problem in problems
    )
