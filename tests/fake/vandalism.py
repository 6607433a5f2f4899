"""What people and other programs do to a node: as a command, and as its effect on the fake."""

from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_interface

from msgspec.structs import replace

from tests.fake.devices import Device, RefusedError
from tests.fake.filter import FilterError
from tests.fake_kernel import FakeKernel
from vxland.observed import NULL_MAC, PORT_FLAGS, FdbEntry
from vxland.settings import Df, VxlanOptions

ELSEWHERE = "$ELSEWHERE"  # stands for the path of another network namespace
FOREIGN_PROTOCOL = 0


@dataclass(frozen=True, slots=True)
class Vandalism:
    """One deed. It may be refused, by both kernels alike."""

    command: str
    effect: Callable[[FakeKernel], None] = field(repr=False, compare=False)

    def apply(self, kernel: FakeKernel) -> bool:
        """Do it to the fake; returns whether that was allowed."""
        try:
            self.effect(kernel)
        except (RefusedError, FilterError):
            return False
        return True


def _to(device: str, command: str, effect: Callable[[FakeKernel, Device], None]) -> Vandalism:
    return Vandalism(command, lambda kernel: effect(kernel, kernel.net.by_name(device)))


def deleted(device: str) -> Vandalism:
    """A device is deleted."""
    return _to(device, f"ip link del {device}", lambda k, d: k.net.delete(d))


def set_down(device: str) -> Vandalism:
    """A device is set down."""
    return _to(device, f"ip link set {device} down", lambda k, d: k.net.set_down(d))


def set_up(device: str) -> Vandalism:
    """A device is set up."""
    return _to(device, f"ip link set {device} up", lambda k, d: k.net.set_up(d))


def taken_out(device: str) -> Vandalism:
    """A port is taken out of its bridge."""
    return _to(device, f"ip link set {device} nomaster", lambda k, d: k.net.release(d))


def put_into(device: str, bridge: str) -> Vandalism:
    """A device becomes a port of this bridge."""
    return _to(
        device,
        f"ip link set {device} master {bridge}",
        lambda k, d: k.net.enslave(d, k.net.by_name(bridge)),
    )


def renamed(device: str, name: str) -> Vandalism:
    """A device is renamed, by way of down, as kernels before 6.2 want it."""

    def effect(kernel: FakeKernel, target: Device) -> None:
        kernel.net.set_down(target)
        kernel.net.rename(target, name)
        kernel.net.set_up(target)

    steps = (f"{device} down", f"{device} name {name}", f"{name} up")
    return _to(device, " && ".join(f"ip link set {step}" for step in steps), effect)


def isolation(device: str, *, on: bool) -> Vandalism:
    """A port's isolated flag is set or cleared."""
    command = f"ip link set {device} type bridge_slave isolated {'on' if on else 'off'}"
    return _to(device, command, lambda k, d: k.net.isolate(d, isolated=on))


def flag(device: str, name: str) -> Vandalism:
    """A port's flag is set to what it isn't in a new port."""
    state = "off" if PORT_FLAGS[name] else "on"
    command = f"ip link set {device} type bridge_slave {name} {state}"
    return _to(device, command, lambda k, d: k.net.set_flag(d, name, odd=True))


def mtu(device: str, value: int) -> Vandalism:
    """An MTU is changed."""
    return _to(device, f"ip link set {device} mtu {value}", lambda k, d: k.net.set_mtu(d, value))


def mac(device: str, value: str) -> Vandalism:
    """A MAC address is changed."""
    command = f"ip link set {device} address {value}"
    return _to(device, command, lambda k, d: k.net.set_mac(d, value))


def group(device: str, value: int) -> Vandalism:
    """A device is put into another group."""

    def effect(_: FakeKernel, target: Device) -> None:
        target.group = value

    return _to(device, f"ip link set {device} group {value}", effect)


def alias(device: str, text: str) -> Vandalism:
    """The alias is replaced, or removed where the text is empty."""

    def effect(_: FakeKernel, target: Device) -> None:
        target.alias = text

    return _to(device, f'ip link set {device} alias "{text}"', effect)


def altname_added(device: str, altname: str) -> Vandalism:
    """An altname is added."""
    command = f"ip link property add dev {device} altname {altname}"
    return _to(device, command, lambda k, d: k.net.add_altname(d, altname))


