"""What is told at once, and what is counted and told once a minute: never a flood, nothing lost.

Whatever repeats has a subject. The first few times about a subject are told at once, as long as not
too many subjects come one after the other; the rest is held back, counted and summed up.
"""

from collections import deque
from collections.abc import Hashable, Mapping
from typing import Generic, TypeVar

from msgspec import Struct, field

Item = TypeVar("Item")

FIRST = 4  # times that a subject is told at once, within one episode
EVERY = 60.0  # seconds from one summary to the next
QUIET = 120.0  # seconds without a repetition that end an episode; longer than any pause in a fight
AT_ONCE = 10  # admissions within EVERY that tell something at once


class Tally(Struct, Generic[Item], frozen=True):
    """What was held back about one subject."""

    last: Item
    count: int  # since it was last told; 0 where only the end is to be told
    seconds: float  # since then
    total: int  # in the whole episode
    lasted: float  # seconds, from its first to its last
    over: bool  # it has been quiet for QUIET


class _Episode(Struct, Generic[Item]):
    """One subject, from its first time until it is quiet."""

    began: float
    told_at: float
    latest: float
    total: int = 0
    held: int = 0
    last: Item | None = None  # that was held back: what was told at once isn't kept


class Throttle(Struct, Generic[Item]):
    """Decides for items of one sort, by their subjects. The time (seconds) is handed in."""

    first: int = FIRST
    at_once: int = AT_ONCE
    _episodes: dict[Hashable, _Episode[Item]] = field(default_factory=dict)
    _told: deque[float] = field(default_factory=deque)
    _due: float | None = None

    def admit(self, items: Mapping[Hashable, Item], now: float) -> list[Item]:
        """Take what came now, by subject; returns what is to be told at once."""
        self._forget(now)
        while self._told and now - self._told[0] >= EVERY:
            self._told.popleft()
        free = len(self._told) < self.at_once
        at_once = []
        for subject, item in items.items():
            episode = self._episodes.setdefault(subject, _Episode(now, now, now))
            episode.latest = now
            episode.total += 1
            if free and episode.total <= self.first and not episode.held:
                episode.told_at = now
                at_once.append(item)
            else:
                episode.last = item
                episode.held += 1
                self._due = self._due or now + EVERY
        if at_once:
            self._told.append(now)
        return at_once

    def due(self) -> float | None:
        """When the next summary is due; None where nothing waits."""
        return self._due

    def summary(self, now: float) -> list[Tally[Item]]:
        """What is to be told of what was held back; empty before it is due."""
        if self._due is None or now < self._due:
            return []
        tallies = []
        for subject, episode in list(self._episodes.items()):
            over = self._repeats(episode) and now - episode.latest >= QUIET
            if (episode.held or over) and episode.last is not None:
                tallies.append(_tally(episode.last, episode, now, over=over))
                episode.held, episode.told_at = 0, now
                if not self._repeats(episode):
                    episode.last = None  # all is told of it
            if over:
                del self._episodes[subject]
        waits = any(map(self._repeats, self._episodes.values()))
        self._due = now + EVERY if waits else None
        return tallies

    def rest(self, now: float) -> list[Tally[Item]]:
        """What is still held back, at the end."""
        return [
            _tally(episode.last, episode, now, over=False)
            for episode in self._episodes.values()
            if episode.held and episode.last is not None
        ]

    def _repeats(self, episode: _Episode[Item]) -> bool:
        """Whether its end is to be told."""
        return episode.total > self.first

    def _forget(self, now: float) -> None:
        """Forget what is quiet and has nothing left to be told."""
        for subject, episode in list(self._episodes.items()):
            if now - episode.latest >= QUIET and not (episode.held or self._repeats(episode)):
                del self._episodes[subject]


def _tally(last: Item, episode: _Episode[Item], now: float, *, over: bool) -> Tally[Item]:
    return Tally(
        last=last,
        count=episode.held,
        seconds=now - episode.told_at,
        total=episode.total,
        lasted=episode.latest - episode.began,
        over=over,
    )
