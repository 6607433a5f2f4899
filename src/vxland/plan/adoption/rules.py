"""Which rules of ebtables' FORWARD vxland's guards replace: vxlansetup.sh's, a rule for each pair.

They go by names. So those that name a device about to be renamed go before that, while it can be
told whose they are.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from vxland.guards import port_in
from vxland.guards.port import Port
from vxland.guards.wall import DROP
from vxland.identity import FORWARD_RULES
from vxland.model import Desired, Overlay
from vxland.observed import EbtablesState, Observed, PortRule
from vxland.operations import Guarding, Rename, RetireRules
from vxland.ownership import is_own, mark


def retirements(
    desired: Desired,
    seats: Sequence[tuple[Overlay, Sequence[Port]]],
    observed: Observed,
    renames: Iterable[Rename],
) -> tuple[list[RetireRules], list[RetireRules]]:
    """What removes them: before devices are renamed, and at the end."""
    early: list[RetireRules] = []
    late: list[RetireRules] = []
    state = observed.ebtables
    if not isinstance(state, EbtablesState) or not any(o.adopt for o in desired.overlays):
        return early, late
    ports = {overlay.name: {port.device: port for port in seat} for overlay, seat in seats}
    renamed = {operation.device for operation in renames}
    for overlay in desired.overlays:
        if not overlay.adopt:
            continue
        names = _names(overlay, observed)
        rules = [rule for rule in state.forward if _is_of(rule, names)]
        passing = [rule for rule in rules if _names_any(rule, renamed)]
        early += _retirement(overlay, passing, _as_they_are(overlay, observed))
        staying = [rule for rule in rules if not _names_any(rule, renamed)]
        guards = {name: port.guards for name, port in ports[overlay.name].items()}
        late += _retirement(overlay, staying, guards)
    return early, late


def _names(overlay: Overlay, observed: Observed) -> frozenset[str]:
    """Of this overlay's tunnels, as they are called and as they will be."""
    names = {vtep.device for vtep in overlay.vteps}
    for link in observed.links.values():
        if link.name in names and not is_own(link):
            names.discard(link.name)
        elif link.is_tunnel and (seen := mark(link)) is not None and seen.overlay == overlay.name:
            names.add(link.name)
    return frozenset(names)


def _is_of(rule: PortRule, names: frozenset[str]) -> bool:
    """Whether it keeps frames from one of these ports to another, and says nothing else."""
    return rule.known and rule.verdict == DROP and rule.source in names and rule.target in names


def _names_any(rule: PortRule, devices: Collection[str]) -> bool:
    return rule.source in devices or rule.target in devices


def _as_they_are(overlay: Overlay, observed: Observed) -> Mapping[str, tuple[str, ...]]:
    return {
        link.name: port_in(overlay, link.name, link).guards
        for link in observed.links.values()
        if link.is_tunnel and link.master is not None
    }


def _retirement(
    overlay: Overlay, rules: Sequence[PortRule], guards: Mapping[str, tuple[str, ...]]
) -> Iterator[RetireRules]:
    if rules:
        named = sorted({str(name) for rule in rules for name in (rule.source, rule.target)})
        successors = tuple(Guarding(name, guards[name]) for name in named if name in guards)
        texts = tuple(rule.text for rule in rules)
        yield RetireRules(overlay.name, FORWARD_RULES, texts, successors)
