"""A node on the real kernel, between whose turns things happen, and a witness of each moment."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import count
from typing import TypeVar

import pytest
from msgspec.structs import replace

from tests.contract.namespace import fresh_namespace
from tests.core.truth import untruths
from tests.fake.surroundings import File, NoNames, Notified
from tests.faults.wire import Wire
from tests.faults.witness import THEIRS, Witness
from vxland.kernel.events import LinkEvents
from vxland.kernel.linux import LinuxKernel
from vxland.loop.reconciler import Reconciler
from vxland.model import Desired
from vxland.observed import Claim, Observed
from vxland.plan import Memory
from vxland.process.doorbell import Trigger
from vxland.report import Report
from vxland.settings import HttpSettings, OverlaySettings, PeerSettings, Settings

TURNS = 4  # to arrive in, once a fault is over; a bridge's MTU takes one of its own
GUARDS = ("isolated", "ebtables", "nftables")
LAN = OverlaySettings("lan", "vxbr0", guards=GUARDS)
PEERS = tuple(PeerSettings(name, f"10.0.0.{n}") for n, name in enumerate("abcd", 1))
HOME = Settings(overlays=(LAN,), peers=PEERS, http=HttpSettings(listen=None))
SHARED = replace(HOME, overlays=(replace(LAN, mode="shared", vni=4711, guards=("isolated",)),))
STRANGERS = f"""
ip link add eth0 type veth peer name far0 && ip link set far0 up
ip address add 10.0.0.1/8 dev eth0 && ip link set eth0 up
{THEIRS}"""

T = TypeVar("T")


class Others(Notified):
    """No other programs' files."""

    def claims(self, desired: Desired, observed: Observed) -> tuple[Claim, ...]:
        del desired, observed
        return ()


class Stage:
    """What is done to the node, and what must never be seen there."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        sh(STRANGERS)
        self._witness = Witness()
        self._events = LinkEvents(Trigger.NETLINK)
        self.wire = Wire(self.look)
        monkeypatch.setattr("vxland.kernel.netlink.open_socket", self.wire.open)
        self.violations: list[str] = []
        self.mended = False  # all that was touched, in the last mend
        self._file = File(HOME)
        self._versions = count()
        self._begin()

    def close(self) -> None:
        """End all."""
        self._kernel.close()
        self._events.close()
        self._witness.close()

    def _begin(self) -> None:
        self._kernel = LinuxKernel(keeps=True)
        self._reconciler = Reconciler(
            self._kernel, self._file, self._file.settings, NoNames(), Others(self._events)
        )

    def killed(self) -> None:
        """The daemon's memory and sockets are gone, and another one begins."""
        self._kernel.close()
        self._begin()

    def turn(self, trigger: Trigger = Trigger.REQUEST) -> Report:
        """One of the daemon's."""
        self._witness.begin()
        report = self._reconciler.turn({trigger})
        self._events.watch(self._reconciler.remotes)
        if self.wire.rules_refused and report.in_sync:
            opened = self._witness.ways().open
            self.violations += [f"said to be in sync: {way} is open" for way in opened]
        return report

    def aside(self, deed: Callable[[], T]) -> T:
        """Another daemon does this; what it leaves is looked at."""
        self._witness.begin()
        done = deed()
        self.look()
        return done

    def mend(self) -> None:
        """What the daemon does when the kernel tells of a few devices; a turn follows anyhow."""
        self.mended = False
        self._witness.begin()
        try:
            mended = self._reconciler.mending.mend()
        finally:
            self.wire.disarm()
        report = self.turn(Trigger.NETLINK)
        self.mended = mended and not report.outcomes

    def want(self, settings: Settings) -> None:
        """From now on this is in the file."""
        self._file.settings = replace(settings, digest=str(next(self._versions)))

    def look(self) -> None:
        """What must be true at every moment."""
        self.violations += self._witness.look(refused=self.wire.rules_failed)

    def arrive(self) -> None:
        """Whatever happened: it comes right in a few turns."""
        report = self.turn()
        for _ in range(TURNS):
            if report.in_sync and not report.outcomes:
                break
            report = self.turn()
        self.look()
        seen = self._witness.observe()
        false = untruths(seen, report.desired, report.problems, Memory())
        self.violations += [f"not arrived: {untruth}" for untruth in false]
        if not report.in_sync:
            failed = [f"{outcome.operation}: {outcome.failure}" for outcome in report.failures]
            self.violations.append(f"not in sync: {[*map(str, report.problems), *failed]}")

    def told(self) -> list[str]:
        """The violations since somebody asked last."""
        told, self.violations = self.violations, []
        return told


def sh(script: str) -> str:
    """Somebody types this; what can't be done isn't. Returns what it printed."""
    return subprocess.run(
        ["sh", "-c", script], check=False, capture_output=True, timeout=60, text=True
    ).stdout


@contextmanager
def staged(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """A node in a namespace of its own."""
    with fresh_namespace(), closing(Stage(monkeypatch)) as stage:
        yield stage
