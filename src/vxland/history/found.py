"""What was found before it was put right, in a few words: a line for each kind of operation."""

from collections.abc import Callable, Collection
from typing import Any

from vxland import operations as ops
from vxland.fights import causes
from vxland.identity import CHAIN
from vxland.listing import MOST, some
from vxland.observed import (
    EbtablesState,
    Element,
    Link,
    NftTable,
    Observed,
    TableState,
    Unavailable,
    VxlanState,
)
from vxland.operations import Operation, WriteChain


def found(done: Collection[Operation], observed: Observed) -> str:
    """What these operations put right, as it was observed before: what only follows is left out."""
    said = (FOUND[type(operation)](operation, observed) for operation in causes(done) or done)
    return some([*dict.fromkeys(filter(None, said))], MOST)


def _instead(what: str, seen: object, wanted: object) -> str:
    return f"{what} not {wanted}" if seen is None else f"{what} {seen} instead of {wanted}"


def _link(operation: Operation, observed: Observed) -> Link | None:
    return observed.links.get(operation.device)


def _vxlan(operation: Operation, observed: Observed) -> VxlanState | None:
    link = _link(operation, observed)
    return link.vxlan if link else None


def _missing(operation: Operation, observed: Observed) -> str:
    """One that is made anew was found otherwise, as its deletion says."""
    return "" if operation.device in observed.links else "missing"


def _master(operation: ops.Attach | ops.Reattach, observed: Observed) -> str:
    link = _link(operation, observed)
    if link is None or link.master is None:
        return f"not in bridge {operation.bridge}"
    return f"in bridge {link.master} instead of {operation.bridge}"


def _mac(operation: ops.SetMac, observed: Observed) -> str:
    link = _link(operation, observed)
    return _instead("MAC", link.mac if link else None, operation.mac)


def _mtu(operation: ops.SetMtu, observed: Observed) -> str:
    link = _link(operation, observed)
    return _instead("MTU", link.mtu if link else None, operation.mtu)


def _remote(operation: ops.SetRemote, observed: Observed) -> str:
    state = _vxlan(operation, observed)
    return _instead("remote", state.remote if state else None, operation.remote)


def _local(operation: ops.SetLocal, observed: Observed) -> str:
    state = _vxlan(operation, observed)
    return _instead("local address", state.local if state else None, operation.local)


def _option(operation: ops.SetOption, observed: Observed) -> str:
    state = _vxlan(operation, observed)
    seen = getattr(state.options, operation.option) if state else None
    number = getattr(seen, "value", seen)  # of an Enum like Df
    shown = None if number is None else int(number)
    return _instead(operation.option, shown, operation.value)


def _alias(operation: ops.SetAlias, observed: Observed) -> str:
    link = _link(operation, observed)
    return "with another alias" if link and link.alias else "without its alias"


def _fdb(operation: ops.RemoveFdb, _: Observed) -> str:
    what = "flood entry" if operation.entry.floods else f"entry {operation.entry.mac}"
    return f"{what} to {operation.entry.destination} too many"


def _chain(operation: WriteChain, observed: Observed) -> str:
    state = observed.ebtables
    if not isinstance(state, EbtablesState) or state.chain is None:
        return f"chain {CHAIN} missing"
    if not {rule.text for rule in state.chain}.issuperset(operation.rules):
        return f"chain {CHAIN} missing rules"
    if not operation.former:
        return f"no jump to chain {CHAIN}"
    return f"chain {CHAIN} changed, or not first in FORWARD"


def _table(observed: Observed) -> NftTable | None:
    state = observed.nftables
    return state.table if isinstance(state, TableState) else None


MADE: dict[type[Operation], Callable[[Observed], Any]] = {
    ops.MakeTable: lambda observed: observed.nftables,
    ops.MakeIngress: lambda observed: observed.ingress,
    ops.MakeTally: lambda observed: observed.tally,
}


def _made(operation: ops.MakeTable | ops.MakeIngress | ops.MakeTally, observed: Observed) -> str:
    state = MADE[type(operation)](observed)
    if isinstance(state, Unavailable) or state.table is None:
        return f"table {operation.device} missing"
    return f"table {operation.device} {'dormant' if state.table.dormant else 'changed'}"