def altname_removed(device: str, altname: str) -> Vandalism:
    """An altname is removed."""
    command = f"ip link property del dev {device} altname {altname}"
    return _to(device, command, lambda k, d: k.net.remove_altname(d, altname))


def link_local(device: str) -> Vandalism:
    """The kernel is told to give the device IPv6 link-local addresses."""
    command = f"ip link set {device} addrgenmode eui64"
    return _to(device, command, lambda k, d: k.net.wants_link_local(d))


def remote(device: str, address: str) -> Vandalism:
    """A tunnel is led elsewhere; nowhere, if the address is 0.0.0.0."""
    command = f"ip link set {device} type vxlan remote {address}"
    return _to(device, command, lambda k, d: k.net.set_remote(d, ip_address(address)))


def local(device: str, address: str) -> Vandalism:
    """A tunnel's own address is changed."""
    command = f"ip link set {device} type vxlan local {address}"
    return _to(device, command, lambda k, d: k.net.set_local(d, ip_address(address)))


OPTIONS: dict[str, Callable[[VxlanOptions], VxlanOptions]] = {
    "ttl 7": lambda options: replace(options, ttl=7),
    "tos 0x8": lambda options: replace(options, tos=8),
    "df set": lambda options: replace(options, df=Df.SET),
    "ageing 77": lambda options: replace(options, ageing=77),
    "learning": lambda options: replace(options, learning=True),
    "nolearning": lambda options: replace(options, learning=False),
}


def option(device: str, text: str) -> Vandalism:
    """One of a tunnel's options is changed."""
    return _to(
        device,
        f"ip link set {device} type vxlan {text}",
        lambda k, d: k.net.set_options(d, OPTIONS[text](d.tunnel.options)),
    )


def flood_removed(device: str, address: str) -> Vandalism:
    """A flood entry is removed."""
    entry = FdbEntry(NULL_MAC, ip_address(address))
    command = f"bridge fdb del {NULL_MAC} dev {device} dst {address}"
    return _to(device, command, lambda k, d: k.net.remove_fdb(d, entry))


def flood_added(device: str, address: str) -> Vandalism:
    """A flood entry is added."""
    entry = FdbEntry(NULL_MAC, ip_address(address))
    command = f"bridge fdb append {NULL_MAC} dev {device} dst {address}"
    return _to(device, command, lambda k, d: k.net.add_fdb(d, entry))


def fdb_added(device: str, address: str, *, static: bool = True) -> Vandalism:
    """Frames for one MAC address are led to one VTEP; not static, it is as if learnt."""
    entry = FdbEntry("02:00:00:00:fd:b0", ip_address(address), static=static)
    command = f"bridge fdb add {entry.mac} dev {device} dst {address}"
    return _to(
        device,
        command if static else f"{command} dynamic",
        lambda k, d: k.net.new_fdb(d, entry),
    )


def moved_abroad(device: str) -> Vandalism:
    """A device is moved to another network namespace."""
    return _to(device, f"ip link set {device} netns {ELSEWHERE}", lambda k, d: k.net.move_abroad(d))


def address_added(device: str, address: str) -> Vandalism:
    """An address is added by somebody else."""
    interface = ip_interface(address)
    return _to(
        device,
        f"ip address add {address} dev {device}",
        lambda k, d: k.net.add_address(d, interface, FOREIGN_PROTOCOL),
    )


def address_removed(device: str, address: str) -> Vandalism:
    """An address is removed."""
    interface = ip_interface(address)
    return _to(
        device,
        f"ip address del {address} dev {device}",
        lambda k, d: k.net.remove_address(d, interface),
    )


def nft(line: str) -> Vandalism:
    """Somebody uses nft."""
    return Vandalism(f"nft '{line}'", lambda kernel: kernel.by_nft(line))


def daemon_ended() -> Vandalism:
    """vxland ends, and another process of it starts."""

    def effect(kernel: FakeKernel) -> None:
        for table in kernel.tables:
            table.leave()

    return Vandalism("true", effect)


def ruleset_flushed() -> Vandalism:
    """Somebody flushes all that nft shows: ebtables' table, too."""

    def effect(kernel: FakeKernel) -> None:
        for table in kernel.tables:
            table.flush()
        kernel.filter.forget()

    return Vandalism("nft flush ruleset", effect)


def ebtables(line: str) -> Vandalism:
    """Somebody uses ebtables."""
    return Vandalism(f"ebtables {line}", lambda kernel: kernel.filter.command(line))
