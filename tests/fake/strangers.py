"""Devices that others make, some of which look like vxland's: as commands and on the fake."""

from ipaddress import ip_address

from tests.fake.devices import Device
from tests.fake.vandalism import Vandalism
from vxland.observed import VxlanState
from vxland.settings import VxlanOptions


def bridge(name: str) -> Vandalism:
    """Somebody's bridge. A set MAC address stays, whatever its ports' are."""
    address = mac(name)
    return Vandalism(
        f"ip link add {name} address {address} type bridge",
        lambda kernel: kernel.net.add_bridge(Device(0, name, "bridge", address)),
    )


def veth(name: str, peer: str = "") -> Vandalism:
    """A pair of devices, as containers have them."""
    peer = peer or f"{name}-peer"
    return Vandalism(
        f"ip link add {name} address {mac(name)} type veth peer name {peer} address {mac(peer)}",
        lambda kernel: kernel.net.add_pair(
            Device(0, name, "veth", mac(name)), Device(0, peer, "veth", mac(peer))
        ),
    )


def macvlan(name: str, lower: str) -> Vandalism:
    """A device on top of another."""
    return Vandalism(
        f"ip link add {name} link {lower} address {mac(name)} type macvlan mode bridge",
        lambda kernel: kernel.net.add_upper(
            Device(0, name, "macvlan", mac(name)), kernel.net.by_name(lower)
        ),
    )


def vxlan(name: str, vni: int, port: int = 4789, remote: str = "192.0.2.99") -> Vandalism:
    """Somebody's tunnel, with the kernel's defaults."""
    address = ip_address(remote)
    state = VxlanState(vni, port, None, address, VxlanOptions(learning=True))
    return Vandalism(
        f"ip link add {name} address {mac(name)} type vxlan id {vni} dstport {port}"
        f" remote {remote}",
        lambda kernel: kernel.net.add_vxlan(Device(0, name, "vxlan", mac(name), vxlan=state)),
    )


def external_vxlan(name: str, vni: int, port: int = 4789) -> Vandalism:
    """A tunnel with group policies, whose socket vxland's can't share."""
    state = VxlanState(vni, port, None, None, VxlanOptions(learning=True), plain=False)
    return Vandalism(
        f"ip link add {name} address {mac(name)} type vxlan id {vni} dstport {port} gbp",
        lambda kernel: kernel.net.add_vxlan(Device(0, name, "vxlan", mac(name), vxlan=state)),
    )


def zero_csum6_vxlan(name: str, vni: int, remote: str) -> Vandalism:
    """A tunnel that would send UDP over IPv6 without checksums."""
    state = VxlanState(
        vni, 4789, None, ip_address(remote), VxlanOptions(learning=True), zero_csum6=True
    )
    return Vandalism(
        f"ip link add {name} address {mac(name)} type vxlan id {vni} dstport 4789"
        f" remote {remote} udp6zerocsumtx",
        lambda kernel: kernel.net.add_vxlan(Device(0, name, "vxlan", mac(name), vxlan=state)),
    )


def mac(name: str) -> str:
    """A MAC address for a name, so that both kernels give it the same."""
    return (b"\x02" + name.encode()[-5:].rjust(5, b"\0")).hex(":")
