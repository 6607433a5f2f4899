"""What of the filter is in force, which may be less than the file says."""

from collections.abc import Iterable
from typing import Literal

from msgspec.structs import replace

from vxland.identity import INGRESS_TABLE
from vxland.model import Overlay
from vxland.observed import Element, IngressTable, Observed, Unavailable
from vxland.operations import ChangeIngress, MakeIngress, Operation, RemoveTable, TrimIngress
from vxland.tables.ingress import CHAINS, RULES, SETS


def has_all(overlay: Overlay, observed: Observed, name: str) -> bool:
    """Whether its UDP port is in this set of the table, and it has one."""
    state = observed.ingress
    table = None if isinstance(state, Unavailable) else state.table
    there = table.elements if table is not None else frozenset[Element]()
    ports = {vtep.port for vtep in overlay.vteps}
    return bool(ports) and all(Element(name, port) in there for port in ports)


def lets_in(overlay: Overlay, observed: Observed) -> Literal["peers", "exclusive", "off"]:
    """Whose packets are taken. Where there can be no table, a problem says so."""
    if not overlay.filtered:
        return "off"
    return "exclusive" if has_all(overlay, observed, "exclusive") else "peers"


def after(observed: Observed, done: Iterable[Operation]) -> Observed:
    """The same once these were done."""
    state = observed.ingress
    if isinstance(state, Unavailable):
        return observed
    table = state.table
    for operation in [one for one in done if one.device == INGRESS_TABLE]:
        if isinstance(operation, MakeIngress):
            chains = frozenset(CHAINS.values())
            table = IngressTable(RULES, SETS, frozenset(operation.elements), chains=chains)
        elif isinstance(operation, ChangeIngress | TrimIngress) and table is not None:
            added = operation.added if isinstance(operation, ChangeIngress) else ()
            elements = table.elements.difference(operation.removed).union(added)
            table = replace(table, elements=elements)
        elif isinstance(operation, RemoveTable):
            table = None
    if table is state.table:
        return observed
    return replace(observed, ingress=replace(state, table=table))
