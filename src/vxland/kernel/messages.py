"""Operations as netlink messages, made by pyroute2's message classes: one line a class.

Devices are named by the index they were seen with, so that a name that changed hands in between
isn't mistaken; one made a moment ago, in the same batch, is named by its name.
"""

from collections.abc import Callable
from functools import cache, lru_cache, partial
from ipaddress import IPv4Interface
from typing import Any

from vxland import identity
from vxland import operations as ops
from vxland.addresses import NOWHERE, IPInterface, unzoned, zone
from vxland.kernel import vxlan
from vxland.kernel.attributes import attribute, nested, text
from vxland.kernel.directory import Directory
from vxland.kernel.encoding import (
    ADDRESS,
    LINK,
    NEIGHBOUR,
    NUMBER,
    RTM_NEWLINK,
    Attribute,
    about,
    linkinfo,
    new_link,
)
from vxland.kernel.fdb import AF_BRIDGE, NTF_SELF, NUD_NOARP, NUD_PERMANENT
from vxland.kernel.links import (
    ADDR_GEN_MODE_NONE,
    ALT_IFNAME,
    IFALIAS,
    IFF_UP,
    MASTER,
    PROP_LIST,
)
from vxland.kernel.wire import NLM_F_APPEND, NLM_F_CREATE, NLM_F_EXCL
from vxland.observed import NULL_MAC, PORT_FLAGS, FdbEntry

RTM_DELLINK, RTM_SETLINK = 17, 19
RTM_NEWADDR, RTM_DELADDR = 20, 21
RTM_NEWNEIGH, RTM_DELNEIGH = 28, 29
RTM_NEWLINKPROP, RTM_DELLINKPROP = 108, 109
AF = {4: 2, 6: 10}
BRPORT_NAMES = {  # where the kernel calls a port's flag otherwise than ip does
    "hairpin": "MODE",
    "root_block": "PROTECT",
    "fastleave": "FAST_LEAVE",
    "flood": "UNICAST_FLOOD",
    "proxy_arp": "PROXYARP",
    "mcast_to_unicast": "MCAST_TO_UCAST",
}
POINT_TO_POINT = 2  # addresses of a network without a broadcast address (RFC 3021)

Attributes = list[Attribute]


def _link(
    directory: Directory,
    device: str,
    attributes: Attributes,
    *,
    kind: int = RTM_SETLINK,
    request: int = 0,
) -> bytes:
    return _about(directory, device, LINK.encode(kind, attributes, request=request))


def _about(directory: Directory, device: str, message: bytes) -> bytes:
    return about(message, device, directory.indexes.get(device, 0))


def _vxlan(directory: Directory, device: str, attributes: Attributes) -> bytes:
    info = linkinfo("vxlan", attributes)
    return _link(directory, device, [info], kind=RTM_NEWLINK)


def _create_vtep(operation: ops.CreateVtep, directory: Directory) -> bytes:
    vtep = operation.vtep
    underlay = None if vtep.underlay is None else directory[vtep.underlay]
    return about(vxlan.creation(vtep, underlay), vtep.device, 0)


def _create_bridge(operation: ops.CreateBridge, _: Directory) -> bytes:
    bridge = operation.bridge
    settings: Attributes = [
        ("IFLA_BR_STP_STATE", 0),
        ("IFLA_BR_FORWARD_DELAY", 0),
        ("IFLA_BR_MCAST_SNOOPING", 0),
    ]
    info = linkinfo("bridge", settings)
    # No MTU: given here, it would go on following the ports', since setting the same does nothing.
    return about(new_link([("IFLA_ADDRESS", bridge.mac), info]), bridge.device, 0)


@lru_cache
def _raising(flags: int) -> bytes:
    """What brings any device up, or takes it down."""
    return LINK.encode(RTM_SETLINK, [], flags=flags, change=IFF_UP)


@lru_cache
def _port(*attributes: tuple[str, int | None]) -> bytes:
    """What gives any bridge port these attributes of its own."""
    return LINK.encode(RTM_NEWLINK, [linkinfo("bridge", [*attributes], slave=True)])


def _reset_flag(operation: ops.ResetFlag, directory: Directory) -> bytes:
    return _flag(directory, operation.device, operation.flag, int(PORT_FLAGS[operation.flag]))


