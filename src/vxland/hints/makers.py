"""Files by which another program is to make or manage what is vxland's, too."""

from collections.abc import Iterator

from vxland.makers.words import words
from vxland.model import Overlay
from vxland.observed import Observed
from vxland.problems import Kind, Problem


def makers(overlay: Overlay, observed: Observed) -> Iterator[Problem]:
    """One for each program."""
    for said in words(claim for claim in observed.claims if claim.overlay == overlay.name):
        yield Problem(
            Kind.HINT,
            f"{said.text}: it may undo what vxland does, or be there first at boot",
            said.cure,
            overlay=overlay.name,
        )
