"""What a turn of the reconciler saw and did: the one source of metrics, journal and status."""

from collections.abc import Mapping
from enum import Enum

from msgspec import Struct, field

from vxland.changes import Part
from vxland.execution import Outcome
from vxland.fights import Fight
from vxland.model import Desired, Tunnel
from vxland.observed import Observed
from vxland.plan import Plan
from vxland.problems import Kind, Problem


class ConfigState(Struct, frozen=True):
    """The configuration in force, and the one that was refused, if the last one was."""

    path: str
    digest: str = ""
    loaded_at: float = 0.0  # seconds since the epoch
    tried_at: float = 0.0  # when another one was last tried, or somebody asked for it
    errors: tuple[str, ...] = ()  # why the file as it is now isn't in force

    @property
    def ok(self) -> bool:
        """Whether the file as it is now is in force."""
        return not self.errors


class ConfigNews(Enum):
    """What may be new about the configuration."""

    REFUSED = "config_refused"
    GOOD_AGAIN = "config_good_again"
    IN_FORCE = "config_in_force"

    @property
    def words(self) -> str:
        """What it is now."""
        return self.value.removeprefix("config_").replace("_", " ")


def config_news(before: ConfigState | None, now: ConfigState) -> tuple[ConfigNews, ...]:
    """What is new since then; what was in force at the start is not."""
    before = before or ConfigState(now.path, now.digest)
    news = []
    if now.errors != before.errors:
        news.append(ConfigNews.GOOD_AGAIN if now.ok else ConfigNews.REFUSED)
    if now.digest != before.digest:
        news.append(ConfigNews.IN_FORCE)
    return tuple(news)


class Repair(Struct, frozen=True):
    """The last time that a device was put right."""

    what: str
    at: float  # seconds since the epoch


class Report(Struct, frozen=True):
    """One turn."""

    at: float  # seconds since the epoch
    duration: float  # seconds
    triggers: frozenset[str]
    config: ConfigState
    desired: Desired
    observed: Observed
    plan: Plan
    outcomes: tuple[Outcome, ...] = ()
    problems: tuple[Problem, ...] = ()
    fights: tuple[Fight, ...] = ()
    repairs: Mapping[Part, Repair] = field(default_factory=dict)
    culprits: Mapping[str, str] = field(default_factory=dict)  # by device: who changed it, if seen
    hosts: Mapping[str, str] = field(default_factory=dict)  # peers' host names, by peer
    anew: bool = False  # something else is wanted than in the turn before
    repaired: frozenset[str] = frozenset()  # devices that somebody had changed (drift)
    secured: frozenset[str] = frozenset()  # those taken down: frames could loop there
    mends: tuple["Report", ...] = ()  # what was put right since the turn before, each by itself

    @property
    def parts(self) -> "tuple[Report, ...]":
        """What was put right before this turn, and the turn itself."""
        return (*self.mends, self)

    @property
    def failures(self) -> tuple[Outcome, ...]:
        """The operations that weren't done."""
        return tuple(outcome for outcome in self.outcomes if outcome.failure is not None)

    def repair(self, tunnel: Tunnel) -> Repair | None:
        """The last time that a tunnel was put right."""
        device = tunnel.vtep.device
        parts = ((device, ""), (device, tunnel.peer))
        repairs = [self.repairs[part] for part in parts if part in self.repairs]
        return max(repairs, key=lambda repair: repair.at, default=None)

    @property
    def in_sync(self) -> bool:
        """Whether the node is as wanted, once this turn was over."""
        done = len(self.outcomes) == len(self.plan.operations)
        return done and not self.failures and not self.wrong

    @property
    def wrong(self) -> tuple[Problem, ...]:
        """The problems that leave the node out of sync."""
        return tuple(problem for problem in self.problems if problem.kind is not Kind.HINT)

    @property
    def summary(self) -> str:
        """The turn in one line, which ``systemctl status`` shows."""
        wrong = [*map(str, self.wrong)]
        if self.config.errors:
            refused = "configuration refused, the last good one is in force"
            wrong.insert(0, f"{refused}: {self.config.errors[0]}")
        if wrong:
            more = f" (and {len(wrong) - 1} more: vxland status)" if len(wrong) > 1 else ""
            return f"{wrong[0]}{more}"
        if not self.in_sync:
            return "repairing"
        overlays = self.desired.overlays
        if not overlays:
            return str(self.problems[0]) if self.problems else "nothing to do"
        tunnels = sum(1 for _ in self.desired.tunnels())
        return f"{self.desired.node}: overlays {len(overlays)}, tunnels {tunnels}, all in sync"
