"""One look by hand: what the commands see that need no daemon, and what is counted meanwhile."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from vxland.config.load import load
from vxland.hints import hints
from vxland.hints.makers import makers
from vxland.kernel.counters import read_traffic
from vxland.kernel.ingress_drops import read_dropped
from vxland.kernel.linux import LinuxKernel
from vxland.kernel.netlink import Netlink
from vxland.kernel.peer_counters import read_counters
from vxland.lookup import ask
from vxland.model import Desired
from vxland.observed import Observed
from vxland.operations import CreateVtep
from vxland.ownership import attributed
from vxland.peers import host_names, hosts
from vxland.plan import Plan, plan
from vxland.probe.managers import claims_now
from vxland.problems import Unresolved
from vxland.report import ConfigState, Report
from vxland.resolve import resolve
from vxland.settings import Settings
from vxland.status.health import TunnelKey
from vxland.tables.ingress import by_overlay
from vxland.tables.meter import traffic
from vxland.tables.tally import shared
from vxland.traffic import Seen, Traffic
from vxland.underlay.whereabouts import explained, survey


class Outlook(Struct, frozen=True):
    """What is, what should be, and what lies between."""

    settings: Settings
    observed: Observed
    desired: Desired
    plan: Plan
    at: float  # seconds since the epoch
    duration: float  # seconds

    def report(self, path: Path) -> Report:
        """The same as a turn that did nothing."""
        return Report(
            at=self.at,
            duration=self.duration,
            triggers=frozenset(),
            config=ConfigState(str(path), self.settings.digest),
            desired=self.desired,
            observed=self.observed,
            plan=self.plan,
            problems=attributed(
                (*self.plan.problems, *hints(self.desired, self.observed)),
                self.desired,
                self.observed,
            ),
            hosts=hosts(self.settings.peers),
        )


def look(path: Path, kernel: LinuxKernel, *, adopt: bool = False) -> Outlook:
    """Read the configuration, ask for names, look at the kernel.

    With ``adopt``, as if every overlay had it.

    Raises InvalidConfig, Unresolved, OSError.
    """
    at, started = time.time(), time.monotonic()
    settings = load(path).adopting() if adopt else load(path)
    answers = ask(host_names(settings.peers))
    observed, where = survey(kernel, settings, answers, {})
    observed = replace(observed, forward=kernel.read_forward())
    try:
        resolved = resolve(settings, where.addresses, observed.host, where.beyond)
        desired = explained(resolved, where)
    except Unresolved as error:
        raise Unresolved(*where.problems.values(), *error.problems) from None
    bridges = frozenset(overlay.bridge.device for overlay in desired.overlays)
    observed = replace(observed, far_ends=kernel.read_far_ends(bridges))
    planned = plan(observed, desired)
    if any(isinstance(operation, CreateVtep) for operation in planned.operations):
        observed = replace(observed, abroad=kernel.look_abroad())
        planned = plan(observed, desired)
    observed = replace(observed, claims=claims_now(desired, observed))
    others = (hint for o in desired.overlays if o.adopt for hint in makers(o, observed))
    planned = replace(planned, problems=(*planned.problems, *where.notes, *others))
    return Outlook(settings, observed, desired, planned, at, time.monotonic() - started)


def counted(give_way: Callable[[], None] = lambda: None) -> Mapping[str, Seen]:
    """VXLAN devices and their counters, read in the thread that asks; none where that fails."""
    try:
        with Netlink() as netlink:
            return read_traffic(netlink, give_way)
    except OSError:  # a status without numbers is better than none
        return {}


def kept_out(desired: Desired) -> Mapping[str, int]:
    """How many packets the table that is there has kept out, by overlay."""
    return by_overlay(desired, read_dropped())


def counted_for_peers(desired: Desired) -> Mapping[TunnelKey, Traffic]:
    """What nftables has counted for peers of shared VTEPs; none where that can't be read."""
    return traffic(desired, read_counters()) if any(shared(desired)) else {}
