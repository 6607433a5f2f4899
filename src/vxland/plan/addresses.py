"""vxland's addresses on a bridge, beside others'.

Taking away the first IPv4 address of a network takes the others of that network with it, unless
the device promotes secondaries (net/ipv4/devinet.c, inet_del_ifa). So vxland's stays where somebody
else's would go, and its own are added again.
"""

from collections.abc import Collection, Iterator
from ipaddress import IPv4Interface

from vxland.addresses import IPInterface
from vxland.observed import BridgeAddress
from vxland.operations import RemoveAddress
from vxland.problems import Kind, Problem

Addresses = Collection[BridgeAddress]


def removals(
    overlay: str, device: str, present: Addresses, wanted: Collection[IPInterface]
) -> Iterator[RemoveAddress]:
    """Take vxland's addresses off that aren't wanted and take nobody else's along."""
    for address in _unwanted(present, wanted):
        if not _dependent(address, present):
            yield RemoveAddress(overlay, device, address.interface)


def kept(
    overlay: str, device: str, present: Addresses, wanted: Collection[IPInterface]
) -> Iterator[Problem]:
    """What stays although it isn't wanted, and why."""
    for address in _unwanted(present, wanted):
        others = _dependent(address, present)
        if others:
            yield Problem(
                Kind.HINT,
                f"address {address.interface} stays on {device}: without it the kernel would remove"
                f" {', '.join(map(str, others))} too",
                f"Remove it when that can be: ip addr del {address.interface} dev {device}",
                overlay=overlay,
                device=device,
            )


def taken_along(interface: IPInterface, leaving: Collection[IPInterface]) -> bool:
    """Whether this address may go with one that is removed."""
    return isinstance(interface, IPv4Interface) and any(
        interface.network == other.network for other in leaving
    )


def _unwanted(present: Addresses, wanted: Collection[IPInterface]) -> list[BridgeAddress]:
    return sorted((a for a in present if a.own and a.interface not in wanted), key=str)


def _dependent(address: BridgeAddress, present: Addresses) -> list[IPInterface]:
    """Others' addresses that may go with this one."""
    others = (a for a in present if not (a.own or address.secondary))
    along = (a for a in others if taken_along(a.interface, [address.interface]))
    return [a.interface for a in sorted(along, key=str)]
