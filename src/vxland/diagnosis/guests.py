"""Virtual machines: their own MTU can't be seen from here, whatever their port's is."""

from collections.abc import Iterator

from vxland.diagnosis.facts import Facts
from vxland.diagnosis.finding import Finding, State
from vxland.hints.guests import guests_of
from vxland.listing import some

NAMED = 3
TAP = "tun"  # the kernel's name of the kind


def guests(facts: Facts) -> Iterator[Finding]:
    """One for each overlay that has any; a port that is too large is a hint of its own."""
    for overlay in facts.status["overlays"]:
        ports = facts.observed.ports(overlay["bridge"])
        taps = sorted(port.name for port in ports if port.kind == TAP)
        if not taps:
            continue
        mtu = overlay["mtu"]
        known = [guests.mtu.format(mtu=mtu) for tap in taps if (guests := guests_of(tap))]
        good = f". For good: {'; '.join(dict.fromkeys(known))}" if known else ""
        yield Finding(
            State.UNKNOWN,
            f"the MTU inside of virtual machines can't be seen ({some(taps, NAMED)}); larger than"
            f" {mtu}, it has their large packets vanish",
            f"In the guest: ip link show; ip link set eth0 mtu {mtu}{good}",
            overlay["name"],
        )
