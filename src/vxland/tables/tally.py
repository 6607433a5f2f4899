"""What peers of a shared VTEP send and get, counted for each: the kernel counts per device only.

An own table of nftables has a counter for each peer's address, VNI and UDP port, and one rule for
each family and direction, whatever the number of peers. It only counts: whether it is there
decides nothing, so no tunnel waits for it.
"""

from collections.abc import Iterable, Iterator
from itertools import chain, repeat

from vxland.addresses import unzoned
from vxland.identity import TALLY_TABLE
from vxland.model import Desired, Tunnel
from vxland.observed import Counted, NftChain, Observed, TallyTable, Unavailable
from vxland.operations import (
    AddCounters,
    ClaimTable,
    MakeTally,
    Operation,
    RemoveCounters,
    RemoveTable,
    WriteTallyRules,
)
from vxland.traffic import Count, Traffic

PRIORITY = 300  # after everybody's filters: what they drop isn't counted
RECEIVED, SENT = "received", "sent"
HOOK_OF = {RECEIVED: "input", SENT: "output"}
FIELDS = {
    (RECEIVED, 4): "ip saddr",
    (SENT, 4): "ip daddr",
    (RECEIVED, 6): "ip6 saddr",
    (SENT, 6): "ip6 daddr",
}
# The VNI stands 12 bytes after the beginning of the UDP header, and has 3 (RFC 7348, section 5).
KEYS = {
    f"{way}{family}": f"{FIELDS[way, family]} . @th,96,24 . udp dport" for way, family in FIELDS
}
SETS = frozenset(KEYS)
# Bytes before the inner packet, of which a device counts none: IP, UDP, VXLAN and Ethernet headers.
OVERHEAD = {4: 50, 6: 70}
CHAINS = tuple(
    NftChain(hook, f"type filter hook {hook} priority {PRIORITY}; policy accept;")
    for hook in HOOK_OF.values()
)
RULES = tuple(sorted(f"{HOOK_OF[name[:-1]]} {key} @{name}" for name, key in KEYS.items()))


def wanted(desired: Desired) -> tuple[Counted, ...]:
    """What there should be counters for."""
    vteps = (vtep for overlay in desired.overlays if overlay.shared for vtep in overlay.vteps)
    alike = (map(Counted, vtep.outer, repeat(vtep.vni), repeat(vtep.port)) for vtep in vteps)
    return tuple(chain.from_iterable(alike))


def shared(desired: Desired) -> Iterator[Tunnel]:
    """The tunnels that have no device of their own."""
    overlays = (overlay for overlay in desired.overlays if overlay.shared)
    return (tunnel for overlay in overlays for tunnel in overlay.tunnels())


def counted(tunnel: Tunnel) -> Counted:
    """What counts for a tunnel of a shared VTEP; in packets addresses have no zone."""
    return Counted(unzoned(tunnel.address), tunnel.vtep.vni, tunnel.vtep.port)


def inner(counted: Counted, received: Count, sent: Count) -> Traffic:
    """Counts as a device would have them: without the outer headers."""
    overhead = OVERHEAD[counted.address.version]
    return Traffic(
        receive_packets=received.packets,
        transmit_packets=sent.packets,
        receive_bytes=max(0, received.bytes - overhead * received.packets),
        transmit_bytes=max(0, sent.bytes - overhead * sent.packets),
    )


def operations(desired: Desired, observed: Observed) -> Iterator[Operation]:
    """What makes the table as it is wanted, or takes it away where nothing is to be counted.

    While some peer's address isn't known, nobody's counters go: they may be that one's.
    """
    state, all_due = observed.tally, wanted(desired)
    if isinstance(state, Unavailable):
        return
    table = state.table
    if table is not None and not is_own(table):
        return
    waiting = any(overlay.waiting for overlay in desired.overlays if overlay.shared)
    if not all_due:
        if table is not None and not waiting:
            yield RemoveTable("", TALLY_TABLE, ())
        return
    if table is None or table.sets != SETS or not state.is_whole(CHAINS):
        yield MakeTally("", TALLY_TABLE, all_due, replaces=table is not None)
        return
    if table.rules != RULES:
        yield WriteTallyRules("", TALLY_TABLE)
    due, standing = frozenset(all_due), (table.received, table.sent)
    if not waiting and any(there - due for there in standing):
        yield RemoveCounters("", TALLY_TABLE, *(_sorted(there - due) for there in standing))
    if any(due - there for there in standing):
        yield AddCounters("", TALLY_TABLE, *(_sorted(due - there) for there in standing))
    if state.is_lost:
        yield ClaimTable("", TALLY_TABLE)


def is_own(table: TallyTable) -> bool:
    """Whether it is vxland's: by a set, or nothing is in it. Somebody may call a firewall so."""
    names = {name.partition(",")[0] for name in table.sets}
    return not SETS.isdisjoint(names) or not (names or table.chains)


def _sorted(counted: Iterable[Counted]) -> tuple[Counted, ...]:
    return tuple(sorted(counted, key=lambda c: (c.vni, c.port, c.address.version, int(c.address))))
