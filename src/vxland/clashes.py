"""Tunnels of this node that can't both be: they would have one VNI, or one device name.

Of this node alone: its tunnels are as many as its peers, and the pairs of a mesh their square.
``vxland check`` looks at every node that the file names (``vxland.config.rules.collisions``).
"""

from collections.abc import Collection, Iterable, Iterator
from itertools import count

from vxland.identity import VNI_LIMIT
from vxland.model import VniKey, Vtep
from vxland.problems import Kind, Problem


def clashes(node: str, vteps: Iterable[Vtep]) -> Iterator[Problem]:
    """A problem for each that meets one before it."""
    vteps = tuple(vteps)
    used = {vtep.vni for vtep in vteps}
    if len(used) == len({vtep.device for vtep in vteps}) == len(vteps):  # as nearly everywhere
        return
    keyed = [(vtep.vni_key, vtep) for vtep in vteps]
    keys: dict[VniKey, Vtep] = {}
    names: dict[str, Vtep] = {}
    # Those on any interface come first: they meet all that have one of their own.
    for key, vtep in sorted(keyed, key=lambda each: each[0].zone is not None):
        other = keys.get(key.everywhere) or keys.setdefault(key, vtep)
        if other is not vtep:
            yield _problem(
                node,
                (other, vtep),
                f"the same VNI {vtep.vni}",
                _line(node, vtep, used),
            )
        other = names.setdefault(vtep.device, vtep)
        if other is not vtep:
            yield _problem(
                node,
                (other, vtep),
                f'the same device name "{vtep.device}"',
                "Rename one of the peers, or one of the overlays where there are two",
            )


def _line(node: str, vtep: Vtep, used: Collection[int]) -> str:
    """What gives it another VNI, that no tunnel of this node has."""
    others = ((vtep.vni + step) % VNI_LIMIT for step in count(1))
    free = next(vni for vni in others if vni and vni not in used)
    line = (
        f"vni = {free}"
        if vtep.shared
        else f'[overlay.vnis] "{" ".join(sorted((node, vtep.peer)))}" = {free}'
    )
    return (
        f'Write in overlay "{vtep.overlay}" on every server: {line};'
        " vxland check looks at all of them"
    )


def _problem(node: str, both: tuple[Vtep, Vtep], what: str, cure: str) -> Problem:
    one, other = (_owner(node, vtep) for vtep in both)
    return Problem(
        Kind.CONFLICT, f"{one} and {other} have {what} on {node}", cure, overlay=both[1].overlay
    )


def _owner(node: str, vtep: Vtep) -> str:
    overlay = f'overlay "{vtep.overlay}"'
    return overlay if vtep.shared else f'pair "{" ".join(sorted((node, vtep.peer)))}" of {overlay}'
