"""What of a device the kernel doesn't change in place (vxlan_changelink): it is made anew."""

from collections.abc import Iterator

from vxland.model import Vtep
from vxland.observed import Host, Link, VxlanState
from vxland.underlay.mtu import OVERHEAD


def needs_recreation(vtep: Vtep, link: Link, host: Host) -> bool:
    """Whether something differs that can't be changed in place."""
    return link.vxlan is None or any(unchangeable(vtep, link.vxlan, host))


def unchangeable(vtep: Vtep, state: VxlanState, host: Host) -> Iterator[str]:
    """What differs so, in words."""
    if state.vni != vtep.vni:
        yield f"its VNI is {state.vni}, not {vtep.vni}"
    if state.port != vtep.port:
        yield f"its port is {state.port}, not {vtep.port}"
    if state.family != vtep.local.version:
        yield f"it is for IPv{state.family}, not IPv{vtep.local.version}"
    yield from _binding(vtep, state, host)
    if not state.plain:
        yield "it has a flag that vxland's have not (external, gbp, gpe, proxy, rsc, vnifilter)"
    if state.zero_csum6:
        yield "it does without UDP checksums over IPv6"
    if state.options.udp_csum != vtep.options.udp_csum:
        yield f"its udp_csum is {str(state.options.udp_csum).lower()}"
    if state.options.ttl_inherit != vtep.options.ttl_inherit:
        yield f'its ttl is {"" if state.options.ttl_inherit else "not "}"inherit"'


def _binding(vtep: Vtep, state: VxlanState, host: Host) -> Iterator[str]:
    """A device made with ``dev`` may keep it while frames would go there anyway, and fit."""
    if state.underlay == vtep.underlay:
        return
    if vtep.underlay is not None or state.underlay is None:  # of these two never both
        yield f"it is bound to {state.underlay or 'no device'}, not {vtep.underlay}"
        return
    for remote in vtep.remotes:
        route = host.routes.get(remote.address)
        if route is not None and route.device != state.underlay:
            yield (
                f"it is bound to {state.underlay}, and {remote.address} is reached through"
                f" {route.device}"
            )
            return
    largest = host.mtus.get(state.underlay)
    if largest is None:
        return
    most = largest - OVERHEAD[vtep.local.version]
    if vtep.mtu > most:  # vxlan_change_mtu refuses that
        yield (
            f"it is bound to {state.underlay}, so its MTU can't be more than {most}, and the"
            f" overlay's is {vtep.mtu}"
        )
