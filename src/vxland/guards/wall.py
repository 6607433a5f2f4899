"""What the guards that are rules have in common: they go by the names of ports.

A prefix matches all of vxland's tunnels, so the number of rules doesn't grow with theirs. A port
of somebody else's whose name happens to begin with the prefix is let through before that.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from itertools import takewhile
from typing import Generic, TypeVar

from msgspec import Struct

from vxland.guards.port import Port
from vxland.model import Overlay
from vxland.observed import Link, Observed, PortRule, Unavailable
from vxland.operations import Guarding, Operation
from vxland.ownership import is_own, own_links
from vxland.problems import Kind, Problem

PLAIN_NAME = re.compile(r"[A-Za-z0-9_.-]+")  # nothing that a tool would read as more than a name
DROP, RETURN = "DROP", "RETURN"
EVERY = PortRule("")  # has no condition

StateT = TypeVar("StateT")


class Build(Struct, frozen=True):
    """A wall as the kernel has it."""

    rules: tuple[PortRule, ...]
    ways: tuple[PortRule, ...]  # by which frames come to them, before they come to others'
    sound: bool  # all but the rules is as vxland makes it


class Wall(ABC, Generic[StateT]):
    """Split horizon by rules, of which there is one set for all tunnels of the node."""

    name: str

    @abstractmethod
    def rule(self, source: str | None, target: str | None, verdict: str) -> PortRule:
        """A rule as it is written and read back; names that end in + are prefixes."""

    @abstractmethod
    def state(self, observed: Observed) -> StateT | Unavailable:
        """What was seen."""

    @abstractmethod
    def build(self, state: StateT) -> Build | None:
        """The wall in what was seen; None where there is none."""

    @abstractmethod
    def writing(self, state: StateT, rules: tuple[PortRule, ...]) -> Iterator[Operation]:
        """What makes these the rules."""

    @abstractmethod
    def trimming(
        self,
        rules: tuple[PortRule, ...],
        leaving: tuple[PortRule, ...],
        successors: tuple[Guarding, ...],
    ) -> Iterator[Operation]:
        """What leaves only these rules, and not those."""

    @abstractmethod
    def removal(self, state: StateT, successors: tuple[Guarding, ...]) -> Iterator[Operation]:
        """What takes the wall away."""

    def upkeep(self, state: StateT) -> Iterator[Operation]:
        """What a sound wall may want besides."""
        del state
        return iter(())

    def drop(self, prefix: str) -> PortRule:
        """The rule that keeps tunnels with this prefix from each other."""
        return self.rule(f"{prefix}+", f"{prefix}+", DROP)

    def is_drop(self, rule: PortRule) -> bool:
        """Whether this is one of vxland's own drop rules."""
        return rule.source is not None and rule == self.drop(rule.source.removesuffix("+"))

    def exemptions(
        self, prefix: str, overlays: Sequence[Overlay], observed: Observed
    ) -> Iterator[PortRule]:
        """The rules that leave others' ports alone, though they are named alike.

        Not a tunnel's in an overlay's bridge, or in none yet, that isn't allowed there: it could
        loop.
        """
        bridges = {overlay.bridge.device for overlay in overlays}
        bridges |= {link.name for link in own_links(observed)}
        allowed = {name for overlay in overlays for name in overlay.allow_tunnel_ports}
        for name in sorted(observed.links):
            link = observed.links[name]
            if is_own(link) or not (name.startswith(prefix) and PLAIN_NAME.fullmatch(name)):
                continue
            elsewhere = link.master is not None and link.master not in bridges
            if not link.is_tunnel or elsewhere or name in allowed:
                yield self.rule(name, None, RETURN)
                yield self.rule(None, name, RETURN)

    def operations(
        self, seats: Sequence[tuple[Overlay, Sequence[Port]]], observed: Observed
    ) -> Iterator[Operation]:
        """Write the rules where they aren't as wanted; what is no longer wanted goes last."""
        state = self.state(observed)
        if isinstance(state, Unavailable):
            return
        build = self.build(state)
        prefixes = sorted({overlay.prefix for overlay, _ in seats if self.name in overlay.guards})
        successors = tuple(self._successors(seats))
        if not prefixes:
            if build is not None:
                yield from self.removal(state, successors)
            return
        overlays = [overlay for overlay, _ in seats]
        wanted = tuple(self._wanted(prefixes, overlays, observed))
        standing = build.rules if build is not None else ()
        ways = build.ways if build is not None else ()
        leaving = tuple(
            rule
            for rule in standing
            if self.is_drop(rule) and rule not in wanted and any(_covers(way, rule) for way in ways)
        )
        interim = (*wanted, *leaving)
        sound = build is not None and build.sound
        if not sound or standing != interim:
            yield from self.writing(state, interim)
        if sound:
            yield from self.upkeep(state)
        if leaving:
            yield from self.trimming(wanted, leaving, successors)

    def missing(self, overlay: Overlay, observed: Observed) -> Problem | None:
        """Why this guard can't be had here."""
        state = self.state(observed)
        if not isinstance(state, Unavailable):
            return None
        return Problem(
            Kind.GUARD,
            f"overlay {overlay.name} wants the guard {self.name}: {state.reason}",
            state.cure,
            overlay=overlay.name,
        )

    def reaches(self, device: str, overlay: Overlay) -> bool:
        """It goes by the name's beginning."""
        return device.startswith(overlay.prefix)

    def arms(self, observed: Observed) -> Callable[[str], bool]:
        """The rules that drop what goes from a port to any other of vxland's, by its name."""
        build = self._seen(observed)
        rules = takewhile(lambda rule: self._passes_over(rule, observed), build.rules)
        dropped = tuple(
            str(rule.source)[:-1]
            for rule in rules
            if self.is_drop(rule) and any(_covers(way, rule) for way in build.ways)
        )
        return lambda device: device.startswith(dropped)

    def cuts(self, one: Link, other: Link, observed: Observed) -> bool:
        """Whether frames between these two ports are dropped in both directions."""
        build = self._seen(observed)
        return _drops(build, one.name, other.name) and _drops(build, other.name, one.name)

    def trait(self, port: Link, observed: Observed) -> Hashable:
        """Which of the rules match it, as where frames come from and as where they go."""
        build = self._seen(observed)
        return tuple(
            (_matches(rule.source, port.name), _matches(rule.target, port.name))
            for rule in (*build.ways, *build.rules)
        )

    def _wanted(
        self, prefixes: Iterable[str], overlays: Sequence[Overlay], observed: Observed
    ) -> Iterator[PortRule]:
        for prefix in prefixes:
            yield from self.exemptions(prefix, overlays, observed)
            yield self.drop(prefix)

    def _successors(self, seats: Sequence[tuple[Overlay, Sequence[Port]]]) -> Iterator[Guarding]:
        """The ports that must be guarded otherwise before a rule goes."""
        for overlay, ports in seats:
            if self.name not in overlay.guards:
                yield from (Guarding(port.device, port.guards) for port in ports)

    def _seen(self, observed: Observed) -> Build:
        """The wall, or one that nothing comes to."""
        state = self.state(observed)
        build = None if isinstance(state, Unavailable) else self.build(state)
        return build or Build((), (), sound=False)

    def _passes_over(self, rule: PortRule, observed: Observed) -> bool:
        """Whether a rule before the drop surely leaves vxland's own ports to it."""
        if self.is_drop(rule):
            return True
        names = [name for name in (rule.source, rule.target) if name is not None]
        return rule.known and any(
            not name.endswith("+") and not (name in observed.links and is_own(observed.links[name]))
            for name in names
        )


def _drops(build: Build, source: str, target: str) -> bool:
    """Whether the first of the rules that match such a frame drops it, if it comes to them."""
    for rule in build.rules if any(_fits(way, source, target) for way in build.ways) else ():
        if not rule.known:
            return False
        if _fits(rule, source, target):
            return rule.verdict == DROP
    return False


def _covers(way: PortRule, rule: PortRule) -> bool:
    """Whether it surely leads all frames there that match a rule."""
    return way.source in {None, rule.source} and way.target in {None, rule.target}


def _fits(rule: PortRule, source: str, target: str) -> bool:
    return _matches(rule.source, source) and _matches(rule.target, target)


def _matches(pattern: str | None, name: str) -> bool:
    if pattern is None:
        return True
    if pattern.endswith("+"):
        return name.startswith(pattern[:-1])
    return name == pattern
