"""Metrics made of reports: what is counted, who is let go first, what is left without a kernel."""

import threading
from collections.abc import Callable, Mapping
from ipaddress import ip_interface

import pytest
from msgspec.structs import replace
from prometheus_client import generate_latest

from vxland import operations
from vxland.execution import Failure, Outcome
from vxland.metrics import Exposition, Sources, Totals, TunnelTotals
from vxland.metrics.paced import EACH
from vxland.metrics.totals import KINDS
from vxland.model import Desired
from vxland.observed import Host, Link, LocalAddress, Observed
from vxland.operations import BringUp, CreateVtep, Guarding, SetMtu
from vxland.peers import addresses
from vxland.plan import Plan
from vxland.process.precedence import Precedence
from vxland.report import ConfigState, Report
from vxland.resolve import resolve
from vxland.settings import OverlaySettings, PeerSettings, Settings
from vxland.status.build import report_status
from vxland.tables.meter import Counters
from vxland.traffic import Seen, Traffic

PEERS = 120
PATIENCE = 10.0  # seconds


def desired(peers: int = PEERS) -> Desired:
    """Of p0, with tunnels to all others."""
    listed = tuple(PeerSettings(f"p{n}", f"192.0.2.{n + 1}") for n in range(peers))
    settings = Settings(overlays=(OverlaySettings("lan", "vxbr0"),), peers=listed)
    here = Host(addresses=(LocalAddress(ip_interface("192.0.2.1/24"), "eth0"),))
    return resolve(settings, addresses(listed), here)


def report(wanted: Desired) -> Report:
    """A turn that found all as it should be."""
    links = {"vxbr0": Link("vxbr0", "bridge", up=True)}
    for vtep in wanted.vteps():
        links[vtep.device] = Link(vtep.device, "vxlan", alias=vtep.alias, up=True, master="vxbr0")
    return Report(
        at=1000.0,
        duration=0.004,
        triggers=frozenset({"netlink"}),
        config=ConfigState("/etc/vxland.toml", "abc", 900.0, 900.0),
        desired=wanted,
        observed=Observed(links=links),
        plan=Plan(),
    )


def devices(wanted: Desired) -> dict[str, Seen]:
    """As the kernel has them, each with a byte received."""
    seen = Traffic(receive_bytes=1)
    return {
        vtep.device: Seen(vtep.device, vtep.alias, number, True, True, vtep.mtu, seen)  # noqa: FBT003
        for number, vtep in enumerate(wanted.vteps(), 3)
    }


