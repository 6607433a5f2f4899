"""What it means that an overlay goes from one scheme of VNIs to the other, step by step.

Every step may be taken server by server, in any order, and the next one once all have taken it.
Then whatever is spoken anywhere is heard everywhere.
"""

from collections.abc import Iterable, Iterator, Mapping

from vxland.identity import INDEX_PREFIX, PAIR_PREFIX, SHARED
from vxland.model import Overlay
from vxland.observed import Link
from vxland.ownership import Mark, is_quiet
from vxland.plan.matching import Matching
from vxland.problems import Kind, Problem
from vxland.settings import VniScheme

Stage = tuple[VniScheme, ...]  # what is spoken, then what is heard besides

PREFIXES = {VniScheme.INDEX: INDEX_PREFIX, VniScheme.PAIR: PAIR_PREFIX}
WRITTEN: dict[Stage, str] = {
    (VniScheme.INDEX,): '"index"',
    (VniScheme.INDEX, VniScheme.PAIR): '["index", "pair"]',
    (VniScheme.PAIR, VniScheme.INDEX): '["pair", "index"]',
    (VniScheme.PAIR,): '"pair"',
}
STAGES = list(WRITTEN)  # in the order in which they are gone through, there or back


def scheme_changes(overlay: Overlay, by_mark: Mapping[Mark, list[Link]]) -> Iterator[Problem]:
    """What the step interrupts, and when it may be taken. ``by_mark`` are vxland's devices."""
    if overlay.shared or not overlay.vteps:
        return
    before = _stage(
        (link.name, is_quiet(link))
        for seen, links in by_mark.items()
        if seen.overlay == overlay.name and seen.peer and seen.peer not in SHARED.values()
        for link in links
    )
    if not before:
        return
    after = _stage((vtep.device, vtep.quiet) for vtep in overlay.vteps)
    if before == after:
        return
    text, cure = _step(before, after)
    yield Problem(
        Kind.HINT,
        f"overlay {overlay.name} goes from vni = {WRITTEN[before]} to {WRITTEN[after]}: {text}",
        cure,
        overlay=overlay.name,
    )


def renumbering(overlay: Overlay, matching: Matching) -> Iterator[Problem]:
    """What it means that tunnels are numbered by their place, where places change."""
    peers = [
        vtep.peer
        for vtep in overlay.vteps
        if vtep.device.startswith(INDEX_PREFIX)
        and (link := matching.device(vtep)) is not None
        and link.name.startswith(INDEX_PREFIX)
        and (link.vxlan is None or link.vxlan.vni != vtep.vni)
    ]
    if peers:
        yield Problem(
            Kind.HINT,
            f"overlay {overlay.name} has VNIs by index, so tunnels are numbered by their place in"
            f" the list: those to {', '.join(peers)} get another number and are recreated; the"
            " counters of a tunnel count what arrives on it, whoever sent it",
            'With vni = "pair" a change of one peer leaves the others as they are',
            overlay=overlay.name,
        )


def _stage(devices: Iterable[tuple[str, bool]]) -> Stage:
    """What these devices speak and hear; they are known by their names.

    Where all of them are quiet, what speaks the other scheme has gone.
    """
    loud: dict[VniScheme, bool] = {}
    for name, quiet in devices:
        for scheme, prefix in PREFIXES.items():
            if name.startswith(prefix):
                loud[scheme] = loud.get(scheme, False) or not quiet
    if loud and not any(loud.values()):
        loud = dict.fromkeys(VniScheme, True) | loud
    return tuple(sorted(loud, key=lambda scheme: (not loud[scheme], scheme.value)))


def _step(before: Stage, after: Stage) -> tuple[str, str]:
    """What is interrupted, and what to see to."""
    here, there = STAGES.index(before), STAGES.index(after)
    forth = 1 if there > here else -1
    if there != here + forth:
        between = " and then ".join(f"vni = {WRITTEN[s]}" for s in STAGES[here:there:forth][1:])
        text = "that leaves out a step: what servers send to each other is lost until all are there"
        return text, f"Without loss: {between} first, each on every server before the next one"
    spoken = after[0].value
    every = f"Every server must have vni = {WRITTEN[before]} before"
    if len(before) == 1:
        heard = after[1].value
        return (
            f"nothing is interrupted; VNIs by {heard} are heard from now on, and none are sent",
            "The next step only once every server has taken this one",
        )
    if len(after) > 1:
        text = (
            f"VNIs by {spoken} are sent from now on; nothing is interrupted where every server"
            " hears them, and one that doesn't gets nothing more from here"
        )
        return text, f"{every}; and the next step only once every server has taken this one"
    text = (
        f"VNIs by {before[1].value} are heard no more; nothing is interrupted where no server sends"
        " them, and from one that does nothing comes any more"
    )
    if after == (VniScheme.INDEX,):
        text += "; to guests that only ever answered, packets may be lost until they say something"
    return text, every
