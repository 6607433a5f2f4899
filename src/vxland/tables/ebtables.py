"""Operations on rules as scripts for ``ebtables-restore --noflush``: one transaction each."""

from collections import Counter
from collections.abc import Iterable, Iterator

from vxland.guards.ebtables import POLICY
from vxland.identity import CHAIN
from vxland.observed import PortRule
from vxland.operations import RemoveChain, RetireRules, TrimChain, WriteChain


def chain_script(operation: WriteChain) -> tuple[str, ...]:
    """Write the chain whole and its jumps at the top of FORWARD."""
    return (
        "*filter",
        *_chain(operation.rules),
        *_deletions(operation.former),
        *(f"-I FORWARD {jump}" for jump in reversed(operation.jumps)),
        "COMMIT",
    )


def trim_script(operation: TrimChain) -> tuple[str, ...]:
    """Write the chain whole and leave the other jumps where they are."""
    return ("*filter", *_chain(operation.rules), *_deletions(operation.jumps), "COMMIT")


def removal_script(operation: RemoveChain) -> tuple[str, ...]:
    """Remove jumps and chain."""
    return (
        "*filter",
        *_deletions(operation.jumps),
        f"-F {CHAIN}",
        f"-X {CHAIN}",
        "COMMIT",
    )


def retirement_script(operation: RetireRules) -> tuple[str, ...]:
    """Remove the first of each of these rules, once for each time that it is named."""
    return ("*filter", *_deletions(operation.rules), "COMMIT")


def standing(rules: Iterable[str], forward: Iterable[PortRule]) -> tuple[str, ...]:
    """Those of these rules that stand in FORWARD, in its order.

    For each rule to be deleted, ebtables-nft goes through the chain from its top: in this order the
    9,900 rules of 100 tunnels take half a second, in the opposite one a minute.
    """
    left = Counter(rules)
    found = []
    for rule in forward:
        if left[rule.text] > 0:
            left[rule.text] -= 1
            found.append(rule.text)
    return tuple(found)


def _deletions(rules: tuple[str, ...]) -> Iterator[str]:
    return (f"-D FORWARD {rule}" for rule in rules)


def _chain(rules: tuple[str, ...]) -> Iterator[str]:
    # Naming a chain with its policy makes it, or empties it where there is one.
    yield f":{CHAIN} {POLICY}"
    yield from (f"-A {CHAIN} {rule}" for rule in rules)