def _clear_flag(operation: ops.ClearFlag, directory: Directory) -> bytes:
    # In one message the flag is cleared before what was learned goes (br_setport).
    forgotten = [("IFLA_BRPORT_FLUSH", None)] if operation.forgets else []
    return _flag(directory, operation.device, operation.flag, 0, *forgotten)


def _flag(
    directory: Directory, device: str, flag: str, value: int, *more: tuple[str, None]
) -> bytes:
    name = f"IFLA_BRPORT_{BRPORT_NAMES.get(flag, flag.upper())}"
    return _about(directory, device, _port((name, value), *more))


@lru_cache
def _empty(kind: int) -> bytes:
    """A message of this type about any device that says nothing of it yet."""
    request = NLM_F_CREATE | NLM_F_EXCL | NLM_F_APPEND if kind == RTM_NEWLINKPROP else 0
    return LINK.encode(kind, [], request=request)


def _altname(directory: Directory, device: str, altname: str, kind: int) -> bytes:
    names = nested(PROP_LIST, text(ALT_IFNAME, altname))
    return _about(directory, device, _empty(kind) + names)


def _alias(operation: ops.SetAlias, directory: Directory) -> bytes:
    message = _empty(RTM_SETLINK) + text(IFALIAS, operation.alias)
    return _about(directory, operation.device, message)


@cache
def _without_link_local() -> bytes:
    mode = {"attrs": [("IFLA_INET6_ADDR_GEN_MODE", ADDR_GEN_MODE_NONE)]}
    return LINK.encode(RTM_SETLINK, [("IFLA_AF_SPEC", {"attrs": [("AF_INET6", mode)]})])


def _delete_abroad(operation: ops.DeleteAbroad, directory: Directory) -> bytes:
    abroad = operation.abroad
    index = directory.abroad[abroad.nsid, abroad.name]
    # IFLA_TARGET_NETNSID by its older name, the only one that pyroute2 knows: what it doesn't know
    # it leaves out, and the index would then mean a device of this namespace.
    return LINK.encode(RTM_DELLINK, [("IFLA_IF_NETNSID", abroad.nsid)], index=index)


def _address(directory: Directory, device: str, interface: IPInterface, kind: int) -> bytes:
    attributes: Attributes = [("IFA_LOCAL", str(interface.ip)), ("IFA_ADDRESS", str(interface.ip))]
    request = 0
    if kind == RTM_NEWADDR:
        request = NLM_F_CREATE | NLM_F_EXCL
        attributes.append(("IFA_PROTO", identity.ADDRESS_PROTOCOL))
        if (
            isinstance(interface, IPv4Interface)
            and interface.network.num_addresses > POINT_TO_POINT
        ):
            attributes.append(("IFA_BROADCAST", str(interface.network.broadcast_address)))
    return ADDRESS.encode(
        kind,
        attributes,
        request=request,
        family=AF[interface.version],
        prefixlen=interface.network.prefixlen,
        index=directory[device],
    )


def _fdb(directory: Directory, device: str, entry: FdbEntry, kind: int, request: int) -> bytes:
    destination, underlay = unzoned(entry.destination), zone(entry.destination)
    via = entry.via if underlay is None else directory[underlay]
    attributes: Attributes = [("NDA_LLADDR", entry.mac), ("NDA_DST", str(destination))]
    optional = {"NDA_PORT": entry.port, "NDA_VNI": entry.vni, "NDA_IFINDEX": via}
    attributes += [(name, value) for name, value in optional.items() if value is not None]
    return NEIGHBOUR.encode(
        kind,
        attributes,
        request=request,
        family=AF_BRIDGE,
        index=directory[device],
        state=NUD_NOARP | NUD_PERMANENT,
        flags=NTF_SELF,
    )


def _set(directory: Directory, device: str, attribute: str, value: str | int) -> bytes:
    return _link(directory, device, [(attribute, value)])


def _delete(operation: ops.DeleteLink, directory: Directory) -> bytes:
    return _link(directory, operation.device, [], kind=RTM_DELLINK)


