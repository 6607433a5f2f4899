"""The two families of addresses, by one name each, and the zone of a link-local one."""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Interface, IPv6Address, IPv6Interface

IPAddress = IPv4Address | IPv6Address
IPInterface = IPv4Interface | IPv6Interface
OF_IPV4: tuple[int, str | None] = (4, None)
NOWHERE: dict[int, IPAddress] = {4: IPv4Address(0), 6: IPv6Address(0)}  # by version: no remote


class LookedUp(IPv4Address):
    """An IPv4 address that is looked up again and again.

    It is equal to any other one, and its hash is the same, but worked out once: IPv4Address writes
    its number out for each, and a turn asks ten times for each peer. So it is with its bytes, of
    which messages are made.
    """

    __slots__ = ("_hashed", "packed")

    version = 4
    packed: bytes

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._hashed = super().__hash__()
        self.packed = super().packed

    def __hash__(self) -> int:
        return self._hashed


def parsed(text: str) -> IPAddress:
    """The address that a text is; raises ValueError where it is none."""
    return IPv6Address(text) if ":" in text else LookedUp(text)


def needs_zone(address: IPAddress) -> bool:
    """Whether it is link-local IPv6, which means something on one interface only (RFC 4007)."""
    return isinstance(address, IPv6Address) and address.is_link_local


def zone(address: IPAddress) -> str | None:
    """The interface's name that is written after the %; None where there is none."""
    return address.scope_id if isinstance(address, IPv6Address) else None


def way(address: IPAddress) -> tuple[int, str | None]:
    """IP version and zone: what the addresses of a packet's sender and receiver have in common."""
    return OF_IPV4 if isinstance(address, IPv4Address) else (6, address.scope_id)


def are_ipv4(addresses: Iterable[IPAddress]) -> bool:
    """Whether none of them is IPv6's: of thousands that is told by their types, which are few."""
    return all(issubclass(kind, IPv4Address) for kind in {*map(type, addresses)})


def zoned(address: IPAddress, device: str | None) -> IPAddress:
    """The same on this interface, which counts only for a link-local IPv6 address."""
    if device is None or not needs_zone(address):
        return address
    return IPv6Address(f"{unzoned(address)}%{device}")


def unzoned(address: IPAddress) -> IPAddress:
    """The same without its zone, as the kernel and its tools write it."""
    return IPv6Address(int(address)) if zone(address) is not None else address
