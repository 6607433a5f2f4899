"""Altnames of vxland's own devices that are wanted elsewhere, or mark what the device isn't."""

from collections.abc import Collection, Iterator, Mapping

from vxland.identity import ALTNAME_MARK
from vxland.observed import Observed
from vxland.operations import Operation, RemoveAltname
from vxland.ownership import own_links
from vxland.plan.leaving import overlay_of


def plan_altnames(
    gone: Collection[str],
    names: Collection[str],
    settled: Mapping[str, tuple[str, str]],
    observed: Observed,
) -> Iterator[Operation]:
    """Take them off the devices that aren't ``gone``.

    ``names`` are all that are wanted, as names or altnames; ``settled`` are the devices that have
    a part in this plan, with the name and the altname that they get.
    """
    for link in own_links(observed):
        if link.name in gone:
            continue
        device, own_altname = settled.get(link.name, (link.name, ""))
        for altname in sorted(link.altnames - {own_altname}):
            if altname.startswith(ALTNAME_MARK):
                if altname in names or link.name in settled:
                    yield RemoveAltname(overlay_of(link), device, altname)
            elif altname in names:
                yield RemoveAltname(overlay_of(link), link.name, altname)
