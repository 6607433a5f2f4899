"""A node on the real kernel, between whose turns things happen, and a witness of each moment."""

import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import count

import pytest
from msgspec.structs import replace

from tests.contract.namespace import fresh_namespace
from tests.core.gate import Ways, ways
from tests.core.truth import untruths
from tests.fake.surroundings import File, NoNames, Notified
from tests.faults.wire import Wire
from vxland.hazards import looping_pairs
from vxland.kernel.events import LinkEvents
from vxland.kernel.linux import LinuxKernel
from vxland.loop.reconciler import Reconciler
from vxland.model import Desired
from vxland.observed import Claim, EbtablesState, Observed
from vxland.ownership import is_own
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
STRANGERS = """
ip link add eth0 type veth peer name far0 && ip link set far0 up
ip address add 10.0.0.1/8 dev eth0 && ip link set eth0 up
ip link add fbr type bridge && ip link add g0 type veth peer name g1 && ip link set g0 master fbr
ip link add fvx0 type vxlan id 99 remote 10.0.0.9 dstport 4790 && ip link set fvx0 master fbr up
ebtables -A FORWARD -i g0 -j ACCEPT
nft 'add table inet theirs; add chain inet theirs c { type filter hook input priority 0; }'
"""
ALL_FILTERED = Desired("", ())


class Others(Notified):
    """No other programs' files."""

    def claims(self, desired: Desired, observed: Observed) -> tuple[Claim, ...]:
        del desired, observed
        return ()


class Stage:
    """What is done to the node, and what must never be seen there."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        sh(STRANGERS)
        self._witness = LinuxKernel()
        self._events = LinkEvents(Trigger.NETLINK)
        self.wire = Wire(self.look)
        monkeypatch.setattr("vxland.kernel.netlink.open_socket", self.wire.open)
        self.violations: list[str] = []
        self._theirs = self._strangers(self._witness.observe(others=True))
        self._file = File(HOME)
        self._versions = count()
        self._ways = Ways()
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
        self._ways = ways(self._witness.observe(), ALL_FILTERED)
        report = self._reconciler.turn({trigger})
        if self.wire.rules_refused and report.in_sync:
            seen = ways(self._witness.observe(), ALL_FILTERED)
            self.violations += [f"said to be in sync: {way} is open" for way in seen.open]
        return report

    def want(self, settings: Settings) -> None:
        """From now on this is in the file."""
        self._file.settings = replace(settings, digest=str(next(self._versions)))

    def look(self) -> None:
        """What must be true at every moment."""
        seen = self._witness.observe(others=True)
        if looping := looping_pairs(seen):
            self.violations.append(f"frames could loop: {looping}")
        if (theirs := self._strangers(seen)) != self._theirs:
            self.violations.append(f"others' things changed: {theirs ^ self._theirs}")
        now = ways(seen, ALL_FILTERED)
        self.violations += now.worse(self._ways, refused=self.wire.rules_failed)
        self._ways = now

    def arrive(self) -> None:
        """Whatever happened: it comes right in a few turns."""
        report = self.turn()
        for _ in range(TURNS):
            if report.in_sync and not report.outcomes:
                break
            report = self.turn()
        self.look()
        seen = self._witness.observe(others=True)
        false = untruths(seen, report.desired, report.problems, Memory())
        self.violations += [f"not arrived: {untruth}" for untruth in false]
        if not report.in_sync:
            failed = [f"{outcome.operation}: {outcome.failure}" for outcome in report.failures]
            self.violations.append(f"not in sync: {[*map(str, report.problems), *failed]}")

    def told(self) -> list[str]:
        """The violations since somebody asked last."""
        told, self.violations = self.violations, []
        return told

    @staticmethod
    def _strangers(seen: Observed) -> frozenset[object]:
        """All that isn't vxland's; what the kernel does with carriers by itself isn't looked at."""
        links = {replace(link, running=True) for link in seen.links.values() if not is_own(link)}
        assert isinstance(seen.ebtables, EbtablesState)
        rules = {rule.text for rule in seen.ebtables.forward if "VXLAND" not in rule.text}
        return frozenset({*links, *rules})


def sh(script: str) -> None:
    """Somebody types this; what can't be done isn't."""
    subprocess.run(["sh", "-c", script], check=False, capture_output=True, timeout=60)


@contextmanager
def staged(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """A node in a namespace of its own."""
    with fresh_namespace(), closing(Stage(monkeypatch)) as stage:
        yield stage
