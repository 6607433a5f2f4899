"""When what is kept went away, and came back as it must be, as the kernel tells it."""

from collections.abc import Mapping
from ipaddress import ip_address

from bench.place import MESH, OVERLAY, SHARED, address, name
from tests.lab import Moments
from vxland.identity import IPV4, pair_device, shared_device
from vxland.kernel.directory import Directory
from vxland.kernel.fdb import AF_BRIDGE, NDMSG, destination
from vxland.kernel.links import Indexed
from vxland.kernel.messages import MESSAGES
from vxland.kernel.wire import HEADER
from vxland.observed import NULL_MAC, FdbEntry
from vxland.operations import DeleteLink, RemoveFdb

RTMGRP_NEIGH = 4
RTM_NEWNEIGH = 28
SHARED_DEVICE = shared_device(OVERLAY, IPV4)


class Ports(Moments):
    """Tunnels: one is back when it is up and running, in a bridge, and isolated there."""

    def _is_back(self, seen: Indexed) -> bool:
        return seen.link.up and seen.link.running and seen.link.isolated and seen.master != 0


class Entries(Moments):
    """Entries of flood lists, by the address that they lead to."""

    group = RTMGRP_NEIGH

    def _read(self, kind: int, message: bytes) -> tuple[str, bool] | None:
        if NDMSG.unpack_from(message, HEADER.size)[0] != AF_BRIDGE:
            return None  # a neighbour of the underlay's: an address that somebody sent to
        leads_to = destination(message)
        return None if leads_to is None else (str(ip_address(leads_to)), kind == RTM_NEWNEIGH)


MOMENTS: Mapping[str, type[Moments]] = {MESH: Ports, SHARED: Entries}


def kept(mode: str, number: int) -> str:
    """What there is for a peer, by the name that it has in these moments."""
    return pair_device(OVERLAY, name(number)) if mode == MESH else address(number)


def deletion(mode: str, number: int, directory: Directory) -> bytes:
    """The message that takes it away. ``directory`` has the shared device's number."""
    if mode == MESH:
        return MESSAGES[DeleteLink](DeleteLink(OVERLAY, kept(mode, number)), directory)
    entry = FdbEntry(NULL_MAC, ip_address(address(number)))
    return MESSAGES[RemoveFdb](RemoveFdb(OVERLAY, SHARED_DEVICE, entry), directory)


def outage(moments: Moments, thing: str) -> float:
    """For how many seconds it was gone, once it is back."""
    moments.until(
        lambda: thing in moments.gone and moments.outage(thing) is not None, f"{thing} is back"
    )
    return moments.back[thing] - moments.gone[thing]
