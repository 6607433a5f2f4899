"""A plan as the commands that a person would type: one line a class of operation.

They do what ``vxland.execution`` does, with iproute2 6.1 (Debian 12) and later, but for two
things that a shell can't: what must be read back from the kernel first stands in a comment, and
after a command that fails the others are run all the same, unless the shell was started with -e.

The guard's chain is written by ``ebtables-restore --noflush``, with the very script that the
daemon sends. Plain ``ebtables`` commands without a gap would need a second chain that takes over
while VXLAND is emptied and filled, and would have to know whether there is a VXLAND already, which
the plan doesn't say; the script is one transaction, and makes or replaces the chain. So does the
table's, by ``nft -f``.
"""

import shlex
from collections.abc import Callable, Iterator
from ipaddress import IPv4Interface
from typing import Any

from vxland import operations as ops
from vxland.addresses import IPAddress, unzoned, zone
from vxland.identity import ADDRESS_PROTOCOL, GROUP, TABLE
from vxland.observed import NULL_MAC, PORT_FLAGS
from vxland.plan import Plan
from vxland.settings import Df
from vxland.tables.ebtables import chain_script, removal_script, retirement_script, trim_script
from vxland.tables.nftables import (
    counters_script,
    ending_script,
    filling_script,
    ingress_change_script,
    ingress_rules_script,
    ingress_script,
    ingress_trim_script,
    table_script,
    tally_rules_script,
    tally_script,
)

NO_BROADCAST = 31  # prefix length from which on an IPv4 network has none (RFC 3021)

# Where a person sees whether a guard holds.
READ_BACK = {
    "isolated": "bridge -d link",
    "ebtables": "ebtables-save",
    "nftables": f"nft list table {TABLE}",
}
OWNED = "refused while vxland runs, which owns this table"

REMARKS: dict[type[ops.Operation], str] = {
    ops.AddAddress: "iproute2 before 6.4 can't set the mark, proto: the address won't be vxland's",
    ops.DeleteAbroad: "ip finds the namespace only by name; for one that has none:"
    " nsenter -t PID -n ip link del dev NAME",
    ops.RemoveAddress: "it may have gone with another one of its subnet",
    ops.RemoveFdb: "one that was learnt may have aged and gone by now",
    ops.ClaimTable: "only a program that stays can own a table: vxland run",
    ops.MakeTable: OWNED,
    ops.FillTable: OWNED,
    ops.MakeIngress: OWNED,
    ops.WriteIngressRules: OWNED,
    ops.ChangeIngress: OWNED,
    ops.TrimIngress: OWNED,
    ops.MakeTally: OWNED,
    ops.WriteTallyRules: OWNED,
    ops.AddCounters: OWNED,
    ops.RemoveCounters: OWNED,
}

OPTIONS: dict[str, Callable[[int], tuple[str, ...]]] = {
    "ttl": lambda value: ("ttl", str(value or "auto")),
    "tos": lambda value: ("tos", "inherit" if value == 1 else hex(value)),  # ip reads it as hex
    "df": lambda value: ("df", Df(value).name.lower()),
    "ageing": lambda value: ("ageing", str(value)),
    "learning": lambda value: ("learning" if value else "nolearning",),
}


def commands(plan: Plan) -> tuple[str, ...]:
    """Commands and comments, to be pasted into a root shell in this order."""
    return tuple(_commands(plan))


def _commands(plan: Plan) -> Iterator[str]:
    said = ""
    for operation in plan.operations:
        remark = _remark(operation)
        if remark and remark != said:
            yield f"# {remark}"
        said = remark
        yield COMMANDS[type(operation)](operation)


def _remark(operation: ops.Operation) -> str:
    guards = {name: None for guarding in operation.needs for name in guarding.guards}
    if not guards:
        return REMARKS.get(type(operation), "")
    where = ", ".join(f"{name} (see {READ_BACK[name]})" for name in guards)
    return f"only once these guards are seen to hold: {where}"


