"""The ``ebtables`` guard: an own chain, jumped to first of all in FORWARD.

Only what one of its rules could drop is sent there, so that all other frames are let go by a
comparison that fails: a jump of every frame costs each of them half as much again.
"""

from collections.abc import Iterable, Iterator
from itertools import takewhile

from vxland.guards.wall import RETURN, Build, Wall
from vxland.identity import CHAIN
from vxland.observed import EbtablesState, Observed, PortRule, Unavailable
from vxland.operations import Guarding, Operation, RemoveChain, TrimChain, WriteChain

POLICY = RETURN  # ACCEPT would end the walk before the administrator's later rules


def is_jump(rule: PortRule) -> bool:
    """Whether this rule of FORWARD sends frames through vxland's chain: nobody else's should."""
    return rule.verdict == CHAIN and rule.known


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
        """The chain, and the jumps that come before all else."""
        if state.chain is None:
            return None
        first = tuple(takewhile(is_jump, state.forward))
        sound = first == self._jumps(state.chain) == _there(state) and state.policy == POLICY
        return Build(state.chain, first, sound=sound)

    def writing(self, state: EbtablesState, rules: tuple[PortRule, ...]) -> Iterator[Operation]:
        """The chain whole, and the jumps to it."""
        jumps = self._jumps(rules)
        yield WriteChain("", CHAIN, _texts(rules), _texts(jumps), _texts(_there(state)))

    def trimming(
        self,
        rules: tuple[PortRule, ...],
        leaving: tuple[PortRule, ...],
        successors: tuple[Guarding, ...],
    ) -> Iterator[Operation]:
        """The chain whole, without the jumps for what leaves it."""
        yield TrimChain("", CHAIN, _texts(rules), _texts(self._jumps(leaving)), successors)

    def removal(
        self, state: EbtablesState, successors: tuple[Guarding, ...]
    ) -> Iterator[Operation]:
        """The chain and the jumps to it."""
        yield RemoveChain("", CHAIN, _texts(_there(state)), successors)

    def _jumps(self, rules: Iterable[PortRule]) -> tuple[PortRule, ...]:
        """One for each drop among these rules, of what it could drop."""
        drops = dict.fromkeys(rule for rule in rules if self.is_drop(rule))
        return tuple(self.rule(drop.source, drop.target, CHAIN) for drop in drops)


def _there(state: EbtablesState) -> tuple[PortRule, ...]:
    """All jumps, wherever they stand."""
    # Of thousands of rules most are seen at a glance to be none.
    return tuple(rule for rule in state.forward if rule.verdict == CHAIN and is_jump(rule))


def _texts(rules: tuple[PortRule, ...]) -> tuple[str, ...]:
    return tuple(rule.text for rule in rules)
