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
    if not miss.peer:
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
    problems: Iterable[Problem], refused: Iterable[Problem], offered: Collection[str]
) -> Iterator[Problem]:
    """The problems, where something else is to be said of a device; then what is left to say.

    What is ``offered`` would be taken over if that were asked for.
    """
    rest = {problem.device: problem for problem in refused}
    said = set()
    for problem in problems:
        if problem.kind not in (Kind.CONFLICT, Kind.HAZARD):
            yield problem
        elif problem.device in rest:
            if problem.device not in said:
                yield rest[problem.device]
            said.add(problem.device)
        elif problem.device in offered:
            yield replace(problem, cure=f"{OFFER}. {problem.cure}")
        else:
            yield problem
    yield from (problem for device, problem in rest.items() if device not in said)
