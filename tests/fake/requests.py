"""What each operation asks of the fake kernel: one line a class, as in vxland.kernel.messages."""

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from tests.fake.devices import Device
from tests.fake.tunnels import Tunnels
from vxland import operations as ops
from vxland.identity import GROUP
from vxland.observed import NULL_MAC, PORT_FLAGS, FdbEntry, VxlanState
from vxland.settings import Df, VxlanOptions


def _create_vtep(net: Tunnels, operation: ops.CreateVtep) -> None:
    vtep = operation.vtep
    options = vtep.options
    if options.ttl_inherit:
        options = replace(options, ttl=0)
    state = VxlanState(vtep.vni, vtep.port, vtep.local, vtep.remote, options, vtep.underlay)
    device = Device(0, vtep.device, "vxlan", vtep.mac, vtep.mtu, group=GROUP, vxlan=state)
    net.add_vxlan(device)


def _create_bridge(net: Tunnels, operation: ops.CreateBridge) -> None:
    bridge = operation.bridge
    net.add_bridge(Device(0, bridge.device, "bridge", bridge.mac, group=GROUP))


def _set_alias(_: Tunnels, device: Device, operation: ops.SetAlias) -> None:
    device.alias = operation.alias


def _set_option(net: Tunnels, device: Device, operation: ops.SetOption) -> None:
    convert = OPTIONS[operation.option]
    net.set_options(device, convert(device.tunnel.options, operation.value))


OPTIONS: dict[str, Callable[[VxlanOptions, int], VxlanOptions]] = {
    "ttl": lambda options, value: replace(options, ttl=value),
    "tos": lambda options, value: replace(options, tos=value),
    "df": lambda options, value: replace(options, df=Df(value)),
    "ageing": lambda options, value: replace(options, ageing=value),
    "learning": lambda options, value: replace(options, learning=bool(value)),
}


def _append_flood(net: Tunnels, device: Device, operation: ops.AppendFlood) -> None:
    net.add_fdb(device, FdbEntry(NULL_MAC, operation.destination))


CREATIONS: dict[type[ops.Operation], Callable[[Tunnels, Any], None]] = {
    ops.CreateVtep: _create_vtep,
    ops.CreateBridge: _create_bridge,
}

CHANGES: dict[type[ops.Operation], Callable[[Tunnels, Device, Any], None]] = {
    ops.TakeDown: lambda net, device, _: net.set_down(device),
    ops.DeleteLink: lambda net, device, _: net.delete(device),
    ops.RemoveAltname: lambda net, device, op: net.remove_altname(device, op.altname),
    ops.RemoveAddress: lambda net, device, op: net.remove_address(device, op.address),
    ops.PinMac: lambda net, device, op: net.set_mac(device, op.mac),
    ops.AdoptBridge: lambda net, device, op: net.add_altname(device, op.altname),
    ops.Adopt: lambda net, device, op: net.add_altname(device, op.altname),
    ops.Rename: lambda net, device, op: net.rename(device, op.to),
    ops.SetAlias: _set_alias,
    ops.AddAltname: lambda net, device, op: net.add_altname(device, op.altname),
    ops.SetMac: lambda net, device, op: net.set_mac(device, op.mac),
    ops.SetMtu: lambda net, device, op: net.set_mtu(device, op.mtu),
    ops.NoLinkLocal: lambda net, device, _: net.no_link_local(device),
    ops.SetRemote: lambda net, device, op: net.set_remote(device, op.remote),
    ops.SetLocal: lambda net, device, op: net.set_local(device, op.local),
    ops.SetOption: _set_option,
    ops.AddAddress: lambda net, device, op: net.add_address(device, op.address),
    ops.RaiseBridge: lambda net, device, _: net.set_up(device),
    ops.ResetFlag: lambda net, device, op: net.set_flag(device, op.flag, odd=False),
    ops.ClearFlag: lambda net, device, op: net.set_flag(device, op.flag, odd=PORT_FLAGS[op.flag]),
    ops.Isolate: lambda net, device, _: net.isolate(device, isolated=True),
    ops.AppendFlood: _append_flood,
    ops.BringUp: lambda net, device, _: net.set_up(device),
    ops.RemoveFdb: lambda net, device, op: net.remove_fdb(device, op.entry),
    ops.Unisolate: lambda net, device, _: net.isolate(device, isolated=False),
}
