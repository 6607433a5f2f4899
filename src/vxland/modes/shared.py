"""``mode = "shared"``: one VXLAN device for all peers, which floods to a list of them.

One for each address family, since a VXLAN device has one. Peers that list this node by an address
of a family send there, so it listens there even where none of them is reached that way.
"""

from collections.abc import Iterator
from typing import cast

from vxland import identity
from vxland.addresses import IPAddress
from vxland.model import Remote, Vtep
from vxland.modes.seat import Seat


def vteps(seat: Seat) -> tuple[Vtep, ...]:
    """A VTEP for each family that this node or one of its peers has, IPv4 first.

    None while no peer's address is known: what there is, is as it was when some were.
    """
    return tuple(_vteps(seat)) if seat.remotes else ()


def _vteps(seat: Seat) -> Iterator[Vtep]:
    overlay = seat.overlay
    for family, peer in identity.SHARED.items():
        remotes = tuple(
            [
                Remote(name, address)
                for name, address in seat.remotes.items()
                if address.version == family
            ]
        )
        local = _local(seat, family, remotes)
        if local is not None:
            yield Vtep(
                overlay=overlay.name,
                peer=peer,
                device=identity.shared_device(overlay.name, family),
                altname=identity.vtep_altname(overlay.name, peer),
                alias=identity.vtep_alias(overlay.name, peer),
                mac=identity.mac(seat.node, overlay.name, peer),
                vni=cast("int", overlay.vni),  # the configuration's rules see to that
                port=overlay.port,
                local=local,
                remotes=remotes,
                mtu=seat.mtu,
                options=overlay.options,
            )


def _local(seat: Seat, family: int, remotes: tuple[Remote, ...]) -> IPAddress | None:
    """What leads to the first peer there; without any the address that others have of this node."""
    if remotes:
        return seat.locals[remotes[0].peer]
    return seat.own if seat.own is not None and seat.own.version == family else None
