"""The fake kernel's links: names, states and bridges, by the rules of rtnetlink."""

import errno
from ipaddress import IPv6Interface

from tests.fake.devices import IPV6_MINIMUM_MTU, Device, RefusedError
from vxland.addresses import IPInterface
from vxland.identity import ADDRESS_PROTOCOL
from vxland.observed import BridgeAddress

LOWEST_MTU = 68
NO_MAC = "00:00:00:00:00:00"
ETHERNET_MTU = 1500


class Links:
    """Every device of a network namespace. A method is a request; it raises what is refused."""

    def __init__(self) -> None:
        self.devices: dict[int, Device] = {}
        self._last_index = 0
        self.renames_live = False  # as kernels do from 6.2 on
        self.add(Device(0, "lo", mac=NO_MAC, mtu=65536))

    def add(self, device: Device) -> Device:
        """Register a device under a free name and number it."""
        for name in device.names:
            if self.find(name) is not None:
                raise RefusedError(errno.EEXIST)
        self._last_index += 1
        device.index = self._last_index
        device.has_ipv6 = device.mtu >= IPV6_MINIMUM_MTU
        self.devices[device.index] = device
        return device

    def find(self, name: str) -> Device | None:
        """The device with this name or altname."""
        return next((d for d in self.devices.values() if name in d.names), None)

    def by_name(self, name: str) -> Device:
        """The device with this name or altname; refuses where there is none."""
        device = self.find(name)
        if device is None:
            raise RefusedError(errno.ENODEV)
        return device

    def ports(self, bridge: Device) -> list[Device]:
        """The bridge's ports."""
        return [device for device in self.devices.values() if device.master == bridge.index]

    def add_bridge(self, bridge: Device) -> None:
        """A bridge without ports."""
        self.add(bridge)

    def add_upper(self, device: Device, lower: Device) -> None:
        """A macvlan: it sits on another device, whose MTU is the most that its own can be."""
        device.mtu = lower.mtu
        self.add(device).lower = lower.index

    def add_pair(self, one: Device, other: Device) -> None:
        """A veth: two devices, each the other's lower."""
        if other.name == one.name or self.find(other.name) is not None:
            raise RefusedError(errno.EEXIST)
        self.add(one)
        self.add(other)
        one.lower, other.lower = other.index, one.index

    def delete(self, device: Device) -> None:
        """Delete a device, the devices that sit on it, and a veth's other end."""
        if device.name == "lo":
            raise RefusedError(errno.EOPNOTSUPP)
        del self.devices[device.index]
        self._detach(device)
        for other in list(self.devices.values()):
            if other.master == device.index:
                self._detach(other)
            bound = other.vxlan is not None and other.vxlan.underlay == device.name
            if (bound or other.lower == device.index) and other.index in self.devices:
                self.delete(other)

    def set_up(self, device: Device) -> None:
        """Set a device up. A tunnel has a carrier, and with it a link-local address."""
        device.up = True
        self._autoconfigure(device)

    def set_down(self, device: Device) -> None:
        """Set a device down; it loses its IPv6 addresses and what it has learnt."""
        if device.up:
            device.addresses = [a for a in device.addresses if a.interface.version == 4]
            device.fdb = {entry for entry in device.fdb if entry.static}
        device.up = False

    def rename(self, device: Device, name: str) -> None:
        """Rename a device. Kernels before 6.2 refuse while it is up."""
        if name == device.name:
            return
        if device.up and not self.renames_live:
            raise RefusedError(errno.EBUSY)
        if self.find(name) is not None:
            raise RefusedError(errno.EEXIST)
        device.name = name

    def add_altname(self, device: Device, altname: str) -> None:
        """Add an altname, unless some device has this name or altname."""
        if self.find(altname) is not None:
            raise RefusedError(errno.EEXIST)
        device.altnames.add(altname)

    def remove_altname(self, device: Device, altname: str) -> None:
        """Remove an altname of this very device."""
        if altname not in device.altnames:
            raise RefusedError(errno.EINVAL if self.find(altname) else errno.ENOENT)
        device.altnames.remove(altname)

    def set_mtu(self, device: Device, mtu: int) -> None:
        """Set an MTU. The same value changes nothing: a bridge's goes on following its ports'."""
        if mtu == device.mtu:
            return
        if mtu < LOWEST_MTU:
            raise RefusedError(errno.EINVAL)
        device.mtu_is_set = device.kind == "bridge"
        self._change_mtu(device, mtu)

    def set_mac(self, device: Device, mac: str) -> None:
        """Set a MAC address. That it is set counts, even where it is the same."""
        device.mac, device.mac_is_set = mac, True
        bridge = self.devices.get(device.master)
        if bridge is not None:
            self._follow_ports(bridge)

    def enslave(self, device: Device, bridge: Device | None) -> None:
        """Make a device a port. Its flags are a new port's, unless it was one of this bridge.

        It leaves its old bridge even where the new one can't have it (rtnetlink, do_set_master).
        """
        if bridge is not None and device.master == bridge.index:
            return
        self._detach(device)
        if bridge is None:
            raise RefusedError(errno.EINVAL)
        if bridge.kind != "bridge":
            raise RefusedError(errno.EOPNOTSUPP)
        if device.kind == "bridge" or device.name == "lo":
            raise RefusedError(errno.ELOOP if device.kind == "bridge" else errno.EINVAL)
        device.master = bridge.index
        self._follow_ports(bridge)

    def release(self, device: Device) -> None:
        """Take a port out of its bridge."""
        self._detach(device)

    def isolate(self, device: Device, *, isolated: bool) -> None:
        """Set or clear a bridge port's flag; what is no port has none."""
        if not device.master:
            raise RefusedError(errno.EOPNOTSUPP)
        device.isolated = isolated

    def set_flag(self, device: Device, flag: str, *, odd: bool) -> None:
        """Set one of a bridge port's other flags; what is no port has none."""
        if not device.master:
            raise RefusedError(errno.EOPNOTSUPP)
        device.odd_flags = device.odd_flags | {flag} if odd else device.odd_flags - {flag}

    def no_link_local(self, device: Device) -> None:
        """Set addrgenmode none, which only a device with IPv6 has."""
        if not device.has_ipv6:
            raise RefusedError(errno.EAFNOSUPPORT)
        device.link_local = False

    def wants_link_local(self, device: Device) -> None:
        """Set addrgenmode eui64; it counts when the device is set up next."""
        if not device.has_ipv6:
            raise RefusedError(errno.EAFNOSUPPORT)
        device.link_local = True

    def add_address(
        self, device: Device, interface: IPInterface, protocol: int = ADDRESS_PROTOCOL
    ) -> None:
        """Add an address, unless it is there; an IPv6 one needs a device with IPv6."""
        if interface.version == 6 and not device.has_ipv6:
            raise RefusedError(errno.EINVAL)
        if any(_clash(address.interface, interface) for address in device.addresses):
            raise RefusedError(errno.EEXIST)
        secondary = interface.version == 4 and any(
            address.interface.network == interface.network for address in device.addresses
        )
        own = protocol == ADDRESS_PROTOCOL
        device.addresses.append(BridgeAddress(interface, own=own, secondary=secondary))

    def remove_address(self, device: Device, interface: IPInterface) -> None:
        """Remove an address, whoever's it is, and with an IPv4 network's first one the others."""
        found = [a for a in device.addresses if a.interface == interface]
        if not found:
            raise RefusedError(errno.EADDRNOTAVAIL)
        if interface.version == 4:
            same = [a for a in device.addresses if a.interface.network == interface.network]
            found = same if same[0] in found else found
        device.addresses = [a for a in device.addresses if a not in found]

    def _autoconfigure(self, device: Device) -> None:
        has_one = any(address.automatic for address in device.addresses)
        if device.vxlan and device.up and device.has_ipv6 and device.link_local and not has_one:
            device.addresses.append(BridgeAddress(_eui64(device.mac), automatic=True))

    def _detach(self, device: Device) -> None:
        bridge = self.devices.get(device.master)
        device.master, device.isolated = 0, False
        device.odd_flags.clear()
        if bridge is not None:
            self._follow_ports(bridge)

    def _follow_ports(self, bridge: Device) -> None:
        """What nobody set is its lowest port's: the MAC address, and the MTU.

        (br_stp_recalculate_bridge_id, br_mtu_auto_adjust.)
        """
        if not bridge.mac_is_set:
            bridge.mac = min((port.mac for port in self.ports(bridge)), default=NO_MAC)
        if not bridge.mtu_is_set:
            lowest = min((port.mtu for port in self.ports(bridge)), default=ETHERNET_MTU)
            self._change_mtu(bridge, lowest)

    def _change_mtu(self, device: Device, mtu: int) -> None:
        device.mtu = mtu
        if mtu < IPV6_MINIMUM_MTU:
            device.has_ipv6 = False
            device.addresses = [a for a in device.addresses if a.interface.version == 4]
        elif not device.has_ipv6:
            device.has_ipv6 = device.link_local = True
            self._autoconfigure(device)
        bridge = self.devices.get(device.master)
        if bridge is not None:
            self._follow_ports(bridge)
        for upper in self.devices.values():
            if upper.kind == "macvlan" and upper.lower == device.index and upper.mtu > mtu:
                self._change_mtu(upper, mtu)


def _eui64(mac: str) -> IPv6Interface:
    """The link-local address that goes with a MAC address (RFC 4291, appendix A)."""
    octets = bytes.fromhex(mac.replace(":", ""))
    identifier = bytes([octets[0] ^ 2]) + octets[1:3] + b"\xff\xfe" + octets[3:]
    return IPv6Interface((b"\xfe\x80" + bytes(6) + identifier, 64))


def _clash(one: IPInterface, other: IPInterface) -> bool:
    """Whether the kernel takes them for the same: IPv6 goes by the address alone."""
    return one.ip == other.ip if one.version == 6 else one == other
