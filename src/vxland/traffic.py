"""What passed through a tunnel, as numbers that only grow."""

from collections.abc import Mapping
from operator import add, attrgetter

from msgspec import Struct, field
from msgspec.structs import fields

from vxland.addresses import IPAddress
from vxland.model import Tunnel
from vxland.ownership import alias_mark


class Traffic(Struct, frozen=True):
    """A device's counters since it was made: packets and bytes (struct rtnl_link_stats64)."""

    receive_packets: int = 0
    transmit_packets: int = 0
    receive_bytes: int = 0
    transmit_bytes: int = 0
    receive_errors: int = 0
    transmit_errors: int = 0
    receive_drops: int = 0
    transmit_drops: int = 0

    def __add__(self, other: "Traffic") -> "Traffic":
        return Traffic(*map(add, _numbers(self), _numbers(other)))

    def at_least(self, other: "Traffic") -> "Traffic":
        """Each counter, or the other's where that is higher."""
        return Traffic(*map(max, _numbers(self), _numbers(other)))


_numbers = attrgetter(*(counter.name for counter in fields(Traffic)))


class Count(Struct, frozen=True):
    """What one counter of nftables says: packets, and their bytes with all headers of theirs."""

    packets: int = 0
    bytes: int = 0

    def __add__(self, other: "Count") -> "Count":
        return Count(self.packets + other.packets, self.bytes + other.bytes)


class Seen(Struct, frozen=True):
    """What is worth telling of a VXLAN device, from one look at it."""

    name: str
    alias: str
    incarnation: int  # tells it from a device of the same name before or after it
    up: bool  # administratively
    running: bool  # operationally
    mtu: int
    traffic: Traffic
    learned_macs: int = 0  # by the bridge, as being behind this port
    learned_from: Mapping[IPAddress, int] = field(default_factory=dict)  # by itself, by VTEP

    def macs_behind(self, tunnel: Tunnel) -> int:
        """How many MAC addresses were learned to be behind a tunnel of this device."""
        if tunnel.vtep.shared:
            return self.learned_from.get(tunnel.address, 0)
        return self.learned_macs


class Reading(Struct, frozen=True):
    """A tunnel's counters, and what tells them from others that began at zero before or after."""

    incarnation: int
    traffic: Traffic

    def __add__(self, other: "Reading") -> "Reading":
        return Reading(max(self.incarnation, other.incarnation), self.traffic + other.traffic)


def readings(seen: Mapping[str, Seen]) -> dict[tuple[str, str], Reading]:
    """The counters of devices that are marked, by overlay and peer: a tunnel's, in a mesh.

    Of a peer with two devices they add up.
    """
    found: dict[tuple[str, str], Reading] = {}
    for device in seen.values():
        if (mark := alias_mark(device.alias)) is not None:
            key = (mark.overlay, mark.peer)
            reading = Reading(device.incarnation, device.traffic)
            found[key] = found[key] + reading if key in found else reading
    return found
