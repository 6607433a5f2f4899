"""A network device of the fake kernel."""

import errno
from dataclasses import dataclass, field

from vxland.observed import BridgeAddress, FdbEntry, Link, VxlanState

IPV6_MINIMUM_MTU = 1280  # below it a device has no IPv6 (net/ipv6/addrconf.c, addrconf_notify)


class RefusedError(OSError):
    """The fake kernel's refusal; ``errno`` is the real one's."""

    def __init__(self, number: int) -> None:
        super().__init__(number, "")


@dataclass(eq=False, slots=True)
class Device:
    """A device as the kernel keeps it. Other devices are named by their index."""

    index: int
    name: str
    kind: str | None = None
    mac: str = ""
    mtu: int = 1500
    alias: str = ""
    altnames: set[str] = field(default_factory=set)
    group: int = 0
    up: bool = False
    master: int = 0
    lower: int = 0
    isolated: bool = False
    odd_flags: set[str] = field(default_factory=set)  # port flags that aren't as in a new port
    has_ipv6: bool = True
    link_local: bool = True  # its addrgenmode isn't none
    mtu_is_set: bool = False  # of a bridge: it no longer follows its ports'
    mac_is_set: bool = True  # nor does it by its MAC address
    vxlan: VxlanState | None = None
    fdb: set[FdbEntry] = field(default_factory=set)
    addresses: list[BridgeAddress] = field(default_factory=list)  # as they were added

    @property
    def names(self) -> set[str]:
        """Its name and its altnames: one name space."""
        return {self.name, *self.altnames}

    def seen(self, names: dict[int, str]) -> Link:
        """The device as vxland observes it, given the names of all devices by index."""
        return Link(
            name=self.name,
            kind=self.kind,
            alias=self.alias,
            altnames=frozenset(self.altnames),
            group=self.group,
            mac=self.mac,
            mtu=self.mtu,
            up=self.up,
            master=names.get(self.master),
            lower=names.get(self.lower),
            isolated=self.isolated,
            odd_flags=frozenset(self.odd_flags),
            link_local=self.has_ipv6 and self.link_local,
            vxlan=self.vxlan,
        )

    @property
    def tunnel(self) -> VxlanState:
        """A VXLAN device's attributes; refuses where it is of another kind."""
        if self.vxlan is None:
            raise RefusedError(errno.EOPNOTSUPP)
        return self.vxlan
