"""What is known of host names, and when each is to be asked for again."""

from collections.abc import Callable, Iterable
from heapq import heapify, heappop, heappush

from msgspec import Struct, field
from msgspec.structs import replace

from vxland.addresses import IPAddress
from vxland.peers import literal

FLOOR, CEILING = 5.0, 300.0  # seconds that an answer counts, whatever its TTL says
FIRST, LONGEST = 1.0, 60.0  # seconds until a name is asked for again that had no answer
SPREAD = 0.2  # of these times, at random on top, so that names drift apart
FAMILIES = frozenset({4, 6})
TWICE = 2

ASKING = "it is being looked up"


class Lookup(Struct, frozen=True):
    """What asking for a name brought. Without addresses, why."""

    addresses: frozenset[IPAddress] = frozenset()
    unsure: frozenset[int] = frozenset()  # IP versions that nobody answered for
    ttl: float = 0.0  # seconds
    reason: str = ""


class Answer(Struct, frozen=True):
    """What is known of a name: the last good answers, whatever came after them."""

    addresses: frozenset[IPAddress] = frozenset()
    unsure: frozenset[int] = FAMILIES  # IP versions that no server has answered for yet
    reason: str = ASKING  # why it has no addresses, or why they can't be confirmed

    @property
    def versions(self) -> frozenset[int]:
        """The IP versions that it has addresses of, or may have."""
        return frozenset(address.version for address in self.addresses) | self.unsure


def written(address: IPAddress) -> Answer:
    """What is known of an address that is written out."""
    return Answer(frozenset({address}), frozenset(), "")


def besides(address: IPAddress, name: Answer | None) -> Answer:
    """What is known where an address counts instead of those of its version that a name has."""
    if name is None:
        return written(address)
    others = {other for other in name.addresses if other.version != address.version}
    return Answer(frozenset({address, *others}), name.unsure - {address.version}, name.reason)


def renewed(old: Answer, lookup: Lookup) -> Answer:
    """What is known after another lookup: no answer takes nothing away."""
    if not lookup.addresses:
        return replace(old, reason=lookup.reason)
    kept = {address for address in old.addresses if address.version in lookup.unsure}
    return Answer(lookup.addresses | kept, lookup.unsure & old.unsure, "")


def usable(addresses: Iterable[IPAddress]) -> frozenset[IPAddress]:
    """Those that a server can be reached at. Debian gives a machine's own name 127.0.1.1."""
    return frozenset(address for address in addresses if literal.problem(str(address)) is None)


class _Page(Struct):
    """One name."""

    due: float | None  # monotonic seconds; None while it is being asked for
    answer: Answer = Answer()
    failures: int = 0  # in a row
    again: bool = False  # as soon as it was asked for


class Book(Struct):
    """The names that are wanted. ``jitter`` gives a number from 0 to 1; times are monotonic."""

    jitter: Callable[[], float]
    _pages: dict[str, _Page] = field(default_factory=dict)
    _dues: list[tuple[float, str]] = field(default_factory=list)  # a heap; some have changed since

    def want(self, names: Iterable[str], now: float) -> bool:
        """These names and no others; returns whether some are new, and so due."""
        before = self._pages
        self._pages = {name: before.get(name) or _Page(now) for name in names}
        if self._pages.keys() == before.keys():
            return False
        self._line_up()
        return not self._pages.keys() <= before.keys()

    def hurry(self, now: float) -> None:
        """All of them are due."""
        for page in self._pages.values():
            page.again = page.due is None
            page.due = None if page.due is None else now
        self._line_up()

    def take(self, now: float) -> str | None:
        """The name that is due longest, from now on being asked for; None where none is."""
        due = self.next()
        if due is None or due > now:
            return None
        _, name = heappop(self._dues)
        self._pages[name].due = None
        return name

    def begin(self, now: float) -> None:
        """Nothing is being asked for: what was given up is due."""
        for page in self._pages.values():
            page.due = now if page.due is None else page.due
        self._line_up()

    def enter(self, name: str, lookup: Lookup, now: float) -> bool:
        """What asking brought; returns whether anything else is known now."""
        page = self._pages.get(name)
        if page is None:  # nobody wants it any more
            return False
        before = page.answer
        after = renewed(before, lookup)
        page.failures = 0 if lookup.addresses else page.failures + 1
        if before.addresses and page.failures < TWICE:
            after = replace(after, reason="")  # once is nothing to speak of
        page.answer = after
        page.due = now if page.again else now + self._pause(page.failures, lookup.ttl)
        page.again = False
        heappush(self._dues, (page.due, name))
        return after != before

    def next(self) -> float | None:
        """When the next name is due; None where none will be."""
        while self._dues and not self._is_due(*self._dues[0]):
            heappop(self._dues)
        return self._dues[0][0] if self._dues else None

    def answers(self) -> dict[str, Answer]:
        """What is known of each name."""
        return {name: page.answer for name, page in self._pages.items()}

    def _line_up(self) -> None:
        due = ((page.due, name) for name, page in self._pages.items())
        self._dues = [(moment, name) for moment, name in due if moment is not None]
        heapify(self._dues)

    def _is_due(self, moment: float, name: str) -> bool:
        page = self._pages.get(name)
        return page is not None and page.due == moment

    def _pause(self, failures: int, ttl: float) -> float:
        nominal = min(max(ttl, FLOOR), CEILING)
        if failures:
            nominal = min(FIRST * 2 ** min(failures - 1, 16), LONGEST)
        return nominal * (1 + SPREAD * self.jitter())
