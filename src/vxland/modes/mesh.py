"""``mode = "mesh"``: a VXLAN device for each peer, split horizon between them.

With two schemes of VNIs each peer has two devices. Packets of both are taken, and only one of them
is flooded to: the other one is quiet.

What is learned behind a port leaves by it. By pair that is harmless, and spares the node from
flooding while a peer still speaks by index. By index it would go on for ever: two guests that only
talk to each other would keep each other there until the device goes, and then lose what is sent.
So nothing is learned behind a quiet device by index, and once no node speaks so, none sends so.
"""

from collections.abc import Callable
from functools import lru_cache

from msgspec import Struct
from msgspec.structs import replace

from vxland import identity
from vxland.addresses import IPAddress
from vxland.model import Remote, Vtep
from vxland.modes.seat import Seat
from vxland.observed import FLOOD_FLAGS
from vxland.settings import VniScheme, VxlanOptions
from vxland.vni import Numbered, numbered

QUIET = {VniScheme.PAIR: FLOOD_FLAGS, VniScheme.INDEX: FLOOD_FLAGS | {"learning"}}
REMEMBERED = 4096  # VTEPs of a kind, most of which a change of the file leaves as they are

Making = Callable[[Numbered, IPAddress, IPAddress, int], Vtep]


class _Kind(Struct, frozen=True):
    """What a node's VTEPs of an overlay have in common that are numbered by one scheme."""

    overlay: str
    node: str
    port: int
    options: VxlanOptions
    common: bool
    off: frozenset[str]


def vteps(seat: Seat) -> tuple[Vtep, ...]:
    """A VTEP for each remote with an address, or two, in the file's order; a quiet one last."""
    making: dict[VniScheme | None, Making] = {
        scheme: _making(_kind(seat, scheme)) for scheme in seat.overlay.schemes
    }
    return tuple(
        making[number.scheme](
            number,
            seat.locals[number.peer],
            seat.remotes[number.peer],
            min(seat.mtu, seat.most.get(number.peer, seat.mtu)),
        )
        for number in numbered(seat.overlay, seat.node, seat.order)
        if number.peer in seat.remotes
    )


def _kind(seat: Seat, scheme: VniScheme) -> _Kind:
    overlay, options = seat.overlay, seat.overlay.options
    if overlay.heard is not None:  # of two kinds of devices each learns as it would alone
        options = replace(options, learning=scheme.learning)
    off = frozenset() if scheme is overlay.vni else QUIET[scheme]
    common = scheme is VniScheme.INDEX
    return _Kind(overlay.name, seat.node, overlay.port, options, common, off)


@lru_cache
def _making(kind: _Kind) -> Making:
    """A function that makes VTEPs of a kind; asked the same again, it gives the same object."""

    @lru_cache(REMEMBERED)
    def vtep(number: Numbered, local: IPAddress, remote: IPAddress, mtu: int) -> Vtep:
        return Vtep(
            overlay=kind.overlay,
            peer=number.peer,
            device=number.device,
            altname=identity.vtep_altname(kind.overlay, number.peer, quiet=bool(kind.off)),
            alias=identity.vtep_alias(kind.overlay, number.peer),
            mac=identity.mac(kind.node, kind.overlay, number.peer),
            vni=number.vni,
            port=kind.port,
            local=local,
            remotes=(Remote(number.peer, remote),),
            mtu=mtu,
            options=kind.options,
            common=kind.common,
            off=kind.off,
        )

    return vtep
