"""What a plan says of devices that aren't taken over, or could be."""

from collections.abc import Collection, Iterable, Iterator
from shlex import quote

from msgspec.structs import replace

from vxland.identity import INDEX_PREFIX
from vxland.model import Overlay
from vxland.plan.adoption.tunnels import Found, Mismatch
from vxland.problems import Kind, Problem

OFFER = "Take it over: vxland plan --adopt shows how"


def refusals(overlay: Overlay, found: Found) -> Iterator[Problem]:
    """Why something that comes near isn't taken over."""
    for miss in found.near:
        yield _refusal(overlay, miss, Kind.CONFLICT, "")
    for miss in found.in_the_way:
        bridge = overlay.bridge.device
        rest = f"; so nothing in bridge {bridge} is, and all there stays as it is"
        yield _refusal(overlay, miss, Kind.HAZARD, rest)


def _refusal(overlay: Overlay, miss: Mismatch, kind: Kind, rest: str) -> Problem:
    return Problem(
        kind,
        f"{miss.link.name} isn't taken over: {miss.reason}{rest}",
        _cure(overlay, miss),
        overlay=overlay.name,
        peer=miss.peer,
        device=miss.link.name,
    )


def _cure(overlay: Overlay, miss: Mismatch) -> str:
    name = miss.link.name
    remove = f"remove it: ip link del {quote(name)}"
    if miss.awaited:
        return "Nothing, if the address still comes"
    if not miss.peer:
        return (
            "Add its peer to the file; or, if it can't loop, allow it:"
            f' allow_tunnel_ports = ["{name}"] in overlay {overlay.name}; or {remove}'
        )
    if _is_out_of_order(overlay, miss):
        return (
            "VNIs by index are places in a server's own list: give this one a file with its own"
            f" order of [[peer]]s (vxland import-script makes it); or {remove}"
        )
    return f"Change it or the file, or {remove}"


def _is_out_of_order(overlay: Overlay, miss: Mismatch) -> bool:
    """Whether it leads to another peer of the list than the one whose place its VNI is."""
    remote = miss.link.vxlan.remote if miss.link.vxlan else None
    return remote is not None and any(
        vtep.remote == remote and vtep.peer != miss.peer
        for vtep in overlay.vteps
        if vtep.device.startswith(INDEX_PREFIX)
    )


def offers(overlay: Overlay, found: Found) -> Iterator[Problem]:
    """What holds the VNI of a VTEP, where nothing is to be taken over: could it be, or why not."""
    for match in found.matches:
        name, vtep = match.link.name, match.vtep
        wanted = (
            f"the tunnels of overlay {vtep.overlay}"
            if vtep.shared
            else f"the tunnel to {vtep.peer}"
        )
        yield Problem(
            Kind.CONFLICT,
            f"{name} is as {wanted} should be, but isn't vxland's, and stays as it is",
            f"{OFFER}. Or remove it: ip link del {quote(name)}",
            overlay=overlay.name,
            peer=vtep.peer,
            device=name,
        )
    keys = {vtep.vni_key for vtep in overlay.vteps}
    for miss in found.in_the_way:
        if miss.link.vxlan is not None and miss.link.vxlan.key in keys:
            yield Problem(
                Kind.CONFLICT,
                f"{miss.link.name} isn't vxland's, and stays as it is: {miss.reason}",
                _cure(overlay, miss),
                overlay=overlay.name,
                peer=miss.peer,
                device=miss.link.name,
            )


def _sharpened(offer: Problem, kind: Kind) -> Problem:
    """As the first that a plan has to say of the device: a hazard, where it is one."""
    if kind is not Kind.HAZARD:
        return offer
    rest = "; frames could loop, so vxland's own ports in its bridge are down meanwhile"
    return replace(offer, kind=kind, text=offer.text + rest)


def reworded(
    problems: Iterable[Problem],
    refused: Iterable[Problem],
    offered: Iterable[Problem],
    blocked: Collection[str],
) -> Iterator[Problem]:
    """The problems, where something else is to be said of a device; then what is left to say.

    What is said of ``offered`` devices is said once, whatever each of them holds; of another
    overlay, whose name one has, it isn't. In overlays that are ``blocked`` nothing is a hazard but
    what blocks them.
    """
    rest = {(problem.overlay, problem.device, problem.kind): problem for problem in refused}
    offer_of = {(problem.overlay, problem.device): problem for problem in offered}
    said: set[tuple[str, str, Kind | None]] = set()
    for problem in problems:
        place = problem.overlay, problem.device
        key = (*place, problem.kind)
        if key in rest:
            if key not in said:
                yield rest[key]
            said.add(key)
        elif problem.kind is Kind.HAZARD and problem.overlay in blocked:
            continue
        elif place in offer_of and problem.kind in (Kind.CONFLICT, Kind.HAZARD):
            if (*place, None) not in said:
                yield _sharpened(offer_of[place], problem.kind)
            said.add((*place, None))
        else:
            yield problem
    yield from (problem for key, problem in rest.items() if key not in said)
