"""What a plan says of devices that aren't taken over, or could be."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from shlex import quote

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
    name = miss.link.name
    remove = f"remove it: ip link del {quote(name)}"
    cure = f"Change it or the file, or {remove}"
    if miss.awaited:
        cure = "Nothing, if the address still comes"
    elif not miss.peer:
        cure = (
            "Add its peer to the file; or, if it can't loop, allow it:"
            f' allow_tunnel_ports = ["{name}"] in overlay {overlay.name}; or {remove}'
        )
    return Problem(
        kind,
        f"{name} isn't taken over: {miss.reason}{rest}",
        cure,
        overlay=overlay.name,
        peer=miss.peer,
        device=name,
    )


def reworded(
    problems: Iterable[Problem],
    refused: Iterable[Problem],
    offered: Collection[str],
    blocked: Collection[str],
) -> Iterator[Problem]:
    """The problems, where something else is to be said of a device; then what is left to say.

    What is ``offered`` would be taken over if that were asked for. In overlays that are ``blocked``
    nothing is a hazard but what blocks them.
    """
    rest = {(problem.device, problem.kind): problem for problem in refused}
    said = set()
    for problem in problems:
        key = (problem.device, problem.kind)
        if key in rest:
            if key not in said:
                yield rest[key]
            said.add(key)
        elif problem.kind is Kind.HAZARD and problem.overlay in blocked:
            continue
        elif problem.device in offered and problem.kind in (Kind.CONFLICT, Kind.HAZARD):
            yield replace(problem, cure=f"{OFFER}. {problem.cure}")
        else:
            yield problem
    yield from (problem for key, problem in rest.items() if key not in said)
