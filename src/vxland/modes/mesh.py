"""``mode = "mesh"``: a VXLAN device for each peer, split horizon between them."""

from vxland import identity
from vxland.model import Remote, Vtep
from vxland.modes.seat import Seat
from vxland.vni import numbered


def vteps(seat: Seat) -> tuple[Vtep, ...]:
    """One VTEP for each remote that has an address, in the file's order."""
    overlay = seat.overlay
    return tuple(
        Vtep(
            overlay=overlay.name,
            peer=number.peer,
            device=number.device,
            altname=identity.vtep_altname(overlay.name, number.peer),
            alias=identity.vtep_alias(overlay.name, number.peer),
            mac=identity.mac(seat.node, overlay.name, number.peer),
            vni=number.vni,
            port=overlay.port,
            local=seat.locals[number.peer],
            remotes=(Remote(number.peer, seat.remotes[number.peer]),),
            mtu=min(seat.mtu, seat.most.get(number.peer, seat.mtu)),
            options=overlay.options,
        )
        for number in numbered(overlay, seat.node, seat.order)
        if number.peer in seat.remotes
    )
