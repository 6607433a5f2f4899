"""The peer source for addresses that are written out: IPv4 and IPv6."""

import re
from collections.abc import Callable
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address

from vxland.addresses import IPAddress, needs_zone, parsed, zone

FAMILIES = {version: frozenset({version}) for version in (4, 6)}
NONE = frozenset[int]()
CACHED = 32_768  # texts that needn't be parsed again, turn by turn
EXAMPLE = 'Write its IPv4 or IPv6 address, like "203.0.113.1" or "2001:db8::1"'

_ONE_MACHINE = "Write the address of the one machine that is meant"
_LIKE_AN_ADDRESS = re.compile(r"[0-9.]+(/.*)?|.*:.*|", re.DOTALL)  # no host name looks like this
_INTERFACE = re.compile(
    r"(?!\d+$)(?!\.\.?$)[!-~]{1,15}"
)  # dev_valid_name (net/core/dev.c), no number
_IPV4_BROADCAST = IPv4Address("255.255.255.255")


def _mapped(address: IPAddress) -> bool:
    return isinstance(address, IPv6Address) and address.ipv4_mapped is not None


def _without_zone(address: IPAddress) -> bool:
    return needs_zone(address) and zone(address) is None


def _with_needless_zone(address: IPAddress) -> bool:
    return zone(address) is not None and not needs_zone(address)


def _with_odd_zone(address: IPAddress) -> bool:
    name = zone(address)
    return name is not None and not _INTERFACE.fullmatch(name)


# What no server can be reached at. The first that is true is what the person is told.
_UNUSABLE: tuple[tuple[Callable[[IPAddress], bool], str, str], ...] = (
    (lambda address: address.is_unspecified, "is the unspecified address", _ONE_MACHINE),
    (lambda address: address.is_loopback, "is a loopback address", _ONE_MACHINE),
    (lambda address: address.is_multicast, "is a multicast address", _ONE_MACHINE),
    (lambda address: address == _IPV4_BROADCAST, "is the broadcast address", _ONE_MACHINE),
    (_mapped, "is an IPv4 address in IPv6 form", "Write it as the IPv4 address that it is"),
    (
        _without_zone,
        "is a link-local IPv6 address, which means something on one interface only",
        'Write this machine\'s interface after it, like "fe80::1%eth0", or another address',
    ),
    (
        _with_needless_zone,
        "has a zone (the part from %)",
        "Leave out the % and what follows it",
    ),
    (
        _with_odd_zone,
        "has a zone (the part from %) that is no interface's name",
        "Write the interface's name after the %, not its number",
    ),
)


def accepts(text: str) -> bool:
    """Whether it is written like an address, right or wrong: digits and dots, or with a colon."""
    return _LIKE_AN_ADDRESS.fullmatch(text) is not None


def problem(text: str) -> tuple[str, str] | None:
    """What is wrong with it and what to do; None where a server can have this address."""
    return _read(text)[1]


def lookup(text: str) -> IPAddress | None:
    """The address itself, always known; None where it isn't one that a server can have."""
    return _read(text)[0]


def key(text: str) -> IPAddress | None:
    """What it is compared by: the address, however it is written."""
    return lookup(text)


def families(text: str) -> frozenset[int]:
    """The one IP version that it is of."""
    address = lookup(text)
    return NONE if address is None else FAMILIES[address.version]


@lru_cache(CACHED)
def _read(text: str) -> tuple[IPAddress | None, tuple[str, str] | None]:
    """The address, or what is wrong: all that is asked of a text is known once it was read."""
    try:
        address = parsed(text)
    except ValueError:
        return None, _malformed(text)
    wrong = next(((what, cure) for test, what, cure in _UNUSABLE if test(address)), None)
    return (None, wrong) if wrong else (address, None)


def _malformed(text: str) -> tuple[str, str]:
    if "/" in text:
        return ("has a prefix length", "Write the address alone, without / and what follows it")
    if re.fullmatch(r"[0-9.]+:[0-9]+|\[.*\](:[0-9]+)?", text):
        return ("has a port or brackets", "Write the address alone; the port is the overlay's")
    return ("is not an IP address", EXAMPLE)
