"""Whether a node is what it should be, found out without the planner."""

from collections.abc import Iterable, Iterator, Mapping

from tests.core.gate import misjudged
from vxland.identity import ALTNAME_MARK, CHAIN
from vxland.model import Desired, Overlay, Vtep
from vxland.observed import (
    BridgeAddress,
    EbtablesState,
    FdbEntry,
    Link,
    Observed,
    Owner,
    TableState,
)
from vxland.ownership import is_own, keepsake, kept_mac, mark
from vxland.plan import Memory
from vxland.problems import Kind, Problem

HOOK = "type filter hook forward priority"
BLOCKING = (Kind.GUARD, Kind.REFUSED)


def untruths(
    observed: Observed, desired: Desired, problems: tuple[Problem, ...], memory: Memory
) -> list[str]:
    """What isn't as desired, apart from what a problem says can't be."""
    judge = _Judge(observed, desired, problems, memory)
    things = (judge.overlays, judge.leftovers, judge.chain, judge.table, judge.ingress)
    return [*judge.false_conflicts(), *(untruth for thing in things for untruth in thing())]


class _Judge:
    def __init__(
        self,
        observed: Observed,
        desired: Desired,
        problems: tuple[Problem, ...],
        memory: Memory,
    ) -> None:
        self.observed = observed
        self.desired = desired
        self.problems = problems
        self.memory = memory
        stuck = (Kind.CONFLICT, Kind.WAITING)
        others = {name for name, link in observed.links.items() if link.kind != "bridge"}
        self.excused = {
            problem.overlay
            for problem in problems
            if (problem.kind in BLOCKING and not problem.peer)
            or (problem.kind is Kind.CONFLICT and not problem.peer)
            or (problem.kind is Kind.WAITING and not problem.peer and problem.device in others)
        }
        self.conflicts = {(p.overlay, p.peer) for p in problems if p.kind in stuck}
        own = {link.name for link in observed.links.values() if is_own(link)}
        self.hazardous = {p.device for p in problems if p.kind is Kind.HAZARD} | {
            link.name
            for link in observed.links.values()
            if link.is_tunnel and (link.master is None or link.master in own)
        }
        self.hazards = {p.overlay for p in problems if p.kind is Kind.HAZARD}
        begun = {
            whose.overlay
            for link in observed.links.values()
            if link.kind != "bridge" and (whose := mark(link)) is not None
        }
        # Where something is in the way of what would be taken over, nothing is done at all.
        self.blocked = {
            overlay.name
            for overlay in desired.overlays
            if overlay.adopt and overlay.name in self.hazards - begun
        }
        self.excused |= self.blocked
        bridges = {o.bridge.device: o.allow_tunnel_ports for o in desired.overlays}
        self.hazardous |= {  # they match, and are no hazard only because they are guarded
            link.name
            for link in observed.links.values()
            if link.is_tunnel and link.name not in bridges.get(str(link.master), {link.name})
        }
        self.waiting = {(p.overlay, p.peer) for p in problems if p.kind is Kind.WAITING}

    def false_conflicts(self) -> Iterator[str]:
        """A conflict or a hazard is about something that is there and is somebody else's."""
        for problem in self.problems:
            if problem.kind in (Kind.CONFLICT, Kind.HAZARD):
                link = self.observed.links.get(problem.device)
                if link is None or is_own(link):
                    yield f"not in the way: {problem}"

    def overlays(self) -> Iterator[str]:
        """Bridges and tunnels."""
        for overlay in self.desired.overlays:
            if overlay.name in self.excused:
                continue
            yield from self._bridge(overlay)
            for vtep in overlay.vteps:
                if (overlay.name, vtep.peer) not in self.conflicts:
                    yield from self._vtep(overlay, vtep)

    def _bridge(self, overlay: Overlay) -> Iterator[str]:
        bridge = overlay.bridge
        link = self.observed.links.get(bridge.device)
        if link is None or link.kind != "bridge":
            yield f"no bridge {bridge.device}"
            return
        addresses = self.observed.addresses[bridge.device]
        possible = {a for a in bridge.addresses if has_ipv6(link) or a.version == 4}
        if not possible <= {address.interface for address in addresses}:
            yield f"{bridge.device} lacks addresses"
        if any(a.interface not in bridge.addresses for a in removable(addresses)):
            yield f"{bridge.device} has an address that is wanted no more"
        if is_own(link):
            mac = kept_mac(link, bridge.altname) or bridge.mac
            wanted = (bridge.alias, mac, bridge.mtu, True)
            yield from _differ(bridge.device, wanted, (link.alias, link.mac, link.mtu, link.up))
            yield from self._marked(link, bridge.altname)

    def _vtep(self, overlay: Overlay, vtep: Vtep) -> Iterator[str]:
        link = self.observed.links.get(vtep.device)
        if link is None or link.vxlan is None:
            yield f"no tunnel {vtep.device}"
            return
        state = link.vxlan
        bridge = self.observed.links.get(overlay.bridge.device)
        lends = bridge is not None and not is_own(bridge) and bridge.mac == link.mac < "fe"
        closed = overlay.name in self.hazards or vtep.device in self.memory.grounded
        closed = closed or not (overlay.guards or vtep is overlay.vteps[0])
        wanted = {
            "alias": vtep.alias,
            "mac": link.mac if lends else vtep.mac,
            "mtu": vtep.mtu,
            "vni": vtep.vni,
            "port": vtep.port,
            "local": vtep.local,
            "remote": vtep.remote,
            "options": vtep.options,
            "master": overlay.bridge.device,
            "isolated": "isolated" in overlay.guards,
            "odd_flags": vtep.off,
            "link_local": False,
            "up": not closed,
            "plain": True,
        }
        actual: Mapping[str, object] = {
            "alias": link.alias,
            "mac": link.mac,
            "mtu": link.mtu,
            "vni": state.vni,
            "port": state.port,
            "local": state.local,
            "remote": state.remote,
            "options": state.options,
            "master": link.master,
            "isolated": link.isolated,
            "odd_flags": link.odd_flags,
            "link_local": link.link_local,
            "up": link.up,
            "plain": state.plain,
        }
        yield from _differ(vtep.device, wanted, actual)
        yield from self._marked(link, vtep.altname)
        entries = self.observed.fdb.get(vtep.device, frozenset())
        yield from self._fdb(overlay, vtep, entries)

    def _fdb(self, overlay: Overlay, vtep: Vtep, entries: frozenset[FdbEntry]) -> Iterator[str]:
        learnt = {e for e in entries if vtep.options.learning and not e.static}
        flood = {entry.destination for entry in entries - learnt if entry.floods}
        if vtep.shared and overlay.unknown:  # others may be those of peers that aren't known
            flood &= vtep.flood
        yield from _differ(f"flood list of {vtep.device}", vtep.flood, flood)
        if any(not entry.floods for entry in entries - learnt):
            yield f"{vtep.device} has a forwarding entry that isn't learnt"

    def _marked(self, link: Link, altname: str) -> Iterator[str]:
        marks = {name for name in link.altnames if name.startswith(ALTNAME_MARK)}
        marks -= {keepsake(link, altname)}
        elsewhere = any(
            altname in (other.name, *other.altnames)
            for other in self.observed.links.values()
            if other is not link
        )
        if marks != (set() if elsewhere else {altname}):
            yield f"{link.name} has the marks {sorted(marks)}"

    def leftovers(self) -> Iterator[str]:
        """Devices and addresses of vxland's that nobody wants."""
        wanted = {(vtep.overlay, vtep.peer) for vtep in self.desired.vteps()} | self.waiting
        wanted |= {(o.name, peer) for o in self.desired.overlays for peer in ("", *o.unsettled)}
        kept = {p.device for p in self.problems if p.kind is Kind.HINT}
        kept |= {o.bridge.device for o in self.desired.overlays if o.name in self.excused}
        kept |= {
            link.name
            for link in self.observed.links.values()
            if (seen := mark(link)) and seen.overlay in self.excused
        }
        counted: dict[tuple[str, str], int] = {}
        for link in self.observed.links.values():
            seen = mark(link)
            if not is_own(link):
                continue
            key = (seen.overlay, seen.peer) if seen else ("", "")
            counted[key] = counted.get(key, 0) + 1
            if key not in wanted and link.name not in kept:
                yield f"{link.name} is left over"
        bridges = {overlay.bridge.device for overlay in self.desired.overlays}
        for device, addresses in self.observed.addresses.items():
            if any(removable(addresses)) and device not in bridges | kept:
                yield f"addresses of vxland's are left on {device}"

    def chain(self) -> Iterator[str]:
        """The ebtables chain does what it should, and to nobody else."""
        state = self.observed.ebtables
        if not isinstance(state, EbtablesState):
            return
        if self._is_left("ebtables"):
            return
        prefixes = self._prefixes("ebtables")
        jumps = [rule.text for rule in state.forward if rule.text.endswith(f"-j {CHAIN}")]
        if not prefixes:
            if jumps or state.chain is not None:
                yield "the chain is left over"
            return
        due = [f"-i {prefix}+ -o {prefix}+ -j {CHAIN}" for prefix in sorted(prefixes)]
        first = [rule.text for rule in state.forward[: len(due)]]
        if not due == jumps == first or state.policy != "RETURN":
            yield "the chain isn't in force"
        yield from self._separation(prefixes, [rule.text for rule in state.chain or ()])

    def table(self) -> Iterator[str]:
        """The same for nftables' table."""
        state = self.observed.nftables
        if not isinstance(state, TableState):
            return
        if self._is_left("nftables"):
            return
        prefixes = self._prefixes("nftables")
        if not prefixes:
            if state.table is not None:
                yield "the table is left over"
            return
        if state.table is None:
            yield "there is no table"
            return
        hooked = {(chain.name, chain.hook) for chain in state.table.chains}
        if state.table.dormant or hooked != {("forward", f"{HOOK} -210; policy accept;")}:
            yield "the table isn't in force"
        if state.keeps and (state.table.owner, state.table.persistent) != (Owner.SELF, True):
            yield "the table isn't kept"
        yield from self._separation(
            prefixes,
            [
                text.replace("iifname", "-i").replace("oifname", "-o").replace("*", "+")
                for text in (rule.text.replace('"', "") for rule in state.table.rules)
            ],
        )

    def ingress(self) -> Iterator[str]:
        """Peers get in, and nobody else."""
        stuck = {overlay for overlay, _ in self.conflicts}
        return misjudged(self.observed, self.desired, self.excused | stuck)

    def _is_left(self, guard: str) -> bool:
        return any(o.name in self.blocked and guard in o.guards for o in self.desired.overlays)

    def _prefixes(self, guard: str) -> set[str]:
        return {o.prefix for o in self.desired.overlays if guard in o.guards}

    def _separation(self, prefixes: set[str], rules: list[str]) -> Iterator[str]:
        for prefix in prefixes:
            own, other = f"{prefix}own", f"{prefix}other"
            if self._verdict(rules, own, other) != "DROP":
                yield f"frames pass between tunnels named {prefix}"
            for link in self.observed.links.values():
                hazard = link.name in self.hazardous
                if link.name.startswith(prefix) and not is_own(link) and not hazard:
                    ways = ((link.name, own), (own, link.name))
                    if any(self._verdict(rules, *way) == "DROP" for way in ways):
                        yield f"frames of {link.name}, which isn't vxland's, are dropped"

    @staticmethod
    def _verdict(rules: list[str], source: str, target: str) -> str:
        for rule in rules:
            *conditions, verdict = rule.split()
            named = dict(zip(conditions[::2], conditions[1::2], strict=False))
            fits = [
                name == pattern or (pattern.endswith("+") and name.startswith(pattern[:-1]))
                for name, pattern in ((source, named.get("-i")), (target, named.get("-o")))
                if pattern
            ]
            if all(fits):
                return verdict.upper()
        return "RETURN"


def has_ipv6(link: Link) -> bool:
    """Whether its MTU leaves it IPv6 (RFC 8200, section 5)."""
    return link.mtu >= 1280


def _differ(what: str, wanted: object, actual: object) -> Iterator[str]:
    if wanted != actual:
        yield f"{what}: {wanted} wanted, {actual} there"


def removable(addresses: Iterable[BridgeAddress]) -> Iterator[BridgeAddress]:
    """Vxland's addresses that take nobody else's IPv4 address of the same network along."""
    others = {a.interface.network for a in addresses if not a.own and a.interface.version == 4}
    return (a for a in addresses if a.own and a.interface.network not in others)