def _line(*words: object) -> str:
    return shlex.join(map(str, words))


def _set(device: str, *words: object) -> str:
    return _line("ip", "link", "set", "dev", device, *words)


def _vxlan(device: str, *words: object) -> str:
    return _set(device, "type", "vxlan", *words)


def _altname(verb: str, device: str, altname: str) -> str:
    return _line("ip", "link", "property", verb, "dev", device, "altname", altname)


def _isolation(device: str, state: str) -> str:
    return _set(device, "type", "bridge_slave", "isolated", state)


def _flag(device: str, flag: str) -> str:
    return _set(device, "type", "bridge_slave", flag, "on" if PORT_FLAGS[flag] else "off")


def _clear_flag(operation: ops.ClearFlag) -> str:
    forgotten = ("fdb_flush",) if operation.forgets else ()
    return _set(operation.device, "type", "bridge_slave", operation.flag, "off", *forgotten)


def _delete_abroad(operation: ops.DeleteAbroad) -> str:
    named = rf"ip netns list-id nsid {operation.abroad.nsid} | sed 's/.*name: \(.*\))/\1/'"
    return f'ip -n "$({named})" {_line("link", "del", "dev", operation.device)}'


def _create(device: str, mac: str, mtu: int | None, *words: object) -> str:
    common = ("address", mac, *(() if mtu is None else ("mtu", mtu)), "group", GROUP)
    return _line("ip", "link", "add", "name", device, *common, "type", *words)


def _create_bridge(operation: ops.CreateBridge) -> str:
    bridge = operation.bridge
    settings = ("stp_state", 0, "forward_delay", 0, "mcast_snooping", 0)
    return _create(bridge.device, bridge.mac, None, "bridge", *settings)


def _create_vtep(operation: ops.CreateVtep) -> str:
    vtep, options = operation.vtep, operation.vtep.options
    return _create(
        vtep.device,
        vtep.mac,
        vtep.mtu,
        "vxlan",
        *("id", vtep.vni, *(("remote", unzoned(vtep.remote)) if vtep.remote else ())),
        *("local", unzoned(vtep.local), "dstport", vtep.port),
        *(("dev", vtep.underlay) if vtep.underlay else ()),
        *(("ttl", "inherit") if options.ttl_inherit else OPTIONS["ttl"](options.ttl)),
        *OPTIONS["tos"](options.tos),
        *OPTIONS["df"](options.df.value),
        *OPTIONS["learning"](options.learning),
        *OPTIONS["ageing"](options.ageing),
        "udpcsum" if options.udp_csum else "noudpcsum",
    )


def _add_address(operation: ops.AddAddress) -> str:
    interface = operation.address
    words: tuple[object, ...] = ("add", interface)
    if isinstance(interface, IPv4Interface) and interface.network.prefixlen < NO_BROADCAST:
        words += ("broadcast", interface.network.broadcast_address)
    plain = _line("ip", "address", *words, "dev", operation.device)
    return f"{plain} proto {ADDRESS_PROTOCOL:#x} 2>/dev/null || {plain}"


def _remove_address(operation: ops.RemoveAddress) -> str:
    line = _line("ip", "address", "del", operation.address, "dev", operation.device)
    return f"{line} || true"


def _to(destination: IPAddress) -> tuple[object, ...]:
    underlay = zone(destination)
    return ("dst", unzoned(destination), *(("via", underlay) if underlay else ()))


def _append_flood(operation: ops.AppendFlood) -> str:
    where = ("dev", operation.device, *_to(operation.destination))
    return _line("bridge", "fdb", "append", NULL_MAC, *where, "self", "permanent")


def _remove_fdb(operation: ops.RemoveFdb) -> str:
    entry = operation.entry
    via = None if entry.via is None else f"if{entry.via}"  # so bridge(8) reads a number
    optional = {"port": entry.port, "vni": entry.vni, "via": via}
    words = [word for pair in optional.items() if pair[1] is not None for word in pair]
    where = ("dev", operation.device, *_to(entry.destination), *words)
    return _line("bridge", "fdb", "del", entry.mac, *where, "self") + " || true"


