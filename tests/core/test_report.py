"""What a turn says of itself, and the status made of it."""

from ipaddress import ip_interface

import pytest
from msgspec.structs import replace

from vxland.execution import Failure, Outcome
from vxland.model import Desired
from vxland.observed import Host, Link, LocalAddress, Observed, Unavailable
from vxland.operations import BringUp, Guarding, SetMtu, WriteChain
from vxland.peers import addresses
from vxland.plan import Plan
from vxland.problems import Kind, Problem
from vxland.report import ConfigState, Repair, Report
from vxland.resolve import resolve
from vxland.settings import OverlaySettings, PeerSettings, Settings
from vxland.status.build import report_status

DEVICE = "vxl-lan-lxd2"
UP = BringUp("lan", DEVICE, Guarding(DEVICE, ("isolated",)))
HINT = Problem(Kind.HINT, "worth knowing", "look", overlay="lan", peer="lxd2", device=DEVICE)
CONFLICT = Problem(Kind.CONFLICT, "taken", overlay="lan", peer="lxd2", device=DEVICE)


def desired() -> Desired:
    """Of lxd1, with one tunnel to lxd2."""
    peers = (PeerSettings("lxd1", "192.0.2.1"), PeerSettings("lxd2", "192.0.2.2"))
    settings = Settings(overlays=(OverlaySettings("lan", "vxbr0"),), peers=peers)
    here = Host(addresses=(LocalAddress(ip_interface("192.0.2.1/24"), "eth0"),))
    return resolve(settings, addresses(peers), here)


def seen(*, up: bool = True) -> Observed:
    """The bridge and the tunnel."""
    bridge = Link("vxbr0", "bridge", up=up)
    tunnel = Link(DEVICE, "vxlan", alias="vxland:lan:lxd2", up=up, master="vxbr0", isolated=True)
    return Observed(links={link.name: link for link in (bridge, tunnel)})


def report(
    plan: Plan = Plan(),  # noqa: B008 - a frozen value
    outcomes: tuple[Outcome, ...] = (),
    problems: tuple[Problem, ...] = (),
) -> Report:
    """A turn that was rung by a netlink event."""
    return Report(
        at=1000.0,
        duration=0.005,
        triggers=frozenset({"netlink"}),
        config=ConfigState("/etc/vxland.toml", "abc", 900.0),
        desired=desired(),
        observed=seen(),
        plan=plan,
        outcomes=outcomes,
        problems=problems,
        repairs={(DEVICE, ""): Repair("bring it up", 999.0)},
    )


@pytest.mark.parametrize(
    ("turn", "in_sync"),
    [
        (report(), True),
        (report(problems=(HINT,)), True),
        (report(problems=(CONFLICT,)), False),
        (report(Plan((UP,)), (Outcome(UP),)), True),
        (report(Plan((UP,)), (Outcome(UP, Failure("refused")),)), False),
        (report(Plan((UP,))), False),
    ],
)
def test_in_sync_is_what_is_as_wanted_once_the_turn_is_over(turn: Report, *, in_sync: bool) -> None:
    """Nothing in the way, nothing failed, nothing left for later; a hint doesn't count."""
    assert turn.in_sync is in_sync
    assert report_status(turn)["in_sync"] is in_sync


@pytest.mark.parametrize(
    ("turn", "line"),
    [
        (report(), "lxd1: overlays 1, tunnels 1, all in sync"),
        (report(problems=(HINT,)), "lxd1: overlays 1, tunnels 1, all in sync"),
        (report(problems=(CONFLICT,)), "taken"),
        (report(problems=(CONFLICT, HINT, CONFLICT)), "taken (and 1 more: vxland status)"),
        (report(Plan((UP,))), "repairing"),
        (replace(report(), desired=Desired("", ())), "nothing to do"),
        (replace(report(problems=(HINT,)), desired=Desired("", ())), "worth knowing. look"),
        (
            replace(
                report(problems=(CONFLICT,)), config=ConfigState("/f", errors=("bad", "worse"))
            ),
            "configuration refused, the last good one is in force: bad (and 1 more: vxland status)",
        ),
    ],
)
def test_a_turn_in_one_line(turn: Report, line: str) -> None:
    """The worst first: what is refused, then what is wrong."""
    assert turn.summary == line


