"""TCP through a tunnel: whether it works, too, with what is left to the network card."""

from collections.abc import Iterator
from shlex import quote

from vxland.diagnosis.facts import Facts
from vxland.diagnosis.finding import Finding, State

CHECKSUM = "ethtool -K {} tx off"
SEGMENTS = "ethtool -K {} tx-udp_tnl-segmentation off tx-udp_tnl-csum-segmentation off"


def offload(facts: Facts) -> Iterator[Finding]:
    """One for each tunnel that answers echo at full size."""
    for target in facts.targets:
        through = facts.through.get(target.key)
        if through is None or not through.full:
            continue
        about = target.overlay, target.peer, target.device
        card = quote(target.underlay or "DEVICE")
        if not through.plain:
            text = "couldn't be tried: TCP to the bridge there isn't answered"
            yield Finding(State.UNKNOWN, text, "", *about)
        elif not through.checksum:
            text = f"packets vanish whose checksum is left to {card}: TCP hangs, ping works"
            yield Finding(State.PROBLEM, text, CHECKSUM.format(card), *about)
        elif not through.segments:
            text = f"packets vanish that {card} is to cut: TCP is slow or hangs, ping works"
            yield Finding(State.PROBLEM, text, SEGMENTS.format(card), *about)
        else:
            yield Finding(
                State.OK, "TCP passes, cut and summed by the network card, too", "", *about
            )