class Daemon:
    """As much of one as metrics need."""

    def __init__(self, give_way: Callable[[], None] = lambda: None, peers: int = PEERS) -> None:
        self.desired = desired(peers)
        self.devices: Mapping[str, Seen] | None = devices(self.desired)
        self.totals = Totals(iter(("netlink", "retry")))  # as the daemon gives them: once
        self.tunnels = TunnelTotals()
        self.tunnels.want(self.desired)
        sources = Sources(
            devices=self._look,
            counters=Counters,
            kept_out=lambda _: {"": 1, "lan": 7},
            since=lambda: {("lan", "p1"): 950.0},
            overruns=lambda: 2,
            fights=lambda: 3,
            interval=lambda: 30.0,
            give_way=give_way,
        )
        self.registry = Exposition(self.totals, self.tunnels, sources).registry

    def _look(self) -> Mapping[str, Seen]:
        if self.devices is None:
            raise OSError("no netlink today")
        return self.devices

    def value(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(f"vxland_{name}", labels)


def outcome(operation: operations.Operation, failure: Failure | None = None) -> Outcome:
    return Outcome(operation, failure)


DEVICE = "vxl-lan-p1"
MTU = SetMtu("lan", DEVICE, 1450)
UP = BringUp("lan", DEVICE, Guarding(DEVICE, ("isolated",)))


def test_everything_countable_is_there_before_it_happens() -> None:
    """Every kind of operation among it, so that no first time is missed by rate()."""
    daemon = Daemon()
    assert daemon.value("reconciliations_total", trigger="retry", result="failed") == 0
    assert daemon.value("reconciliation_duration_seconds_count", result="changed") == 0
    listed = {name for name in operations.__all__ if isinstance(getattr(operations, name), type)}
    names = {kind.__name__ for kind in KINDS}
    assert listed - names == {"Guarding", "Operation", "Phase", "Step"}
    for kind in KINDS:
        assert daemon.value("operations_total", kind=kind.__name__, result="failed") == 0
        assert daemon.value("drift_total", kind=kind.attribute) == 0


def test_turn_is_counted_for_each_that_rang_but_timed_once() -> None:
    daemon = Daemon()
    both = frozenset({"netlink", "retry"})
    daemon.totals.add(replace(report(daemon.desired), triggers=both))
    for trigger in both:
        assert daemon.value("reconciliations_total", trigger=trigger, result="in_sync") == 1
    assert daemon.value("reconciliation_duration_seconds_count", result="in_sync") == 1
    assert daemon.value("reconciliation_duration_seconds_bucket", result="in_sync", le="0.005") == 1
    assert (
        daemon.value("reconciliation_duration_seconds_bucket", result="in_sync", le="0.0025") == 0
    )


def test_operations_by_how_they_went() -> None:
    daemon = Daemon()
    outcomes = (outcome(MTU), outcome(UP, Failure("no")))
    daemon.totals.add(replace(report(daemon.desired), outcomes=outcomes))
    assert daemon.value("operations_total", kind="SetMtu", result="done") == 1
    assert daemon.value("operations_total", kind="BringUp", result="failed") == 1
    assert daemon.value("reconciliations_total", trigger="netlink", result="failed") == 1
    assert daemon.value("drift_total", kind="mtu") == 0  # a new configuration asked for it


def test_drift_is_what_was_undone_and_not_what_follows_from_it() -> None:
    """A device that was deleted is one thing, not the dozen steps that make it."""
    daemon = Daemon()
    vtep = next(daemon.desired.vteps())
    make = CreateVtep("lan", vtep.device, vtep)
    outcomes = (outcome(make), outcome(MTU), outcome(UP))
    daemon.totals.add(
        replace(report(daemon.desired), outcomes=outcomes, repaired=frozenset({vtep.device}))
    )
    assert daemon.value("drift_total", kind="existence") == 1
    assert daemon.value("drift_total", kind="mtu") == 0
    assert daemon.value("drift_total", kind="state") == 0


def test_tunnel_as_it_is_now() -> None:
    """The report says that all was well; the kernel has the last word."""
    daemon = Daemon()
    daemon.totals.add(report(daemon.desired))
    tunnel = {"overlay": "lan", "peer": "p1"}
    for name in ("in_sync", "admin_up", "oper_up"):
        assert daemon.value(f"tunnel_{name}", **tunnel) == 1
    assert daemon.value("tunnel_last_change_timestamp_seconds", **tunnel) == 950.0
    assert daemon.value("tunnel_receive_bytes_total", **tunnel) == 1
    assert daemon.value("overlay_peers_present", overlay="lan") == PEERS - 1
    daemon.devices = {
        name: seen for name, seen in devices(daemon.desired).items() if name != DEVICE
    }
    for name in ("in_sync", "admin_up", "oper_up"):
        assert daemon.value(f"tunnel_{name}", **tunnel) == 0
    assert daemon.value("tunnel_mtu_bytes", **tunnel) is None
    assert daemon.value("tunnel_receive_bytes_total", **tunnel) == 1
    assert daemon.value("overlay_in_sync", overlay="lan") == 0
    assert daemon.value("overlay_peers_present", overlay="lan") == PEERS - 2


def test_kernel_that_can_not_be_asked() -> None:
    """What isn't known isn't said; the rest is, and nothing is taken for missing."""
    daemon = Daemon()
    daemon.totals.add(report(daemon.desired))
    generate_latest(daemon.registry)
    daemon.devices = None
    tunnel = {"overlay": "lan", "peer": "p1"}
    assert daemon.value("tunnel_admin_up", **tunnel) is None
    assert daemon.value("overlay_peers_present", overlay="lan") is None
    assert daemon.value("tunnel_in_sync", **tunnel) == 1
    assert daemon.value("tunnel_receive_bytes_total", **tunnel) == 1
    assert daemon.value("event_overruns_total") == 2


def test_what_another_overlay_allows_could_loop_here() -> None:
    """Each has its own allow_tunnel_ports, and status counts as metrics do."""
    daemon = Daemon(peers=2)
    own = report(daemon.desired)
    gre = Link("gre0", "gretap", up=True, master="vxbr0")
    (lan,) = daemon.desired.overlays
    elsewhere = replace(lan, name="elsewhere", vteps=(), allow_tunnel_ports=frozenset({"gre0"}))
    elsewhere = replace(elsewhere, bridge=replace(lan.bridge, device="vxbr1"))
    both = replace(daemon.desired, overlays=(lan, elsewhere))
    seen = Observed(links={**own.observed.links, "gre0": gre})
    last = replace(own, desired=both, observed=seen)
    daemon.totals.add(last)
    told = {each["name"]: each["looping_pairs"] for each in report_status(last)["overlays"]}
    assert told == {"lan": 1, "elsewhere": 0}
    for name, count in told.items():
        assert daemon.value("overlay_looping_port_pairs", overlay=name) == count


def test_before_the_first_turn() -> None:
    """There is nothing to say of overlays yet."""
    daemon = Daemon()
    text = generate_latest(daemon.registry).decode()
    assert "vxland_fights_total 3.0" in text
    assert "vxland_tunnel" not in text


def test_way_is_given_all_along() -> None:
    """Never more than so many lines, or tunnels, without asking."""
    asked = 0

    def give_way() -> None:
        nonlocal asked
        asked += 1

    daemon = Daemon(give_way)
    daemon.totals.add(report(daemon.desired))
    text = generate_latest(daemon.registry).decode()
    lines = sum(not line.startswith("#") for line in text.splitlines())
    assert lines > 15 * (PEERS - 1)
    assert asked >= lines / EACH


def test_nothing_is_written_while_the_loop_turns() -> None:
    """A scrape that is on its way stands still, and is finished afterwards."""
    precedence = Precedence()
    made: list[bytes] = []
    begun = threading.Event()

    def give_way() -> None:
        begun.set()
        precedence.give_way()

    daemon = Daemon(give_way, 5)
    daemon.totals.add(report(daemon.desired))
    scraping = threading.Thread(target=lambda: made.append(generate_latest(daemon.registry)))
    with precedence.taken():
        scraping.start()
        assert begun.wait(PATIENCE)
        assert made == []
    scraping.join(PATIENCE)
    assert b"vxland_tunnel_receive_bytes_total" in made[0]


@pytest.mark.parametrize("alias", ["", "lan:p1", "vxland", "vxland:lan:stranger", "vxland:lan"])
def test_others_devices_do_not_count(alias: str) -> None:
    """Whatever they are called."""
    daemon = Daemon()
    daemon.totals.add(report(daemon.desired))
    stranger = replace(devices(daemon.desired)[DEVICE], alias=alias, incarnation=99)
    daemon.tunnels.farewell(stranger)
    daemon.devices = {DEVICE: stranger}
    tunnel = {"overlay": "lan", "peer": "p1"}
    assert daemon.value("tunnel_receive_bytes_total", **tunnel) == 0
    assert daemon.value("tunnel_admin_up", **tunnel) == 0
