"""A VTEP's forwarding entries: the flood list exactly, nothing static, and what was learned.

What was learned from an address goes with that address's flood entry. From any other it stays: a
peer behind NAT, or with several addresses, sends from one that isn't in the list, and what isn't
heard of any more ages out by itself.
"""

from collections.abc import Iterator

from vxland.model import Vtep
from vxland.observed import FdbEntry, VxlanState
from vxland.operations import AppendFlood, Operation, RemoveFdb


def plan_forwarding(
    vtep: Vtep, state: VxlanState, entries: frozenset[FdbEntry], *, complete: bool
) -> Iterator[Operation]:
    """What makes the entries those wanted; peers that stay don't notice.

    Where the list isn't ``complete``, since some peer's address isn't known, a flood entry that
    nobody else explains may be that peer's, and stays.
    """
    wanted = vtep.flood
    plain = sorted(filter(_is_plain_flood, entries), key=lambda entry: entry.bound)
    listed = {entry.destination: entry for entry in plain}  # of two alike one, the kernel's own
    present = set(listed)
    if vtep.remote is None and state.remote is not None:
        present.discard(state.remote)  # the kernel takes it along with the remote
    for destination in sorted(wanted - present, key=int):
        yield AppendFlood(vtep.overlay, vtep.device, destination)
    leaving = listed.keys() - wanted if complete else set()
    learning = vtep.options.learning

    def stays(entry: FdbEntry) -> bool:
        if entry.static or entry.floods:
            return listed.get(entry.destination) is entry and entry.destination not in leaving
        return learning and entry.destination not in leaving

    unwanted = [entry for entry in entries if not stays(entry)]
    # What was learned first: cut off in between, the next plan finds the address leaving still.
    for entry in sorted(unwanted, key=lambda entry: (entry.floods, str(entry))):
        yield RemoveFdb(vtep.overlay, vtep.device, entry)


def _is_plain_flood(entry: FdbEntry) -> bool:
    bound = entry.via is not None and not entry.bound
    return entry.floods and (entry.port, entry.vni) == (None, None) and not bound
