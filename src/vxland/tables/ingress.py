"""Who gets in: a packet with a VNI of an overlay's is taken from the peers it belongs to alone.

VXLAN has no authentication, and the kernel doesn't look where a packet comes from (RFC 7348,
section 7). An own table of nftables does, after everybody's filters and after reassembly: it only
ever drops, since an accept in one chain doesn't end the others. Packets with VNIs that aren't
vxland's pass, but on a port that is for its overlays alone.

The same table keeps tunnels' packets out of connection tracking: a tunnel's source ports are as
many as the flows inside (RFC 7348, section 5), and each would be a connection of its own. What
comes to another address than the tunnel's is tracked: whoever translates it must be able to.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import chain, repeat

from vxland.addresses import IPAddress, unzoned
from vxland.identity import INGRESS_TABLE
from vxland.model import Desired, Vtep
from vxland.observed import (
    Element,
    NftChain,
    Observed,
    Unavailable,
    VxlanState,
)
from vxland.operations import (
    ChangeIngress,
    ClaimTable,
    MakeIngress,
    Operation,
    RemoveTable,
    TrimIngress,
    WriteIngressRules,
)
from vxland.problems import Kind, Problem
from vxland.tables.held import kept, shields

PRIORITY = 200  # after others' filters: what they drop isn't counted here; before what counts peers
RAW = -300  # NF_IP_PRI_RAW: before connection tracking
VNI = "@th,96,24 . udp dport"
# A peer of an overlay with vni = "index" may send with any of its VNIs: so "common" has those, and
# "senders" those peers, where "peers" would need as many elements as the peers' number squared.
KEYS = {
    "peers4": "ip saddr . @th,96,24 . udp dport",
    "peers6": "ip6 saddr . @th,96,24 . udp dport",
    "senders4": "ip saddr . udp dport",
    "senders6": "ip6 saddr . udp dport",
    "ends4": "ip daddr . @th,96,24 . udp dport",
    "ends6": "ip6 daddr . @th,96,24 . udp dport",
    "ways4": "ip daddr . @th,96,24 . udp dport",
    "ways6": "ip6 daddr . @th,96,24 . udp dport",
    "common": VNI,
    "vnis": VNI,
    "exclusive": "udp dport",
    "ports": "udp dport",
}
LISTS = {v: (f"peers{v}", f"senders{v}", f"ends{v}", f"ways{v}") for v in (4, 6)}  # of addresses
COUNTING = ("vnis", "ports")  # what is dropped by them
SETS = frozenset(KEYS)
Dropped = Mapping[Element, int]  # packets, by the elements that dropped them
ORDER = {name: place for place, name in enumerate(KEYS)}
CHAINS = {
    name: NftChain(name, f"type filter hook {name} priority {priority}; policy accept;")
    for name, priority in (("prerouting", RAW), ("output", RAW), ("input", PRIORITY))
}


def _by(*names: str) -> str:
    return " ".join(f"{KEYS[name]} @{name}" for name in names)


NOT_UDP = "meta l4proto != udp accept"
# What peers send has to pass few rules: each costs every frame of a tunnel some 50 ns and a set
# 150 (seen on 6.18). Guests' own frames come by the first chain, too, where br_netfilter is loaded.
RULES = {
    "prerouting": (NOT_UDP, *(f"{_by(ends)} notrack accept" for ends in ("ends4", "ends6"))),
    "output": tuple(f"{_by(ways)} notrack accept" for ways in ("ways4", "ways6")),
    "input": (
        NOT_UDP,
        *(f"{_by(peers)} accept" for peers in ("peers4", "peers6")),
        f"{KEYS['ports']} != @ports accept",
        *(f"{_by('common', senders)} accept" for senders in ("senders4", "senders6")),
        f"{_by('vnis')} drop",
        f"{VNI} != @vnis {KEYS['exclusive']} != @exclusive accept",
        # What has no VNI is no packet of anybody's, or the first fragment of one: IPv6 is
        # reassembled after this hook where nobody tracks connections. And others' VNIs.
        f"{_by('ports')} drop",
        # A later fragment. And a first one that ends within an extension header, of which nothing
        # can be told: Linux puts it together, though RFC 8200 has it discarded (section 4.5).
        "meta l4proto udp accept",
        "meta nfproto ipv6 drop",
    ),
}


def wanted(
    vteps: Iterable[Vtep], known_by: frozenset[IPAddress], exclusive: Collection[int] = ()
) -> tuple[Element, ...]:
    """What there should be in the sets for these; ``known_by``: whom the peers think this is.

    ``exclusive`` are ports that nobody else uses. As they are to be added: whom to take packets
    from before what else is dropped.
    """
    found: dict[str, list[Element]] = {name: [] for name in KEYS}
    ports: set[int] = set()
    for vtep in vteps:
        port, vni, addresses = vtep.port, vtep.vni, vtep.outer
        peers, senders, ends, ways = LISTS[vtep.local.version]
        ports.add(port)
        found[ends].append(Element(ends, port, vni, unzoned(vtep.local)))
        found["vnis"].append(Element("vnis", port, vni))
        if vtep.common:
            found["common"].append(Element("common", port, vni))
            found[senders] += map(Element, repeat(senders), repeat(port), repeat(None), addresses)
        else:
            found[peers] += map(Element, repeat(peers), repeat(port), repeat(vni), addresses)
        if vtep.local in known_by:
            found[ways] += map(Element, repeat(ways), repeat(port), repeat(vni), addresses)
    found["exclusive"] = [Element("exclusive", port) for port in sorted(exclusive)]
    found["ports"] = [Element("ports", port) for port in sorted(ports)]
    return tuple(dict.fromkeys(chain.from_iterable(found.values())))


def operations(
    desired: Desired,
    observed: Observed,
    left: Collection[str] = (),
    still: Collection[str] = (),
) -> Iterator[Operation]:
    """What makes the table as it is wanted, or takes it away where nothing is to be filtered.

    ``left`` are devices that aren't laid out: what isn't vxland's doesn't become filtered.
    ``still`` are those that keep their names or all they have. What may be any of theirs stays
    filtered, and lets in whom it did; of the others nothing waits for them.
    """
    state = observed.ingress
    if isinstance(state, Unavailable):
        return
    overlays = [overlay for overlay in desired.overlays if overlay.filtered]
    vteps = [v for overlay in overlays for v in overlay.vteps if v.device not in left]
    table = state.table
    there = table.elements if table is not None else frozenset[Element]()
    all_due = wanted(vteps, desired.known_by, _exclusive(desired, there, left))
    held = frozenset(kept(there, desired, observed, (left, still)))
    if not vteps and not held:
        if table is not None:
            yield RemoveTable("", INGRESS_TABLE, ())
        return
    if table is None or table.sets != SETS or not state.is_whole(CHAINS.values()):
        elements = in_order(held.union(all_due)) if held else all_due
        yield MakeIngress("", INGRESS_TABLE, elements, replaces=table is not None)
        return
    if table.rules != RULES:
        yield WriteIngressRules("", INGRESS_TABLE)
    due = frozenset(all_due)
    new, stale = due - there, there - due - held
    shield = [*shields(stale, desired, observed, there | due)]
    stale = stale.difference(one for one, device in shield if device in still)
    late = _released(stale) | stale.intersection(one for one, _ in shield)
    if stale - late or new:
        yield ChangeIngress("", INGRESS_TABLE, in_order(new), in_order(stale - late)[::-1])
    if late:
        yield TrimIngress("", INGRESS_TABLE, in_order(late)[::-1])
    if state.is_lost:
        yield ClaimTable("", INGRESS_TABLE)


def problems(desired: Desired, observed: Observed) -> Iterator[Problem]:
    """One for each overlay that nothing filters though something should. Its tunnels run on."""
    lack = observed.ingress
    if not isinstance(lack, Unavailable):
        return
    for overlay in desired.overlays:
        if overlay.filtered and overlay.vteps:
            yield Problem(
                Kind.GUARD,
                f"strangers' packets can't be kept out of overlay {overlay.name}: {lack.reason}",
                f"{lack.cure}; or let a firewall take its UDP port from the peers alone, and write"
                ' ingress = "off"',
                overlay=overlay.name,
                about="ingress",
            )


def filters(vxlan: VxlanState | None, observed: Observed) -> bool:
    """Whether packets for such a device are dropped but those of peers."""
    state = observed.ingress
    table = None if isinstance(state, Unavailable) else state.table
    if vxlan is None or table is None:
        return False
    return Element("vnis", vxlan.port, vxlan.vni) in table.elements


def by_overlay(desired: Desired, dropped: Dropped | None) -> dict[str, int]:
    """Packets by overlay, of those that are filtered; what has no VNI in it has no overlay.

    Of what couldn't be read nothing is told.
    """
    if dropped is None:
        return {}
    filtered = [overlay for overlay in desired.overlays if overlay.filtered]
    whose: Mapping[tuple[int | None, int], str] = {
        (v.vni, v.port): overlay.name for overlay in filtered for v in overlay.vteps
    }
    counts = dict.fromkeys(("", *(overlay.name for overlay in filtered)), 0)
    for element, packets in dropped.items():
        counts[whose.get((element.vni, element.port), "")] += packets
    return counts


def in_order(elements: Iterable[Element]) -> tuple[Element, ...]:
    """As they are to be added, whatever order they come in."""
    return tuple(sorted(elements, key=_place))


def _place(element: Element) -> tuple[int, int, int, int]:
    return ORDER[element.set], element.vni or 0, element.port, int(element.address or 0)


def _released(stale: frozenset[Element]) -> frozenset[Element]:
    """What ends with VNIs that aren't filtered any more.

    Whatever has one must have gone by then, and until then those who had it stay let in.
    """
    vnis = {(one.vni, one.port) for one in stale if one.set == "vnis"}
    return frozenset(
        one
        for one in stale
        if vnis and one.set != "exclusive" and (one.vni is None or (one.vni, one.port) in vnis)
    )


def _exclusive(
    desired: Desired, there: Collection[Element], left: Collection[str]
) -> frozenset[int]:
    """Ports on which other VNIs are dropped: where one overlay says so, for all that use it.

    Not where one can't be filtered: its packets would be dropped. Nor does a port become so while
    a device on it isn't laid out, which may be somebody else's.
    """
    ports = {
        vtep.port
        for overlay in desired.overlays
        if overlay.exclusive and overlay.filtered
        for vtep in overlay.vteps
    }
    for overlay in desired.overlays:
        for vtep in overlay.vteps:
            is_new = Element("exclusive", vtep.port) not in there
            if not overlay.filtered or (vtep.device in left and is_new):
                ports.discard(vtep.port)
    return frozenset(ports)
