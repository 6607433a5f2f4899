"""Something that keeps undoing what vxland does: noticed, named, and not answered blow for blow."""

from collections import deque
from collections.abc import Collection, Iterable

from msgspec import Struct, field
from msgspec.structs import replace

from vxland.guards import GUARDS
from vxland.operations import Attach, Operation, Rename

Subject = tuple[str, str]  # a device, and what of it is put right

LIMIT = 20  # repairs of one subject …
WINDOW = 10.0  # … within so many seconds are a fight
FIRST_HOLD = 1.0  # seconds until the next repair of a subject that is fought over
LONGEST_HOLD = 60.0
GUARD_HOLD = 1.0  # the longest for a guard, whose port is down or otherwise guarded meanwhile
QUIET = 30.0  # seconds without a repair that end a fight


ANEW = frozenset({"existence", "namespace"})  # of a device: all else follows from it
PORT = frozenset({"state", "isolated"})  # lost where a port is renamed or attached


class Fight(Struct, frozen=True):
    """A subject put right again and again."""

    subject: Subject
    since: float  # monotonic seconds
    repairs: int
    hold: float  # seconds between repairs
    until: float  # the next repair isn't before this


def undone(operations: Collection[Operation]) -> tuple[Subject, ...]:
    """What somebody undid, if these put it right: without what only follows from another one."""
    return tuple(operation.subject for operation in causes(operations))


def causes(operations: Collection[Operation]) -> tuple[Operation, ...]:
    """The operations without those that only follow from another one."""
    anew = {operation.device for operation in operations if operation.attribute in ANEW}
    port = {op.device for op in operations if isinstance(op, Attach | Rename)}
    port |= {op.to for op in operations if isinstance(op, Rename)}

    def follows(operation: Operation) -> bool:
        if operation.device in anew:
            return operation.attribute not in ANEW
        if isinstance(operation, Attach) and operation.bridge in anew:
            return True
        return operation.device in port and operation.attribute in PORT

    return tuple(op for op in operations if not follows(op))


class Fights(Struct):
    """Counts repairs by subject. The time is always told, never asked."""

    total: int = 0  # fights so far
    _recent: dict[Subject, deque[float]] = field(default_factory=dict)  # the newest last
    _fights: dict[Subject, Fight] = field(default_factory=dict)

    def record(self, repaired: Iterable[Subject], now: float) -> tuple[Fight, ...]:
        """These were put right now. Returns the fights that this begins."""
        begun = []
        for subject in dict.fromkeys(repaired):
            fight = self._fights.get(subject)
            if fight is not None:
                longest = GUARD_HOLD if subject[1] in GUARDS else LONGEST_HOLD
                hold = min(longest, fight.hold * 2)
                self._fights[subject] = replace(
                    fight, repairs=fight.repairs + 1, hold=hold, until=now + hold
                )
                continue
            times = self._recent.pop(subject, None) or deque(maxlen=LIMIT)
            times.append(now)
            if len(times) == LIMIT and now - times[0] <= WINDOW:
                fight = Fight(subject, times[0], LIMIT, FIRST_HOLD, now + FIRST_HOLD)
                self._fights[subject] = fight
                self.total += 1
                begun.append(fight)
            else:
                self._recent[subject] = times
        self.forget(now)
        return tuple(begun)

    def current(self) -> tuple[Fight, ...]:
        """The fights that go on, by subject."""
        return tuple(self._fights[subject] for subject in sorted(self._fights))

    def held(self, now: float) -> frozenset[Subject]:
        """What isn't to be put right yet."""
        return frozenset(f.subject for f in self._fights.values() if f.until > now)

    def next(self, now: float) -> float | None:
        """When a repair that is held may be made; None where none is."""
        return min((f.until for f in self._fights.values() if f.until > now), default=None)

    def next_end(self, now: float) -> float | None:
        """When the next fight is over, if nothing is put right until then."""
        ends = (fight.until + QUIET for fight in self._fights.values())
        return min((end for end in ends if end > now), default=None)

    def forget(self, now: float) -> None:
        """Forget the fights that are over."""
        for subject, fight in list(self._fights.items()):
            if now >= fight.until + QUIET:
                del self._fights[subject]
        while self._recent:
            subject, times = next(iter(self._recent.items()))
            if now - times[-1] <= WINDOW:
                break
            del self._recent[subject]
