"""What is vxland's: what carries its mark, and nothing else."""

from collections.abc import Iterator
from dataclasses import dataclass

from vxland import identity
from vxland.observed import Link, Observed

KINDS = frozenset({"vxlan", "bridge"})


@dataclass(frozen=True, slots=True)
class Mark:
    """Whom a device says that it stands for. A bridge has no peer."""

    overlay: str
    peer: str = ""


def mark(link: Link) -> Mark | None:
    """What the device's marks say, the alias before the altname; None where it has none."""
    if link.kind not in KINDS:
        return None
    if link.alias.startswith(identity.ALIAS_MARK):
        overlay, _, peer = link.alias.removeprefix(identity.ALIAS_MARK).partition(":")
        return Mark(overlay, peer)
    for altname in sorted(link.altnames):
        if altname.startswith(identity.ALTNAME_MARK):
            overlay, _, peer = altname.removeprefix(identity.ALTNAME_MARK).partition("+")
            return Mark(overlay, peer)
    return None


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
