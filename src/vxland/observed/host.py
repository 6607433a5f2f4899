"""What the machine has apart from the overlays."""

from collections.abc import Mapping
from enum import IntEnum
from functools import cached_property

from msgspec import Struct, field

from vxland.addresses import IPAddress, IPInterface, zoned


class Standing(IntEnum):
    """How well an address will do to be known by; the less, the better."""

    LASTING = 1
    PASSING = 2  # deprecated, or a temporary one (RFC 8981), which will be
    TENTATIVE = 3  # whether somebody on the link has it, too, is still being found out (RFC 4862)
    DUPLICATE = 4  # somebody has; it isn't used


class LocalAddress(Struct, frozen=True, dict=True):
    """An address of this machine, and the device that carries it."""

    interface: IPInterface
    device: str
    standing: Standing = Standing.LASTING

    @cached_property  # a zone is written and read as text
    def ip(self) -> IPAddress:
        """The address alone; a link-local IPv6 one with the device for its zone."""
        return zoned(self.interface.ip, self.device)


class Route(Struct, frozen=True):
    """How the underlay reaches a peer: the device, and the MTU of this route in bytes."""

    device: str
    mtu: int
    source: IPAddress | None = None  # what packets that have none yet go out from
    fixed: bool = False  # it has an MTU of its own, rather than the device's


class Following(Struct, frozen=True):
    """What a device's MTU follows: the smallest of a bridge's ports, whichever that is."""

    bridge: str
    mtu: int | None  # bytes, of the ports that lead out; None for what sits on the bridge


class Host(Struct, frozen=True):
    """What the machine has apart from the overlays: addresses, and routes to the peers."""

    addresses: tuple[LocalAddress, ...] = ()
    routes: Mapping[IPAddress, Route] = field(default_factory=dict)
    unreachable: Mapping[IPAddress, str] = field(default_factory=dict)  # why there is no route
    mtus: Mapping[str, int] = field(default_factory=dict)  # by device
    following: Mapping[str, Following] = field(default_factory=dict)  # of these, by device
    renames_live: bool = False  # the kernel renames devices that are up (Linux 6.2)
