"""The tables' operations as scripts for ``nft -f``: one transaction each.

They name no flags, which a table has from its owner's being a program that stays.
"""

from collections.abc import Iterator
from itertools import groupby

from vxland.guards.nftables import FORWARD
from vxland.identity import TABLE
from vxland.observed import Counted, Element, PortRule
from vxland.operations import (
    AddCounters,
    ChangeIngress,
    FillTable,
    MakeIngress,
    MakeTable,
    MakeTally,
    RemoveCounters,
    RemoveTable,
    TrimIngress,
    TrimTable,
    WriteIngressRules,
    WriteTallyRules,
)
from vxland.tables import ingress
from vxland.tables.tally import CHAINS, KEYS, RECEIVED, RULES

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
    return (f"delete table {operation.device}",)


def tally_script(operation: MakeTally) -> tuple[str, ...]:
    """Write the table that counts whole, in the place of one there may be."""
    table, counted = operation.device, operation.counted
    return (
        *((f"delete table {table}",) if operation.replaces else ()),
        f"create table {table}",
        *(f"create set {table} {name} {{ typeof {key}; counter; }}" for name, key in KEYS.items()),
        *(f"create chain {table} {chain.name} {{ {chain.hook} }}" for chain in CHAINS),
        *_tally_rules(table),
        *_elements("add", table, counted, counted),
    )


def tally_rules_script(operation: WriteTallyRules) -> tuple[str, ...]:
    """Write the rules that count, in the place of those there are."""
    table = operation.device
    return (*(f"flush chain {table} {chain.name}" for chain in CHAINS), *_tally_rules(table))


def counters_script(operation: AddCounters | RemoveCounters) -> tuple[str, ...]:
    """Add counters to the table, or delete them."""
    verb = "add" if isinstance(operation, AddCounters) else "delete"
    return tuple(_elements(verb, operation.device, operation.received, operation.sent))


def ingress_script(operation: MakeIngress) -> tuple[str, ...]:
    """Write the table that filters whole, in the place of one there may be."""
    table, keys = operation.device, ingress.KEYS
    counts = dict.fromkeys(ingress.COUNTING, " counter;")
    return (
        *((f"delete table {table}",) if operation.replaces else ()),
        f"create table {table}",
        *(
            f"create set {table} {name} {{ typeof {key};{counts.get(name, '')} }}"
            for name, key in keys.items()
        ),
        *(
            f"create chain {table} {chain.name} {{ {chain.hook} }}"
            for chain in ingress.CHAINS.values()
        ),
        *_ingress_rules(table),
        *_let_in("add", table, operation.elements),
    )


def ingress_rules_script(operation: WriteIngressRules) -> tuple[str, ...]:
    """Write the rules that filter, in the place of those there are."""
    table = operation.device
    return (*(f"flush chain {table} {name}" for name in ingress.CHAINS), *_ingress_rules(table))


def ingress_change_script(operation: ChangeIngress) -> tuple[str, ...]:
    """Change who gets in."""
    table = operation.device
    return (
        *_let_in("delete", table, operation.removed),
        *_let_in("add", table, operation.added),
    )


def ingress_trim_script(operation: TrimIngress) -> tuple[str, ...]:
    """Filter no longer what is no longer there."""
    return (*_let_in("delete", operation.device, operation.removed),)


def _ingress_rules(table: str) -> Iterator[str]:
    for chain, rules in ingress.RULES.items():
        yield from (f"add rule {table} {chain} {rule}" for rule in rules)


def _let_in(verb: str, table: str, elements: tuple[Element, ...]) -> Iterator[str]:
    for name, alike in groupby(elements, lambda element: element.set):
        keys = ", ".join(map(_key, alike))
        yield f"{verb} element {table} {name} {{ {keys} }}"


def _key(element: Element) -> str:
    vni = None if element.vni is None else f"{element.vni:#x}"
    parts = (element.address, vni, element.port)
    return " . ".join(str(part) for part in parts if part is not None)


def _tally_rules(table: str) -> Iterator[str]:
    return (f"add rule {table} {rule}" for rule in RULES)


def _elements(
    verb: str, table: str, received: tuple[Counted, ...], sent: tuple[Counted, ...]
) -> Iterator[str]:
    for name in KEYS:
        counted = received if name.startswith(RECEIVED) else sent
        keys = [
            f"{one.address} . {one.vni:#x} . {one.port}"
            for one in counted
            if name.endswith(str(one.address.version))
        ]
        if keys:
            yield f"{verb} element {table} {name} {{ {', '.join(keys)} }}"


def _rules(rules: tuple[PortRule, ...]) -> Iterator[str]:
    return (f"add rule {CHAIN} {rule.text}" for rule in rules)
