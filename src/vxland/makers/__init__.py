"""Other makers of VXLAN devices and bridges: what their files are to do with vxland's.

Values in, values out: ``vxland.probe.managers`` reads the files. One module each, one line here.
"""

from collections.abc import Callable, Iterator, Sequence

from vxland.makers.files import Files
from vxland.makers.interfaces import ifupdown
from vxland.makers.netplan import netplan
from vxland.makers.network_manager import network_manager
from vxland.makers.networkd import networkd
from vxland.makers.subjects import Subject
from vxland.observed import Claim
from vxland.observed.claims import NETPLAN

MAKERS: tuple[Callable[[Files, Sequence[Subject]], Iterator[Claim]], ...] = (
    netplan,
    networkd,
    ifupdown,
    network_manager,
)


def claims(files: Files, subjects: Sequence[Subject]) -> tuple[Claim, ...]:
    """What these files are to do with these devices.

    What netplan generated is told only where its own file couldn't be read.
    """
    found = [claim for maker in MAKERS for claim in maker(files, subjects)]
    sources = {claim.device for claim in found if _is_source(claim)}
    return tuple(
        claim
        for claim in found
        if claim.program != NETPLAN or claim.device not in sources or _is_source(claim)
    )


def _is_source(claim: Claim) -> bool:
    return claim.program == NETPLAN and claim.where.endswith(".yaml")