def test_failures_are_the_operations_that_were_not_done() -> None:
    """Whatever else was."""
    failed = Outcome(UP, Failure("refused", "Ask again"))
    turn = report(Plan((UP,)), (Outcome(SetMtu("lan", DEVICE, 1450)), failed))
    assert turn.failures == (failed,)
    assert str(failed.failure) == "refused. Ask again"
    assert str(Failure("refused")) == "refused"


def test_a_refused_configuration_is_known() -> None:
    """And says why."""
    config = ConfigState("/etc/vxland.toml", errors=("line 1: broken",))
    assert not config.ok
    assert ConfigState("/etc/vxland.toml").ok
    assert report_status(replace(report(), config=config))["config"]["errors"] == ["line 1: broken"]


def test_status_tells_all_of_a_tunnel() -> None:
    """What a person on call wants to see."""
    status = report_status(report())
    assert status["node"] == "lxd1"
    assert status["last_check"] == {"at": 1000.0, "seconds": 0.005}
    (overlay,) = status["overlays"]
    assert (overlay["bridge"], overlay["bridge_state"], overlay["mtu"]) == ("vxbr0", "up", 1450)
    assert overlay["looping_pairs"] == 0
    (tunnel,) = overlay["tunnels"]
    assert tunnel == {
        "peer": "lxd2",
        "address": "192.0.2.2",
        "host": None,
        "local": "192.0.2.1",
        "device": DEVICE,
        "vni": 10883308,
        "port": 4789,
        "mtu": 1450,
        "state": "up",
        "running": False,
        "in_sync": True,
        "since": None,
        "pending": [],
        "last_repair": {"what": "bring it up", "at": 999.0},
        "traffic": None,
        "learned_macs": None,
    }


@pytest.mark.parametrize(
    ("observed", "state"), [(Observed(), "missing"), (seen(), "up"), (seen(up=False), "down")]
)
def test_states_are_the_kernels(observed: Observed, state: str) -> None:
    """Of bridge and tunnel."""
    (overlay,) = report_status(replace(report(), observed=observed, repairs={}))["overlays"]
    assert overlay["bridge_state"] == state
    assert overlay["tunnels"][0]["state"] == state
    assert overlay["tunnels"][0]["last_repair"] is None


def test_what_is_pending_and_what_is_wrong_stands_with_its_tunnel() -> None:
    """And what is the whole node's apart."""
    chain = WriteChain("", "VXLAND", ("-j DROP",), (), ())
    status = report_status(report(Plan((UP, chain)), problems=(CONFLICT, HINT)))
    assert status["node_pending"] == [str(chain)]
    assert not status["in_sync"]
    (tunnel,) = status["overlays"][0]["tunnels"]
    assert tunnel["pending"] == [f"bring {DEVICE} up"]
    assert not tunnel["in_sync"]
    assert [problem["kind"] for problem in status["problems"]] == ["conflict", "hint"]
    assert status["problems"][1] == {
        "kind": "hint",
        "overlay": "lan",
        "peer": "lxd2",
        "device": DEVICE,
        "text": "worth knowing",
        "cure": "look",
        "since": None,
    }


def test_a_hint_leaves_a_tunnel_in_sync() -> None:
    """A conflict doesn't."""
    for problem, in_sync in ((HINT, True), (CONFLICT, False)):
        status = report_status(report(problems=(problem,)))
        assert status["overlays"][0]["tunnels"][0]["in_sync"] is in_sync


def test_status_says_when_guards_can_not_be_seen() -> None:
    """Without privilege, say."""
    unseen = Unavailable("not permitted")
    for observed, seen_to_hold in (
        (replace(seen(), ebtables=unseen), False),
        (replace(seen(), nftables=unseen), True),  # which isn't one of the overlay's
    ):
        (overlay,) = report_status(replace(report(), observed=observed))["overlays"]
        assert overlay["guards_seen"] is seen_to_hold


def test_a_problem_reads_as_a_sentence() -> None:
    """The cure follows where there is one."""
    assert str(HINT) == "worth knowing. look"
    assert str(CONFLICT) == "taken"