def _set_option(operation: ops.SetOption, directory: Directory) -> bytes:
    attribute = f"IFLA_VXLAN_{operation.option.upper()}"
    return _vxlan(directory, operation.device, [(attribute, operation.value)])


@lru_cache
def _entering(bridge: int) -> bytes:
    """What puts any device into the bridge of this number."""
    return _empty(RTM_SETLINK) + attribute(MASTER, NUMBER.pack(bridge))


def _master(directory: Directory, device: str, bridge: str) -> bytes:
    return _about(directory, device, _entering(directory[bridge]))


@lru_cache
def _flood(index: int, version: int) -> bytes:
    """A flood entry of this device up to the destination, which stands last."""
    entry, at = FdbEntry(NULL_MAC, NOWHERE[version]), Directory({"": index}, {})
    message = _fdb(at, "", entry, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_APPEND)
    return message[: -len(NOWHERE[version].packed)]


def _append_flood(operation: ops.AppendFlood, directory: Directory) -> bytes:
    destination = operation.destination
    version = destination.version
    if version == identity.IPV4 or zone(destination) is None:
        return _flood(directory.indexes[operation.device], version) + destination.packed
    entry = FdbEntry(NULL_MAC, destination)
    request = NLM_F_CREATE | NLM_F_APPEND
    return _fdb(directory, operation.device, entry, RTM_NEWNEIGH, request)


def _alike(message: Callable[[], bytes]) -> Callable[[ops.Operation, Directory], bytes]:
    """What says the same of any device, and of which one."""

    def make(operation: ops.Operation, directory: Directory) -> bytes:
        return _about(directory, operation.device, message())

    return make


DOWN, UP = _alike(partial(_raising, 0)), _alike(partial(_raising, IFF_UP))

MESSAGES: dict[type[ops.Operation], Callable[[Any, Directory], bytes]] = {
    ops.TakeDown: DOWN,
    ops.DeleteLink: _delete,
    ops.DeleteAbroad: _delete_abroad,
    ops.RemoveAltname: lambda op, at: _altname(at, op.device, op.altname, RTM_DELLINKPROP),
    ops.RemoveAddress: lambda op, at: _address(at, op.device, op.address, RTM_DELADDR),
    ops.PinMac: lambda op, at: _set(at, op.device, "IFLA_ADDRESS", op.mac),
    ops.AdoptBridge: lambda op, at: _altname(at, op.device, op.altname, RTM_NEWLINKPROP),
    ops.Adopt: lambda op, at: _altname(at, op.device, op.altname, RTM_NEWLINKPROP),
    ops.Rename: lambda op, at: _set(at, op.device, "IFLA_IFNAME", op.to),
    ops.CreateBridge: _create_bridge,
    ops.CreateVtep: _create_vtep,
    ops.SetAlias: _alias,
    ops.AddAltname: lambda op, at: _altname(at, op.device, op.altname, RTM_NEWLINKPROP),
    ops.SetMac: lambda op, at: _set(at, op.device, "IFLA_ADDRESS", op.mac),
    ops.SetMtu: lambda op, at: _set(at, op.device, "IFLA_MTU", op.mtu),
    ops.NoLinkLocal: _alike(_without_link_local),
    ops.SetRemote: lambda op, at: _vxlan(at, op.device, [vxlan.remote(op.remote)]),
    ops.SetLocal: lambda op, at: _vxlan(at, op.device, [vxlan.local(op.local)]),
    ops.SetOption: _set_option,
    ops.AddAddress: lambda op, at: _address(at, op.device, op.address, RTM_NEWADDR),
    ops.RaiseBridge: UP,
    ops.ResetFlag: _reset_flag,
    ops.ClearFlag: _clear_flag,
    ops.Attach: lambda op, at: _master(at, op.device, op.bridge),
    ops.Reattach: lambda op, at: _master(at, op.device, op.bridge),
    ops.Isolate: _alike(partial(_port, ("IFLA_BRPORT_ISOLATED", 1))),
    ops.AppendFlood: _append_flood,
    ops.BringUp: UP,
    ops.RemoveFdb: lambda op, at: _fdb(at, op.device, op.entry, RTM_DELNEIGH, 0),
    ops.Unisolate: _alike(partial(_port, ("IFLA_BRPORT_ISOLATED", 0))),
}