def _filled(operation: ops.FillTable, observed: Observed) -> str:
    table = _table(observed)
    complete = table is not None and set(table.rules).issuperset(operation.rules)
    return f"table {operation.device} {'with other rules' if complete else 'missing rules'}"


def _let_in(operation: ops.ChangeIngress, _: Observed) -> str:
    parts = (("missing", operation.added), ("too many", operation.removed))
    said = (f"{_elements(some_of)} {word}" for word, some_of in parts if some_of)
    return f"in table {operation.device} {', '.join(said)}"


def _elements(elements: Collection[Element]) -> str:
    addresses = sorted({str(one.address) for one in elements if one.address is not None})
    return some(addresses, MOST) if addresses else "VNIs"


def _counters(counted: ops.AddCounters | ops.RemoveCounters) -> str:
    addresses = sorted({str(one.address) for one in (*counted.received, *counted.sent)})
    return f"in table {counted.device} counters of {some(addresses, MOST)}"


FOUND: dict[type[Operation], Callable[[Any, Observed], str]] = {
    ops.AddAddress: lambda op, _: f"address {op.address} missing",
    ops.AddAltname: lambda op, _: f"altname {op.altname} missing",
    ops.AddCounters: lambda op, _: f"{_counters(op)} missing",
    ops.Adopt: lambda *_: "not vxland's yet",
    ops.AdoptBridge: lambda *_: "not vxland's yet",
    ops.AppendFlood: lambda op, _: f"{op.destination} not in its flood list",
    ops.Attach: _master,
    ops.BringUp: lambda *_: "down",
    ops.ChangeIngress: _let_in,
    ops.ClaimTable: lambda op, _: f"table {op.device} without its owner",
    ops.ClearFlag: lambda op, _: f"port flag {op.flag} changed",
    ops.CreateBridge: _missing,
    ops.CreateVtep: _missing,
    ops.DeleteAbroad: lambda op, _: f"moved to network namespace {op.abroad.nsid}",
    ops.DeleteLink: lambda *_: "not wanted as it was",
    ops.FillTable: _filled,
    ops.Isolate: lambda *_: "not isolated",
    ops.MakeIngress: _made,
    ops.MakeTable: _made,
    ops.MakeTally: _made,
    ops.NoLinkLocal: lambda *_: "with IPv6 link-local addresses",
    ops.RaiseBridge: lambda *_: "down",
    ops.PinMac: lambda *_: "with a MAC that may follow its ports'",
    ops.Reattach: _master,
    ops.RemoveAddress: lambda op, _: f"address {op.address} too many",
    ops.RemoveAltname: lambda op, _: f"altname {op.altname} too many",
    ops.RemoveChain: lambda op, _: f"chain {op.device}, which isn't wanted",
    ops.RemoveCounters: lambda op, _: f"{_counters(op)}, which aren't wanted",
    ops.RemoveFdb: _fdb,
    ops.RemoveTable: lambda op, _: f"table {op.device}, which isn't wanted",
    ops.Rename: lambda op, _: f"named {op.device} instead of {op.to}",
    ops.ResetFlag: lambda op, _: f"port flag {op.flag} changed",
    ops.RetireRules: lambda op, _: f"{len(op.rules)} of the rules in FORWARD replaced by vxland's",
    ops.SetAlias: _alias,
    ops.SetLocal: _local,
    ops.SetMac: _mac,
    ops.SetMtu: _mtu,
    ops.SetOption: _option,
    ops.SetRemote: _remote,
    ops.TakeDown: lambda *_: "up, which it must not be",
    ops.TrimChain: lambda op, _: f"chain {op.device} with more rules than wanted",
    ops.TrimIngress: lambda op, _: f"in table {op.device} more than is wanted",
    ops.TrimTable: lambda op, _: f"table {op.device} with more rules than wanted",
    ops.Unisolate: lambda *_: "isolated, which isn't wanted",
    ops.WriteChain: _chain,
    ops.WriteIngressRules: lambda op, _: f"table {op.device} with other rules",
    ops.WriteTallyRules: lambda op, _: f"table {op.device} with other rules",
}