def _restore(script: tuple[str, ...]) -> str:
    return "\n".join(("ebtables-restore --noflush <<'EOF'", *script, "EOF"))


def _transaction(script: tuple[str, ...]) -> str:
    return "\n".join(("nft -f - <<'EOF'", *script, "EOF"))


COMMANDS: dict[type[ops.Operation], Callable[[Any], str]] = {
    ops.TakeDown: lambda op: _set(op.device, "down"),
    ops.DeleteLink: lambda op: _line("ip", "link", "del", "dev", op.device),
    ops.DeleteAbroad: _delete_abroad,
    ops.RemoveAltname: lambda op: _altname("del", op.device, op.altname),
    ops.RemoveAddress: _remove_address,
    ops.WriteChain: lambda op: _restore(chain_script(op)),
    ops.MakeTable: lambda op: _transaction(table_script(op)),
    ops.FillTable: lambda op: _transaction(filling_script(op)),
    ops.ClaimTable: lambda _: "true",
    ops.MakeIngress: lambda op: _transaction(ingress_script(op)),
    ops.WriteIngressRules: lambda op: _transaction(ingress_rules_script(op)),
    ops.ChangeIngress: lambda op: _transaction(ingress_change_script(op)),
    ops.TrimIngress: lambda op: _transaction(ingress_trim_script(op)),
    ops.MakeTally: lambda op: _transaction(tally_script(op)),
    ops.WriteTallyRules: lambda op: _transaction(tally_rules_script(op)),
    ops.AddCounters: lambda op: _transaction(counters_script(op)),
    ops.RemoveCounters: lambda op: _transaction(counters_script(op)),
    ops.PinMac: lambda op: _set(op.device, "address", op.mac),
    ops.AdoptBridge: lambda op: _altname("add", op.device, op.altname),
    ops.Adopt: lambda op: _altname("add", op.device, op.altname),
    ops.Rename: lambda op: _set(op.device, "name", op.to),
    ops.CreateBridge: _create_bridge,
    ops.CreateVtep: _create_vtep,
    ops.SetAlias: lambda op: _set(op.device, "alias", op.alias),
    ops.AddAltname: lambda op: _altname("add", op.device, op.altname),
    ops.SetMac: lambda op: _set(op.device, "address", op.mac),
    ops.SetMtu: lambda op: _set(op.device, "mtu", op.mtu),
    ops.NoLinkLocal: lambda op: _set(op.device, "addrgenmode", "none"),
    ops.SetRemote: lambda op: _vxlan(op.device, "remote", unzoned(op.remote)),
    ops.SetLocal: lambda op: _vxlan(op.device, "local", unzoned(op.local)),
    ops.SetOption: lambda op: _vxlan(op.device, *OPTIONS[op.option](op.value)),
    ops.AddAddress: _add_address,
    ops.RaiseBridge: lambda op: _set(op.device, "up"),
    ops.Attach: lambda op: _set(op.device, "master", op.bridge),
    ops.Reattach: lambda op: _set(op.device, "master", op.bridge),
    ops.ResetFlag: lambda op: _flag(op.device, op.flag),
    ops.ClearFlag: _clear_flag,
    ops.Isolate: lambda op: _isolation(op.device, "on"),
    ops.AppendFlood: _append_flood,
    ops.BringUp: lambda op: _set(op.device, "up"),
    ops.RemoveFdb: _remove_fdb,
    ops.Unisolate: lambda op: _isolation(op.device, "off"),
    ops.TrimChain: lambda op: _restore(trim_script(op)),
    ops.RemoveChain: lambda op: _restore(removal_script(op)),
    ops.RetireRules: lambda op: _restore(retirement_script(op)),
    ops.TrimTable: lambda op: _transaction(filling_script(op)),
    ops.RemoveTable: lambda op: _transaction(ending_script(op)),
}
