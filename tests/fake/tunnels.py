"""The fake kernel's VXLAN devices (drivers/net/vxlan)."""

import errno
from collections.abc import Iterator

from msgspec.structs import replace

from tests.fake.devices import Device, RefusedError
from tests.fake.links import Links
from vxland.addresses import IPAddress, needs_zone, zoned
from vxland.identity import vtep_alias
from vxland.observed import NULL_MAC, TUNNEL_KINDS, Abroad, FdbEntry
from vxland.ownership import mark
from vxland.settings import VxlanOptions
from vxland.underlay.mtu import OVERHEAD

LARGEST = 65535
ELSEWHERE = 0  # this namespace's number for the only other one there is


class Tunnels(Links):
    """The links of a namespace, its VXLAN devices and where they went among them."""

    def __init__(self) -> None:
        super().__init__()
        self.abroad: list[Device] = []

    def add_vxlan(self, device: Device) -> None:
        """Make a VXLAN device: one for a VNI, port and family, wherever it is now."""
        for other in self._made_here():
            if other.vxlan is None or other.vxlan.key.everywhere != device.tunnel.key.everywhere:
                continue
            underlay = device.tunnel.key.zone  # on which alone a link-local one must be unique
            if underlay is None or other.vxlan.underlay == underlay:
                raise RefusedError(errno.EEXIST)
        self.add(device)
        self._limit_mtu(device)
        if device.tunnel.remote is not None:
            device.fdb.add(self._default(device, device.tunnel.remote))

    def is_any_tunnel_up(self) -> bool:
        """Whether frames can go to another machine."""
        return any(device.up and device.kind in TUNNEL_KINDS for device in self.devices.values())

    def set_up(self, device: Device) -> None:
        """Set a device up; a VXLAN device's receive flags must be those its port's socket has."""
        for other in self.devices.values() if device.vxlan else ():
            if other.vxlan is None or not other.up or other is device:
                continue
            same_port = other.vxlan.port == device.tunnel.port
            if same_port and other.vxlan.plain != device.tunnel.plain:
                raise RefusedError(errno.EADDRINUSE)
        super().set_up(device)

    def set_remote(self, device: Device, address: IPAddress) -> None:
        """Change the remote, or take it away; the default flood entry moves along, if there is one.

        The unspecified address stands for none.
        """
        self._check_family(device, address)
        before = device.tunnel.remote
        remote = None if address.is_unspecified else zoned(address, device.tunnel.underlay)
        if before == remote:
            return
        self._check_scope(device, remote)
        device.vxlan = replace(device.tunnel, remote=remote)
        self._limit_mtu(device)
        if before is not None:
            device.fdb.discard(self._default(device, before))
        if remote is not None:
            device.fdb.add(self._default(device, remote))

    def set_local(self, device: Device, local: IPAddress) -> None:
        """Change the local address."""
        self._check_family(device, local)
        self._check_scope(device, local)
        device.vxlan = replace(device.tunnel, local=zoned(local, device.tunnel.underlay))

    def set_options(self, device: Device, options: VxlanOptions) -> None:
        """Change what can be changed in place; the caller knows what that is."""
        device.vxlan = replace(device.tunnel, options=options)

    def add_fdb(self, device: Device, entry: FdbEntry) -> None:
        """Append a forwarding entry; one that is there already stays one."""
        self._check_family(device, entry.destination)
        device.fdb.add(entry)

    def new_fdb(self, device: Device, entry: FdbEntry) -> None:
        """Add a forwarding entry; refused where this MAC address has one."""
        self._check_family(device, entry.destination)
        if any(entry.mac == other.mac for other in device.fdb):
            raise RefusedError(errno.EEXIST)
        device.fdb.add(entry)

    def remove_fdb(self, device: Device, entry: FdbEntry) -> None:
        """Remove a forwarding entry, however it came about; refused for an unknown MAC address."""
        if not any(entry.mac == other.mac for other in device.fdb):
            raise RefusedError(errno.ENOENT)
        wanted = (entry.mac, entry.destination, entry.via)
        device.fdb = {e for e in device.fdb if (e.mac, e.destination, e.via) != wanted}

    def move_abroad(self, device: Device) -> None:
        """Move a device to the other namespace: it goes down and leaves its bridge."""
        if device.kind == "bridge" or device.name == "lo":
            raise RefusedError(errno.EINVAL)
        if any(device.names & other.names for other in self.abroad):
            raise RefusedError(errno.EEXIST)
        self.set_down(device)
        self.release(device)
        del self.devices[device.index]
        self.abroad.append(device)

    def delete_abroad(self, device: Device) -> None:
        """Delete a device in the other namespace; its VNI is free here again."""
        if device not in self.abroad:
            raise RefusedError(errno.ENODEV)
        self.abroad.remove(device)

    def seen_abroad(self) -> Iterator[tuple[Abroad, Device]]:
        """What vxland sees of its own elsewhere."""
        for device in sorted(self.abroad, key=lambda device: device.index):
            says = mark(device.seen({}))
            if device.vxlan is not None and says is not None:
                alias = vtep_alias(says.overlay, says.peer)
                yield Abroad(device.name, alias, ELSEWHERE, device.tunnel.key), device

    def set_mtu(self, device: Device, mtu: int) -> None:
        """Set an MTU; with what it is bound to there must be room for the outer packet."""
        if mtu > self._most_mtu(device):
            raise RefusedError(errno.EINVAL)
        super().set_mtu(device, mtu)

    def _limit_mtu(self, device: Device) -> None:
        device.mtu = min(device.mtu, self._most_mtu(device))

    def _most_mtu(self, device: Device) -> int:
        underlay = None if device.vxlan is None else device.vxlan.underlay
        if device.vxlan is None or underlay is None:
            return LARGEST
        return self.by_name(underlay).mtu - OVERHEAD[device.vxlan.key.family]

    def _default(self, device: Device, remote: IPAddress) -> FdbEntry:
        """The flood entry that goes with a remote."""
        underlay = device.tunnel.underlay
        if underlay is None or needs_zone(remote):
            return FdbEntry(NULL_MAC, remote)
        return FdbEntry(NULL_MAC, remote, via=self.by_name(underlay).index, bound=True)

    def _check_family(self, device: Device, address: IPAddress) -> None:
        """A device keeps its address family."""
        if address.version != device.tunnel.key.family:
            raise RefusedError(errno.EOPNOTSUPP)

    def _check_scope(self, device: Device, address: IPAddress | None) -> None:
        """Local and remote are both link-local, or neither is."""
        bound = device.tunnel.key.zone is not None
        if address is not None and needs_zone(address) != bound:
            raise RefusedError(errno.EINVAL)

    def _made_here(self) -> Iterator[Device]:
        yield from self.devices.values()
        yield from self.abroad
