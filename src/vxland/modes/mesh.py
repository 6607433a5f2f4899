"""``mode = "mesh"``: a VXLAN device for each peer, split horizon between them.

With two schemes of VNIs each peer has two devices. Packets of both are taken, and only one of them
is flooded to: the other one is quiet.

What is learned behind a port leaves by it. By pair that is harmless, and spares the node from
flooding while a peer still speaks by index. By index it would go on for ever: two guests that only
talk to each other would keep each other there until the device goes, and then lose what is sent.
So nothing is learned behind a quiet device by index, and once no node speaks so, none sends so.
"""

from dataclasses import replace

from vxland import identity
from vxland.model import Remote, Vtep
from vxland.modes.seat import Seat
from vxland.observed import FLOOD_FLAGS
from vxland.settings import OverlaySettings, VniScheme, VxlanOptions
from vxland.vni import Numbered, numbered

QUIET = {VniScheme.PAIR: FLOOD_FLAGS, VniScheme.INDEX: FLOOD_FLAGS | {"learning"}}


def vteps(seat: Seat) -> tuple[Vtep, ...]:
    """A VTEP for each remote with an address, or two, in the file's order; a quiet one last."""
    overlay = seat.overlay
    return tuple(
        Vtep(
            overlay=overlay.name,
            peer=number.peer,
            device=number.device,
            altname=identity.vtep_altname(
                overlay.name, number.peer, quiet=number.scheme is not overlay.vni
            ),
            alias=identity.vtep_alias(overlay.name, number.peer),
            mac=identity.mac(seat.node, overlay.name, number.peer),
            vni=number.vni,
            port=overlay.port,
            local=seat.locals[number.peer],
            remotes=(Remote(number.peer, seat.remotes[number.peer]),),
            mtu=min(seat.mtu, seat.most.get(number.peer, seat.mtu)),
            options=_options(overlay, number),
            off=_off(overlay, number),
        )
        for number in numbered(overlay, seat.node, seat.order)
        if number.peer in seat.remotes
    )


def _options(overlay: OverlaySettings, number: Numbered) -> VxlanOptions:
    """Of two kinds of devices each learns as it would alone."""
    if overlay.heard is None or number.scheme is None:
        return overlay.options
    return replace(overlay.options, learning=number.scheme.learning)


def _off(overlay: OverlaySettings, number: Numbered) -> frozenset[str]:
    return frozenset() if number.scheme in (overlay.vni, None) else QUIET[number.scheme]
