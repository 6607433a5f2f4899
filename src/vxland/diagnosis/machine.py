"""What this machine says of itself: rights, clock, checksums, what its network cards do."""

from collections.abc import Iterator

from vxland.diagnosis.facts import Facts
from vxland.diagnosis.finding import Finding, State

CLOCKS_DIFFER = 1.0  # seconds: more than a late answer makes of it


def rights(facts: Facts) -> Iterator[Finding]:
    """Whether peers could be examined at all."""
    if facts.denied:
        text = f"neither paths nor tunnels could be tried: {facts.denied}"
        yield Finding(State.UNKNOWN, text, "Run it as root: sudo vxland doctor")


def clock(facts: Facts) -> Iterator[Finding]:
    """Whether this machine and its peers agree about the time; journals are compared by it."""
    peers = {target.ends: target.peer for target in facts.targets}
    ahead = {
        peers[ends]: path.ahead
        for ends, path in facts.paths.items()
        if path.ahead is not None and ends in peers
    }
    off = {peer: by for peer, by in ahead.items() if abs(by) > CLOCKS_DIFFER}
    for peer, by in off.items():
        where = "ahead of" if by > 0 else "behind"
        yield Finding(
            State.WARNING,
            f"its clock is {abs(by):.0f} s {where} this one",
            "On the one that is wrong (see with date -u): timedatectl set-ntp true",
            peer=peer,
        )
    if facts.synchronized:
        yield Finding(State.OK, "the kernel knows it as synchronized")
    elif ahead and not off:
        yield Finding(State.OK, f"the same as that of {len(ahead)} peers, to a second")
    elif facts.synchronized is None:
        yield Finding(State.UNKNOWN, "the kernel doesn't tell whether it is synchronized")
    else:
        text = (
            "nothing synchronizes it, as far as the kernel knows: times in logs can't be compared"
        )
        yield Finding(State.WARNING, text, "timedatectl set-ntp true")


def checksums(facts: Facts) -> Iterator[Finding]:
    """Whether UDP packets came with a wrong checksum while all this was tried."""
    count = facts.checksum_errors
    if not count:
        yield Finding(State.OK, "no UDP packet came with a wrong one meanwhile")
        return
    yield Finding(
        State.WARNING,
        f"{count} UDP packets came with a wrong one meanwhile, and were dropped",
        "A network card, or its driver, at the sender or on the way doesn't finish them. Try at the"
        " sender, on its underlay device: ethtool -K DEVICE tx off",
    )


def cards(facts: Facts) -> Iterator[Finding]:
    """What the network cards do for tunnels, for whoever has to turn it off."""
    for device, features in facts.features.items():
        told = ", ".join(f"{name} {'on' if on else 'off'}" for name, on in features.items())
        yield Finding(State.OK, f"{device}: {told or 'it does nothing for tunnels'}")
