"""The ``ebtables`` guard: an own chain, jumped to first of all in FORWARD."""

from collections.abc import Iterator

from vxland.guards.wall import RETURN, Build, Wall
from vxland.identity import CHAIN
from vxland.observed import EbtablesState, Observed, PortRule, Unavailable
from vxland.operations import Guarding, Operation, RemoveChain, TrimChain, WriteChain

POLICY = RETURN  # ACCEPT would end the walk before the administrator's later rules


def is_jump(rule: PortRule) -> bool:
    """Whether this rule of FORWARD sends every frame through vxland's chain."""
    return rule.known and rule.verdict == CHAIN and rule.source is None and rule.target is None


class Ebtables(Wall[EbtablesState]):
    """Split horizon by a chain of the bridge family's filter table."""

    name = "ebtables"

    def rule(self, source: str | None, target: str | None, verdict: str) -> PortRule:
        """A rule as ebtables-save prints it."""
        words = [f"-i {source}"] if source else []
        words += [f"-o {target}"] if target else []
        return PortRule(" ".join((*words, f"-j {verdict}")), source, target, verdict)

    def state(self, observed: Observed) -> EbtablesState | Unavailable:
        """The filter table."""
        return observed.ebtables

    def build(self, state: EbtablesState) -> Build | None:
        """The chain. No more than one jump, so that the removal takes them all."""
        if state.chain is None:
            return None
        first = bool(state.forward) and is_jump(state.forward[0])
        sound = first and _jumps(state) == 1 and state.policy == POLICY
        return Build(state.chain, reached=first, sound=sound)

    def writing(self, state: EbtablesState, rules: tuple[PortRule, ...]) -> Iterator[Operation]:
        """The chain whole, and the jump to it."""
        yield WriteChain("", CHAIN, _texts(rules), _jumps(state))

    def trimming(
        self, rules: tuple[PortRule, ...], successors: tuple[Guarding, ...]
    ) -> Iterator[Operation]:
        """The chain whole; the jump stands."""
        yield TrimChain("", CHAIN, _texts(rules), successors)

    def removal(
        self, state: EbtablesState, successors: tuple[Guarding, ...]
    ) -> Iterator[Operation]:
        """The chain and the jumps to it."""
        yield RemoveChain("", CHAIN, _jumps(state), successors)


def _jumps(state: EbtablesState) -> int:
    # Of thousands of rules most are seen at a glance to be none.
    return sum(is_jump(rule) for rule in state.forward if rule.verdict == CHAIN)


def _texts(rules: tuple[PortRule, ...]) -> tuple[str, ...]:
    return tuple(rule.text for rule in rules)
