"""Altnames of vxland's own devices that are wanted elsewhere, or mark what the device isn't."""

from collections.abc import Collection, Iterator, Mapping, Sequence

from vxland.identity import ALIAS_MARK, ALTNAME_MARK
from vxland.observed import Link, Observed
from vxland.operations import AddAltname, DeleteLink, Operation, RemoveAltname
from vxland.ownership import keepsake, own_links
from vxland.plan.leaving import overlay_of


def with_altnames_moved(
    operations: Sequence[Operation],
    names: Collection[str],
    settled: Mapping[str, tuple[str, str]],
    observed: Observed,
) -> list[Operation]:
    """The operations, and what takes altnames off; without giving one that another device keeps.

    ``names`` are all that are wanted, as names or altnames; ``settled`` are the devices that have
    a part in this plan, with the name and the altname that they get.
    """
    if not any(link.altnames for link in observed.links.values()):
        return [*operations]
    gone = {operation.device for operation in operations if isinstance(operation, DeleteLink)}
    removals = [
        operation
        for link in own_links(observed)
        if link.name not in gone
        for operation in _removals(link, names, settled)
    ]
    held = {
        altname
        for link in observed.links.values()
        if link.name not in gone
        for altname in link.altnames
    }.difference(operation.altname for operation in removals)
    if held:
        operations = [
            op for op in operations if not (isinstance(op, AddAltname) and op.altname in held)
        ]
    return [*operations, *removals]


def _removals(
    link: Link, names: Collection[str], settled: Mapping[str, tuple[str, str]]
) -> Iterator[RemoveAltname]:
    device, own_altname = settled.get(link.name, (link.name, ""))
    for altname in sorted(link.altnames - {own_altname, keepsake(link, own_altname)}):
        if not altname.startswith(ALTNAME_MARK):
            if altname in names:
                yield RemoveAltname(overlay_of(link), link.name, altname)
        elif link.name in settled or (altname in names and link.alias.startswith(ALIAS_MARK)):
            yield RemoveAltname(overlay_of(link), device, altname)
