"""The chain's operations as scripts for ``ebtables-restore --noflush``: one transaction each."""

from collections.abc import Iterator

from vxland.guards.ebtables import POLICY
from vxland.identity import CHAIN
from vxland.operations import RemoveChain, TrimChain, WriteChain

JUMP = f"-j {CHAIN}"


def chain_script(operation: WriteChain) -> tuple[str, ...]:
    """Write the chain whole and move the jump to the top of FORWARD."""
    return (
        "*filter",
        *_chain(operation.rules),
        *(f"-D FORWARD {JUMP}" for _ in range(operation.jumps)),
        f"-I FORWARD {JUMP}",
        "COMMIT",
    )


def trim_script(operation: TrimChain) -> tuple[str, ...]:
    """Write the chain whole and leave the jump where it is."""
    return ("*filter", *_chain(operation.rules), "COMMIT")


def removal_script(operation: RemoveChain) -> tuple[str, ...]:
    """Remove jumps and chain."""
    return (
        "*filter",
        *(f"-D FORWARD {JUMP}" for _ in range(operation.jumps)),
        f"-F {CHAIN}",
        f"-X {CHAIN}",
        "COMMIT",
    )


def _chain(rules: tuple[str, ...]) -> Iterator[str]:
    # Naming a chain with its policy makes it, or empties it where there is one.
    yield f":{CHAIN} {POLICY}"
    yield from (f"-A {CHAIN} {rule}" for rule in rules)
