"""The way to each peer's underlay address: whether it is there, and how large packets may be."""

from collections.abc import Iterator

from vxland.diagnosis.facts import Facts, Path
from vxland.diagnosis.finding import Finding, State
from vxland.diagnosis.targets import Target
from vxland.settings import Df
from vxland.underlay.mtu import OVERHEAD


def path(facts: Facts) -> Iterator[Finding]:
    """One for each tunnel whose path was tried."""
    for target in facts.targets:
        measured = facts.paths.get(target.ends)
        if measured is None:
            continue
        if measured.size >= target.wanted:
            yield _of(target, State.OK, _fits(target))
        elif measured.size:
            yield _narrow(target, measured, facts)
        else:
            yield _unanswered(target, measured, facts)


def _of(target: Target, state: State, text: str, cure: str = "") -> Finding:
    return Finding(state, text, cure, target.overlay, target.peer, target.device)


def _fits(target: Target) -> str:
    text = f"packets of {target.wanted} bytes pass"
    if target.needed > target.wanted:
        text += f"; those of up to {target.needed} are cut here, since the MTU is {target.mtu}"
    return text


def _narrow(target: Target, measured: Path, facts: Facts) -> Finding:
    mtu = measured.size - OVERHEAD[target.ends.remote.version]
    who = f", says {measured.narrow[0]}" if measured.narrow else ", and nobody says so (no ICMP)"
    text = f"only packets of up to {measured.size} bytes pass, not of {target.wanted}{who}"
    through = facts.through.get(target.key)
    cut = target.df is Df.UNSET and through is not None and bool(through.full or through.fits)
    text += ": larger ones are cut on the way, which costs" if cut else ": larger ones vanish"
    cure = f"mtu = {mtu} in [[overlay]] {target.overlay} on all servers, and in their guests"
    return _of(target, State.WARNING if cut else State.PROBLEM, text, cure)


def _unanswered(target: Target, measured: Path, facts: Facts) -> Finding:
    through = facts.through.get(target.key)
    if through is not None and through.answered:
        text = "it doesn't answer ping, so its MTU can't be measured; the tunnel works"
        return _of(target, State.OK if through.full else State.UNKNOWN, text)
    if measured.told is not None:
        text = f"{measured.told.by} says: {measured.told.what}"
        cure = f"See where it ends: ip route get {target.ends.remote}; tracepath {{0}}"
        return _of(target, State.PROBLEM, text, cure.format(target.ends.remote))
    return _of(target, State.UNKNOWN, "it doesn't answer ping: it is off, or doesn't let it in")
