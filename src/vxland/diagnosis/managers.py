"""Other programs that manage vxland's devices, or will, and undo what it does."""

from collections.abc import Iterator

from vxland.diagnosis.facts import Facts
from vxland.diagnosis.finding import Finding, State
from vxland.makers.words import words


def managers(facts: Facts) -> Iterator[Finding]:
    """One for each program and overlay."""
    for said in words(facts.claims):
        yield Finding(State.WARNING, said.text, said.cure, said.overlay)
    if not facts.claims:
        yield Finding(State.OK, "none is known to touch vxland's devices")
