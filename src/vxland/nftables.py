"""The table's operations as scripts for ``nft -f``: one transaction each.

They name no flags, which a table has from its owner's being a program that stays.
"""

from collections.abc import Iterator

from vxland.guards.nftables import FORWARD
from vxland.identity import TABLE
from vxland.observed import PortRule
from vxland.operations import FillTable, MakeTable, RemoveTable, TrimTable

CHAIN = f"{TABLE} {FORWARD.name}"


def table_script(operation: MakeTable) -> tuple[str, ...]:
    """Write the table whole, in the place of one there may be."""
    return (
        *((f"delete table {TABLE}",) if operation.replaces else ()),
        f"create table {TABLE}",
        f"create chain {CHAIN} {{ {FORWARD.hook} }}",
        *_rules(operation.rules),
    )


def filling_script(operation: FillTable | TrimTable) -> tuple[str, ...]:
    """Write the chain's rules, in the place of those there are."""
    return (f"flush chain {CHAIN}", *_rules(operation.rules))


def ending_script(operation: RemoveTable) -> tuple[str, ...]:
    """Remove the table."""
    del operation
    return (f"delete table {TABLE}",)


def _rules(rules: tuple[PortRule, ...]) -> Iterator[str]:
    return (f"add rule {CHAIN} {rule.text}" for rule in rules)
