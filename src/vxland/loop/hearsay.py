"""Who else has a hand in this, as far as the kernel tells of it, and files do."""

from collections.abc import Sequence

from vxland.kernel.events import Events, LinkEvents
from vxland.probe.managers import Patrol
from vxland.process.doorbell import Doorbell, Trigger


class Hearsay(Patrol):
    """Who else has a hand in this, by what files say and by what the kernel tells of changes."""

    def __init__(
        self, events: Sequence[Events[Trigger]], links: LinkEvents[Trigger], doorbell: Doorbell
    ) -> None:
        super().__init__()
        self._events = events
        self._links = links
        self._doorbell = doorbell

    def culprit(self, *, rules: bool, within: float) -> str | None:
        """Who was seen changing rules, or else links and addresses, in the last so many seconds."""
        wanted = Trigger.RULES if rules else Trigger.NETLINK
        for source in self._events:
            if source.trigger is wanted:
                self._drain(source)  # the kernel names a program once its change is made and told
                return source.likely(within=within)
        return None

    def touched(self) -> frozenset[int] | None:
        """The devices that notifications were about, those that wait included."""
        self._drain(self._links)
        return self._links.touched

    def leaving(self) -> frozenset[int]:
        """Those of which something went."""
        return self._links.leaving

    def forget(self) -> None:
        """What was touched so far is about to be looked at."""
        self._links.forget()

    def _drain(self, source: Events[Trigger]) -> None:
        if source.drain():
            self._doorbell.ring(source.trigger)
