"""Packets that come to a tunnel's port, and that no device here takes: another VNI.

Or by the kind of VNIs that this server only hears: as long as they do, some server sends so.
"""

from collections.abc import Iterator

from vxland.diagnosis.facts import Facts
from vxland.diagnosis.finding import Finding, State
from vxland.listing import MOST, some


def vni(facts: Facts) -> Iterator[Finding]:
    """One for each sender and VNI."""
    yield from _quiet(facts)
    peers = {target.ends.remote.packed: target for target in facts.targets}  # whatever the zone
    for stray in sorted(facts.strays, key=lambda stray: (stray.source.packed, stray.vni)):
        target = peers.get(stray.source.packed)
        if target is None:
            text = f"packets with VNI {stray.vni}, which no device here has, come from"
            yield Finding(
                State.WARNING,
                f"{text} {stray.source}, which is no peer",
                "Add that server as a [[peer]]; or have it, or a firewall, keep them away",
            )
            continue
        through = facts.through.get(target.key)
        works = through is not None and through.answered
        yield Finding(
            State.WARNING if works else State.PROBLEM,
            f"its packets come with VNI {stray.vni}, which no device here has",
            "The overlay and both servers must be named alike in the files of both, and both must"
            " hear each other's kind of VNIs (vni): compare vxland status there and here. Or that"
            " server is in more overlays than this one",
            target.overlay if not works else "",
            target.peer,
        )


def _quiet(facts: Facts) -> Iterator[Finding]:
    """One for each overlay with two kinds of VNIs."""
    overlays: dict[str, set[str]] = {}
    for target in facts.targets:
        if target.quiet:
            overlays.setdefault(target.overlay, set()).update(target.quiet)
    for overlay, devices in overlays.items():
        heard = sorted(devices & facts.heard)
        text = "nothing came by the VNIs that this server only hears"
        if heard:
            text = (
                f"packets came by VNIs that this server only hears ({some(heard, MOST)}): some"
                " server sends them, so it is too early to hear them no more"
            )
        yield Finding(State.OK, text, overlay=overlay)
