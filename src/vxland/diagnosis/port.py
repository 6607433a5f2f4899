"""Whether peers refuse UDP to the tunnels' port; that they don't may be silence, too."""

from collections.abc import Iterator

from vxland.diagnosis.facts import Facts
from vxland.diagnosis.finding import Finding, State


def port(facts: Facts) -> Iterator[Finding]:
    """One for each tunnel."""
    for target in facts.targets:
        told = facts.ports.get((target.ends, target.port))
        through = facts.through.get(target.key)
        about = target.overlay, target.peer, target.device
        if told is None:
            if through is not None and (through.answered or through.wire):
                yield Finding(State.OK, f"UDP {target.port} is open", "", *about)
            else:
                text = f"UDP {target.port} isn't refused, which doesn't mean that it is let in"
                yield Finding(State.UNKNOWN, text, "", *about)
        elif told.closed:
            text = (
                f"nothing listens at UDP {target.port} there, or a firewall rejects it: vxland"
                " isn't set up, its tunnel is down, or its port closed"
            )
            cure = (
                "On that server: systemctl enable --now vxland; vxland status. Otherwise there: let"
                f" UDP port {target.port} in from {target.ends.local}"
            )
            yield Finding(State.PROBLEM, text, cure, *about)
        else:
            text = f"UDP {target.port} is refused by {told.by}: {told.what}"
            cure = f"There: let UDP port {target.port} in from {target.ends.local}"
            yield Finding(State.PROBLEM, text, cure if told.filtered else "", *about)
