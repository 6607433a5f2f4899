"""MAC addresses that are at two places, as with cloned machines: frames go to one of them."""

from collections import defaultdict
from collections.abc import Iterator
from itertools import islice

from vxland.diagnosis.facts import Facts
from vxland.diagnosis.finding import Finding, State
from vxland.identity import INDEX_PREFIX
from vxland.listing import some

MOST, NAMED = 20, 5
ANEW = (
    "Give one of the two another: in a container or VM where it is configured; of a bridge: ip link"
    " set dev BRIDGE address 02:…. Cloned machines need another machine-id first: rm"
    " /etc/machine-id; systemd-machine-id-setup; reboot"
)


def macs(facts: Facts) -> Iterator[Finding]:
    """One for each address.

    The two devices of a shared overlay are one place: peers that know each other by different IP
    versions send over the one and are answered over the other. So are an overlay's devices by
    index: what a peer begins to say comes by its own number, what it answers by ours.
    """
    one = {
        device: t.overlay
        for t in facts.targets
        if t.shared or any(map(_by_index, (t.device, *t.quiet)))
        for device in (t.device, *t.quiet)
    }
    peers = {t.device: t.peer for t in facts.targets if not t.shared}
    peers |= {str(t.ends.remote): t.peer for t in facts.targets if t.shared}
    found = False
    cure = f"Nothing, if it moved just now, as a guest does. {ANEW}"
    clashes = ((mac, places) for mac, places in sorted(facts.seen.items()) if len(places) > 1)
    for mac, places in islice(clashes, MOST):
        for by in sorted({place.by for place in places}):
            at = sorted(place.at for place in places if place.by == by)
            if len({one.get(a, a) for a in at}) > 1:
                found = True
                told = " and ".join(f"{a} (to {peers[a]})" if a in peers else a for a in at)
                text = f"{mac} is at {told} by turns, as {by} sees it"
                yield Finding(State.PROBLEM, text, cure)
    for finding in _answers(facts):
        found = True
        yield finding
    if not found:
        yield Finding(State.OK, "none was seen at two places")


def _by_index(device: str) -> bool:
    return device.startswith(INDEX_PREFIX)


def _answers(facts: Facts) -> Iterator[Finding]:
    """Bridges that answered with the same address as another, or as ours."""
    whose: dict[tuple[str, str], list[str]] = defaultdict(list)
    for target in facts.targets:
        through = facts.through.get(target.key)
        for mac in sorted(through.macs) if through else ():
            if mac == target.mac:
                text = f"{mac} answers there, and is that of bridge {target.bridge} here, too"
                yield Finding(State.PROBLEM, text, ANEW, target.overlay, target.peer)
            whose[target.overlay, mac].append(target.peer)
    for (overlay, mac), peers in whose.items():
        if len(peers) > 1:
            text = f"{mac} answers at {some(peers, NAMED)}"
            yield Finding(State.PROBLEM, text, ANEW, overlay)
