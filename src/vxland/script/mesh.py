"""The scripts of a mesh's servers taken together: one configuration, or why there is none."""

from collections.abc import Iterator, Sequence

from msgspec import Struct

from vxland.script.faults import Fault, NotImportable
from vxland.script.order import agreeing, common
from vxland.script.setup import Setup

SHOWN = 5  # differences of one list that are named

_ALONE = "or import each server's script by itself, for a file of its own"


class Mesh(Struct, frozen=True):
    """Servers whose scripts agree."""

    setups: tuple[Setup, ...]
    addresses: tuple[str, ...]  # of all servers, in the order that all lists have


def mesh(setups: Sequence[Setup]) -> Mesh:
    """Put the scripts together. Raises NotImportable with all that they disagree about."""
    faults = [*_same_server(setups)]
    if not faults:
        faults = [*_different(setups), *_strangers(setups), *_missing(setups), *_orders(setups)]
    # Before the others, where the order leaves it open.
    first = [[one.local] for one in setups[:1]]
    order = common([*first, *(one.remotes for one in setups)])
    if faults or order is None:
        raise NotImportable(faults)
    return Mesh(tuple(setups), order)


def _same_server(setups: Sequence[Setup]) -> Iterator[Fault]:
    seen: dict[str, Setup] = {}
    for one in setups:
        other = seen.setdefault(one.local, one)
        if other is not one:
            yield Fault(
                one.file,
                one.lines["LOCALIP"],
                f"LOCALIP is {one.local}, as in {_place(other, 'LOCALIP')}",
                "Give one script for each server",
            )


def _place(one: Setup, name: str) -> str:
    return f"{one.file}:{one.lines[name]}"


def _different(setups: Sequence[Setup]) -> Iterator[Fault]:
    """What is one value in the file, and can't be another on each server."""
    first, *others = setups
    for one in others:
        for name, mine, theirs in (
            ("BRIDGE_DEV", one.bridge, first.bridge),
            ("PORT", str(one.port), str(first.port)),
        ):
            if mine != theirs:
                what = f"{name} is {mine}, and {theirs} in {_place(first, name)}"
                yield Fault(one.file, one.lines[name], what, f"Make them the same, {_ALONE}")


def _known(setups: Sequence[Setup], one: Setup) -> bool:
    return len(setups) == 1 or any(one.local in other.remotes for other in setups)


def _strangers(setups: Sequence[Setup]) -> Iterator[Fault]:
    for one in setups:
        if not _known(setups, one):
            yield Fault(
                one.file,
                one.lines["LOCALIP"],
                f"LOCALIP {one.local} is in no other server's REMOTEIPS",
                "Add it there. If they know it by another address (NAT) or by name, write that as"
                f" LOCALIP in a copy, and address in [node] on the server, {_ALONE}",
            )


def _missing(setups: Sequence[Setup]) -> Iterator[Fault]:
    """Servers that one knows and another doesn't."""
    listed_by: dict[str, Setup] = {}
    for one in setups:
        for address in one.remotes:
            listed_by.setdefault(address, one)
    own = {one.local: one for one in setups}
    for one in setups:
        for address in sorted({*listed_by, *own} - {one.local, *one.remotes}):
            if address in own and not _known(setups, own[address]):
                continue  # said of that server
            if address in own:
                why = f"{own[address].file}'s server"
            else:
                why = f"which {_place(listed_by[address], 'REMOTEIPS')} has"
            yield Fault(
                one.file,
                one.lines["REMOTEIPS"],
                f"REMOTEIPS lacks {address}, {why}",
                f"Add it where the other lists have it, {_ALONE}",
            )


def _orders(setups: Sequence[Setup]) -> Iterator[Fault]:
    """Lists whose order isn't that of the others."""
    lists = [one.remotes for one in setups]
    if common(lists) is not None:
        return
    agreed = agreeing(lists)
    order = common([lists[number] for number in sorted(agreed)]) or ()
    those = ", ".join(setups[number].file for number in sorted(agreed)[:SHOWN])
    for number, one in enumerate(setups):
        if number in agreed:
            continue
        known = set(one.remotes)
        expected = [address for address in order if address in known]
        mine = [address for address in one.remotes if address in set(order)]
        pairs = zip(mine, expected, strict=True)
        differing = [
            f"{one.remotes.index(has)} is {has}, there {other}"
            for has, other in pairs
            if has != other
        ]
        shown = differing[:SHOWN]
        if len(differing) > SHOWN:
            shown.append(f"and {len(differing) - SHOWN} more")
        yield Fault(
            one.file,
            one.lines["REMOTEIPS"],
            f"REMOTEIPS has another order than {those}: {'; '.join(shown)}",
            "One file has one order, in which each server leaves out itself: put them in the"
            f" same, {_ALONE}",
        )
