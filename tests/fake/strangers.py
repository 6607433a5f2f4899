"""Devices that others make, some of which look like vxland's: as commands and on the fake."""

from ipaddress import ip_address

from tests.fake.devices import Device
from tests.fake.vandalism import Vandalism
from tests.fake_kernel import FakeKernel
from vxland.model import Vtep
from vxland.observed import NULL_MAC, FdbEntry, VxlanState
from vxland.settings import VxlanOptions

CARD = "0a:00:00:00:00:01"


def bridge(name: str) -> Vandalism:
    """Somebody's bridge. A set MAC address stays, whatever its ports' are."""
    address = mac(name)
    return Vandalism(
        f"ip link add {name} address {address} type bridge",
        lambda kernel: kernel.net.add_bridge(Device(0, name, "bridge", address)),
    )


def own_bridge(name: str, card: str) -> Vandalism:
    """A server's bridge with its network card. Nobody set its MAC address: it is its ports'."""

    def effect(kernel: FakeKernel) -> None:
        kernel.net.add_pair(
            Device(0, card, "veth", CARD), Device(0, f"{card}-peer", "veth", mac(card))
        )
        made = Device(0, name, "bridge", CARD, mac_is_set=False)
        kernel.net.add_bridge(made)
        kernel.net.enslave(kernel.net.by_name(card), made)

    steps = (
        f"ip link add {card} address {CARD} type veth peer name {card}-peer address {mac(card)}",
        f"ip link add {name} type bridge",
        f"ip link set {card} master {name}",
    )
    return Vandalism(" && ".join(steps), effect)


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


def tunnel(vtep: Vtep, name: str = "", dev: str = "", udp_csum: str = "udpcsum") -> Vandalism:
    """The very tunnel that is wanted, made by something else, and up."""
    name = name or vtep.device
    options = VxlanOptions(learning=True, udp_csum=udp_csum == "udpcsum")
    state = VxlanState(vtep.vni, vtep.port, vtep.local, vtep.remote, options, dev or None)
    words = [f"id {vtep.vni} dstport {vtep.port} local {vtep.local} {udp_csum}"]
    words += [f"remote {vtep.remote}"] if vtep.remote else []
    words += [f"dev {dev}"] if dev else []
    flood = [] if vtep.remote else sorted(vtep.flood, key=str)
    append = f"bridge fdb append 00:00:00:00:00:00 dev {name} dst"

    def effect(kernel: FakeKernel) -> None:
        device = Device(0, name, "vxlan", mac(name), vxlan=state)
        kernel.net.add_vxlan(device)
        for address in flood:
            kernel.net.add_fdb(device, FdbEntry(NULL_MAC, address))
        kernel.net.set_up(device)

    steps = (
        f"ip link add {name} address {mac(name)} type vxlan {' '.join(words)}",
        *(f"{append} {address}" for address in flood),
        f"ip link set {name} up",
    )
    return Vandalism(" && ".join(steps), effect)


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
