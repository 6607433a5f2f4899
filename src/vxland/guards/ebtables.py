"""The ``ebtables`` guard: an own chain, jumped to first of all in FORWARD.

A prefix matches all of vxland's tunnels, so the number of rules doesn't grow with theirs. A port
of somebody else's whose name happens to begin with the prefix is let through before that.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

from vxland.guards.port import Port
from vxland.identity import CHAIN
from vxland.model import Overlay
from vxland.observed import EbtablesRule, EbtablesState, Link, Observed, Unavailable
from vxland.operations import Guarding, Operation, RemoveChain, TrimChain, WriteChain
from vxland.ownership import is_own, own_links
from vxland.problems import Kind, Problem

NAME = "ebtables"
PLAIN_NAME = re.compile(r"[A-Za-z0-9_.-]+")  # nothing that ebtables would read as more than a name
POLICY = "RETURN"  # ACCEPT would end the walk before the administrator's later rules


def drop(prefix: str) -> str:
    """The rule that keeps tunnels with this prefix from each other."""
    return f"-i {prefix}+ -o {prefix}+ -j DROP"


def exemptions(prefix: str, overlays: Sequence[Overlay], observed: Observed) -> Iterator[str]:
    """The rules that leave others' ports alone, though they are named alike.

    Not a tunnel's in an overlay's bridge, or in none yet, that isn't allowed there: it could loop.
    """
    bridges = {overlay.bridge.device for overlay in overlays}
    bridges |= {link.name for link in own_links(observed)}
    allowed = {name for overlay in overlays for name in overlay.allow_tunnel_ports}
    for name in sorted(observed.links):
        link = observed.links[name]
        if is_own(link) or not (name.startswith(prefix) and PLAIN_NAME.fullmatch(name)):
            continue
        elsewhere = link.master is not None and link.master not in bridges
        if not link.is_tunnel or elsewhere or name in allowed:
            yield f"-i {name} -j RETURN"
            yield f"-o {name} -j RETURN"


def is_jump(rule: EbtablesRule) -> bool:
    """Whether this rule of FORWARD sends every frame through vxland's chain."""
    return rule.known and rule.verdict == CHAIN and rule.source is None and rule.target is None


def is_drop(rule: EbtablesRule) -> bool:
    """Whether this is one of vxland's own drop rules."""
    return rule.source is not None and rule.text == drop(rule.source.removesuffix("+"))


class Ebtables:
    """Split horizon by a chain of the bridge family's filter table."""

    name = NAME

    def operations(
        self, seats: Sequence[tuple[Overlay, Sequence[Port]]], observed: Observed
    ) -> Iterator[Operation]:
        """Write the chain where it isn't as wanted; what is no longer wanted in it goes last."""
        state = observed.ebtables
        if isinstance(state, Unavailable):
            return
        prefixes = sorted({overlay.prefix for overlay, _ in seats if NAME in overlay.guards})
        jumps = sum(is_jump(rule) for rule in state.forward)
        successors = tuple(_successors(seats))
        if not prefixes:
            if state.chain is not None:
                yield RemoveChain("", CHAIN, jumps, successors)
            return
        chain = state.chain or ()
        wanted = tuple(_rules(prefixes, [overlay for overlay, _ in seats], observed))
        leaving = [r.text for r in chain if is_drop(r) and r.text not in wanted]
        interim = (*wanted, *leaving)
        if not _stands(state, interim):
            yield WriteChain("", CHAIN, interim, jumps)
        if leaving:
            yield TrimChain("", CHAIN, wanted, successors)

    def missing(self, overlay: Overlay, observed: Observed) -> Problem | None:
        """Why this guard can't be had here."""
        if not isinstance(observed.ebtables, Unavailable):
            return None
        return Problem(
            Kind.GUARD,
            f"overlay {overlay.name} wants the guard ebtables: {observed.ebtables.reason}",
            observed.ebtables.cure,
            overlay=overlay.name,
        )

    def reaches(self, device: str, overlay: Overlay) -> bool:
        """It goes by the name's beginning."""
        return device.startswith(overlay.prefix)

    def armed(self, device: str, observed: Observed) -> bool:
        """Whether frames from this port to any other of vxland's are dropped by the chain."""
        state = observed.ebtables
        if isinstance(state, Unavailable) or not _is_first(state):
            return False
        for rule in state.chain or ():
            if is_drop(rule) and device.startswith(str(rule.source).removesuffix("+")):
                return True
            if not _passes_over(rule, observed):
                return False
        return False

    def cuts(self, one: Link, other: Link, observed: Observed) -> bool:
        """Whether frames between these two ports are dropped in both directions."""
        state = observed.ebtables
        if isinstance(state, Unavailable) or not _is_first(state):
            return False
        chain = state.chain or ()
        return _drops(chain, one.name, other.name) and _drops(chain, other.name, one.name)


def _rules(
    prefixes: Iterable[str], overlays: Sequence[Overlay], observed: Observed
) -> Iterator[str]:
    for prefix in prefixes:
        yield from exemptions(prefix, overlays, observed)
        yield drop(prefix)


def _successors(seats: Sequence[tuple[Overlay, Sequence[Port]]]) -> Iterator[Guarding]:
    """The ports that must be guarded otherwise before a rule of the chain goes."""
    for overlay, ports in seats:
        if NAME not in overlay.guards:
            yield from (Guarding(port.device, overlay.guards) for port in ports)


def _is_first(state: EbtablesState) -> bool:
    return state.chain is not None and bool(state.forward) and is_jump(state.forward[0])


def _stands(state: EbtablesState, rules: tuple[str, ...]) -> bool:
    return (
        _is_first(state)
        and sum(map(is_jump, state.forward)) == 1
        and state.policy == POLICY
        and tuple(rule.text for rule in state.chain or ()) == rules
    )


def _passes_over(rule: EbtablesRule, observed: Observed) -> bool:
    """Whether a rule before the drop surely leaves vxland's own ports to it."""
    if is_drop(rule):
        return True
    names = [name for name in (rule.source, rule.target) if name is not None]
    return rule.known and any(
        not name.endswith("+") and not (name in observed.links and is_own(observed.links[name]))
        for name in names
    )


def _drops(chain: Iterable[EbtablesRule], source: str, target: str) -> bool:
    for rule in chain:
        if not rule.known:
            return False
        if _matches(rule.source, source) and _matches(rule.target, target):
            return rule.verdict == "DROP"
    return False


def _matches(pattern: str | None, name: str) -> bool:
    if pattern is None:
        return True
    if pattern.endswith("+"):
        return name.startswith(pattern[:-1])
    return name == pattern
