"""What the daemon remembers: since when, and what happened."""

from ipaddress import ip_address, ip_interface

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.profiles import examples
from vxland import __version__
from vxland.execution import Failure, Outcome
from vxland.history.chronicle import A_TURN, AGAIN, EVENTS, Chronicle
from vxland.history.events import KINDS, Event, event_json
from vxland.model import Desired
from vxland.observed import Host, Link, LocalAddress, Observed
from vxland.operations import (
    BringUp,
    CreateVtep,
    Guarding,
    Operation,
    SetMtu,
    TakeDown,
    WriteChain,
)
from vxland.peers import addresses
from vxland.plan import Plan
from vxland.problems import Kind, Problem
from vxland.report import ConfigState, Report
from vxland.resolve import resolve
from vxland.settings import OverlaySettings, PeerSettings, Settings

DEVICE = "vxl-lan-lxd2"
TUNNEL = ("lan", "lxd2")
START = 1000.0
HERE = Host(addresses=(LocalAddress(ip_interface("10.0.0.1/8"), "eth0"),))
CONFLICT = Problem(Kind.CONFLICT, "taken by foo (pid 7)", "Go", "lan", "lxd2", DEVICE)
MTU = SetMtu("lan", DEVICE, 1450)
CHAIN = WriteChain("", "VXLAND", ("-j DROP",), (), ())


def mesh(peers: int = 3) -> Desired:
    """Of lxd1, with a tunnel to each of the others."""
    listed = tuple(
        PeerSettings(f"lxd{number}", str(ip_address("10.0.0.0") + number))
        for number in range(1, peers + 1)
    )
    settings = Settings(overlays=(OverlaySettings("lan", "vxbr0"),), peers=listed)
    return resolve(settings, addresses(listed), HERE)


def up(desired: Desired) -> Observed:
    """Everything there."""
    links = [Link(vtep.device, "vxlan", up=True) for vtep in desired.vteps()]
    return Observed(links={link.name: link for link in (Link("vxbr0", "bridge", up=True), *links)})


SMALL = mesh()
FINE = Report(
    at=START,
    duration=0.005,
    triggers=frozenset({"netlink"}),
    config=ConfigState("/etc/vxland.toml", "abc", 900.0),
    desired=SMALL,
    observed=up(SMALL),
    plan=Plan(),
)


def turn(at: float, *done: Operation, **changes: object) -> Report:
    """A turn at this moment in which these were done."""
    outcomes = tuple(Outcome(operation) for operation in done)
    made = replace(FINE, at=at, plan=Plan(tuple(done)), outcomes=outcomes)
    changes.setdefault("repaired", frozenset(operation.device for operation in done))
    return replace(made, **changes)


def begun() -> Chronicle:
    """A chronicle after its first turn."""
    chronicle = Chronicle(START - 1)
    chronicle.turn(FINE)
    return chronicle


def new(chronicle: Chronicle) -> list[Event]:
    """The events but the first, the start."""
    return list(chronicle.events[1:])


def test_the_start_is_an_event() -> None:
    """And says what is kept."""
    (event,) = begun().events
    assert event_json(event) == {
        "number": 1,
        "at": START,
        "first_at": START,
        "count": 1,
        "kind": "started",
        "overlay": "",
        "peer": "",
        "device": "",
        "found": "",
        "done": f"vxland {__version__} started, keeping overlay lan",
        "seconds": None,
        "who": "",
    }
    idle = Chronicle(START)
    idle.turn(replace(FINE, desired=Desired("lxd1", ())))
    assert idle.events[0].done.endswith("started, keeping nothing yet")


def test_a_repair_tells_all_that_is_known() -> None:
    """What was found, what was done, how long it took, and who it was."""
    chronicle = begun()
    chronicle.turn(turn(1010.0, MTU, CHAIN, culprits={DEVICE: "ip (pid 12)"}))
    assert new(chronicle) == [
        Event(
            "repaired",
            1010.0,
            "lan",
            "lxd2",
            DEVICE,
            found="MTU 1500 instead of 1450",
            done=str(MTU),
            seconds=0.005,
            who="ip (pid 12)",
            number=2,
            first_at=1010.0,
        ),
        Event(
            "repaired",
            1010.0,
            device="VXLAND",
            found="chain VXLAND missing",
            done=str(CHAIN),
            seconds=0.005,
            number=3,
            first_at=1010.0,
        ),
    ]


def test_what_a_new_configuration_brings_is_set_up() -> None:
    """Nobody broke it."""
    chronicle = begun()
    chronicle.turn(turn(1010.0, MTU, repaired=frozenset()))
    assert [event.kind for event in new(chronicle)] == ["set_up"]


def test_what_failed_is_no_repair() -> None:
    """The problem says so."""
    chronicle = begun()
    failed = Problem(Kind.FAILED, "could not", device=DEVICE)
    outcomes = (Outcome(MTU, Failure("could not")),)
    chronicle.turn(turn(1010.0, MTU, outcomes=outcomes, problems=(failed,)))
    assert [(event.kind, event.found) for event in new(chronicle)] == [("failed", "could not")]


def test_the_same_again_is_counted() -> None:
    """It goes to the end, with a new number, for as long as it comes within a minute."""
    chronicle = begun()
    chronicle.turn(turn(1010.0, MTU))
    chronicle.turn(turn(1011.0, CHAIN))
    chronicle.turn(turn(1010.0 + AGAIN, MTU))
    chronicle.turn(turn(1010.0 + 2 * AGAIN, MTU))
    chain, mtu = new(chronicle)
    assert (chain.device, chain.number) == ("VXLAND", 3)
    assert (mtu.count, mtu.first_at, mtu.at, mtu.number) == (3, 1010.0, 1010.0 + 2 * AGAIN, 5)
    chronicle.turn(turn(1011.0 + 3 * AGAIN, MTU))
    assert [(event.device, event.count) for event in new(chronicle)] == [
        ("VXLAND", 1),
        (DEVICE, 3),
        (DEVICE, 1),
    ]


def test_problems_come_and_go() -> None:
    """With who is seen, and how long they lasted; another process is no other problem."""
    chronicle = begun()
    chronicle.turn(turn(1010.0, problems=(CONFLICT,), culprits={DEVICE: "ip (pid 12)"}))
    assert chronicle.problem_since == {CONFLICT.identity: 1010.0}
    same = replace(CONFLICT, text="taken by foo (pid 8)")
    chronicle.turn(turn(1020.0, problems=(same,)))
    assert chronicle.problem_since == {CONFLICT.identity: 1010.0}
    chronicle.turn(turn(1040.0))
    assert chronicle.problem_since == {}
    came, went = new(chronicle)
    assert (came.kind, came.who, came.found) == (
        "problem",
        "ip (pid 12)",
        f"conflict: {CONFLICT.text}",
    )
    assert (came.overlay, came.peer, came.device) == ("lan", "lxd2", DEVICE)
    assert (went.kind, went.seconds, went.found) == ("resolved", 30.0, f"conflict: {same.text}")


def test_the_configuration_is_told_of() -> None:
    """Refused, good again, in force."""
    chronicle = begun()
    bad = replace(FINE.config, errors=("line 1: broken", "line 2: too"))
    assert chronicle.refused_at is None
    chronicle.turn(turn(1010.0, config=bad))
    chronicle.turn(turn(1020.0, config=bad))
    assert chronicle.refused_at == 1010.0
    chronicle.turn(turn(1030.0, config=replace(bad, errors=("line 3: broken",))))
    assert chronicle.refused_at == 1030.0
    chronicle.turn(turn(1040.0))
    assert chronicle.refused_at is None
    chronicle.turn(turn(1050.0, config=replace(FINE.config, digest="def")))
    assert [(event.kind, event.found, event.done) for event in new(chronicle)] == [
        (
            "config_refused",
            "line 1: broken, line 2: too",
            "the last good configuration stays in force",
        ),
        ("config_refused", "line 3: broken", "the last good configuration stays in force"),
        ("config_good_again", "", "/etc/vxland.toml is good again"),
        ("config_in_force", "", "/etc/vxland.toml is in force"),
    ]


def test_a_configuration_that_was_refused_at_the_start_is_refused_since_then() -> None:
    """The one that the daemon was started with is in force."""
    chronicle = Chronicle(START)
    chronicle.turn(replace(FINE, config=replace(FINE.config, errors=("broken",))))
    assert chronicle.refused_at == START
    assert [event.kind for event in chronicle.events] == ["started", "config_refused"]


def test_trouble_comes_and_goes() -> None:
    """A turn that couldn't begin is told once."""
    chronicle = begun()
    chronicle.trouble("kernel", "no kernel", 1010.0)
    chronicle.trouble("kernel", "no kernel", 1011.0)
    chronicle.trouble("kernel", None, 1012.0)
    came, went = new(chronicle)
    assert (came.kind, came.found, came.count) == ("trouble", "no kernel", 1)
    assert (went.kind, went.found, went.seconds) == ("resolved", "no kernel", 2.0)


def test_many_devices_are_a_few_events() -> None:
    """And how many more there are."""
    wide = mesh(A_TURN + 5)
    done = [SetMtu("lan", vtep.device, 1450) for vtep in wide.vteps()]
    chronicle = begun()
    chronicle.turn(turn(1010.0, *done, desired=wide, observed=up(wide)))
    told = new(chronicle)
    assert len(told) == A_TURN + 1
    assert (told[-1].kind, told[-1].found, told[-1].device) == (
        "repaired",
        "and 4 more devices",
        "",
    )


def test_since_when_a_tunnel_is_as_it_is() -> None:
    """It changes with its state, and with whether it is as wanted; the others don't."""
    chronicle = begun()
    before = chronicle.since
    assert set(before.values()) == {START}
    links = dict(FINE.observed.links)
    links[DEVICE] = replace(links[DEVICE], up=False)
    chronicle.turn(turn(1010.0, observed=Observed(links=links)))
    assert chronicle.since == {TUNNEL: 1010.0, ("lan", "lxd3"): START}
    assert chronicle.overlay_since == {"lan": 1010.0}
    assert before[TUNNEL] == START  # who holds the old one isn't disturbed
    chronicle.turn(turn(1020.0, problems=(CONFLICT,)))
    assert chronicle.since[TUNNEL] == 1020.0
    chronicle.turn(turn(1030.0, problems=(CONFLICT,)))
    assert chronicle.since[TUNNEL] == 1020.0
    assert chronicle.node_since == 1020.0
    chronicle.turn(turn(1040.0, MTU, outcomes=()))
    assert chronicle.since[TUNNEL] == 1020.0  # still not as wanted
    assert chronicle.overlay_since == {"lan": 1010.0}
    chronicle.turn(turn(1050.0))
    assert (chronicle.since[TUNNEL], chronicle.node_since) == (1050.0, 1050.0)
    assert chronicle.overlay_since == {"lan": 1050.0}


def test_a_clock_that_is_set_back_makes_nothing_the_future() -> None:
    """Since is at the latest now."""
    chronicle = begun()
    chronicle.turn(turn(1010.0, MTU, problems=(CONFLICT,)))
    chronicle.turn(turn(10.0, MTU, problems=(CONFLICT,)))
    assert chronicle.since == {TUNNEL: 10.0, ("lan", "lxd3"): 10.0}
    assert chronicle.node_since == 10.0
    assert chronicle.problem_since == {CONFLICT.identity: 10.0}
    assert new(chronicle)[-1].first_at == 10.0
    chronicle.turn(turn(5.0))
    assert new(chronicle)[-1].seconds == 0.0


def test_what_is_put_right_at_once_is_no_change_of_state() -> None:
    """The tunnel is as it was; that it was put right is an event, and its last repair."""
    chronicle = begun()
    vtep = next(SMALL.vteps())
    make = CreateVtep("lan", vtep.device, vtep)
    raise_it = BringUp("lan", vtep.device, Guarding(vtep.device, ()))
    gone = Observed(links={n: k for n, k in FINE.observed.links.items() if n != vtep.device})
    chronicle.turn(turn(1010.0, make, raise_it, observed=gone))
    assert set(chronicle.since.values()) == {START}
    assert set(chronicle.overlay_since.values()) == {START}
    assert [event.kind for event in new(chronicle)] == ["repaired"]


def test_a_port_that_could_loop_is_secured() -> None:
    """It is down from then on."""
    chronicle = begun()
    hazard = Problem(Kind.HAZARD, "a tunnel of somebody's", overlay="lan")
    down = TakeDown("lan", DEVICE)
    nobody: frozenset[str] = frozenset()
    chronicle.turn(
        turn(1010.0, down, repaired=nobody, secured=frozenset({DEVICE}), problems=(hazard,))
    )
    assert [event.kind for event in new(chronicle)] == ["secured", "problem"]
    assert chronicle.since["lan", "lxd2"] == 1010.0
    assert chronicle.since["lan", "lxd3"] == START


def test_a_tunnel_that_is_waited_for_is_what_it_was() -> None:
    """Its address comes and goes; its device stays."""
    chronicle = begun()
    (overlay,) = SMALL.overlays
    first, *others = overlay.vteps
    wait = Problem(Kind.WAITING, "no address", overlay="lan", peer=first.peer)
    late = Problem(Kind.WAITING, "no address", overlay="lan", peer="new")
    fewer = replace(overlay, vteps=tuple(others), waiting=(wait, late))
    chronicle.turn(turn(1010.0, desired=replace(SMALL, overlays=(fewer,))))
    chronicle.turn(turn(1020.0))
    assert chronicle.since == {("lan", vtep.peer): START for vtep in overlay.vteps}


@examples(60)
@given(
    st.lists(
        st.tuples(
            st.floats(0, 90),
            st.lists(st.sampled_from([MTU, CHAIN, SetMtu("lan", "vxl-lan-lxd3", 1400)])),
            st.sets(st.sampled_from("abcdefghi")),
            st.booleans(),
        ),
        max_size=60,
    )
)
def test_whatever_happens(story: list[tuple[float, list[Operation], set[str], bool]]) -> None:
    """Events are few, their numbers grow, none is lost in counting, and nothing is in future."""
    chronicle, at, told = begun(), START, 1
    problems: set[str] = set()
    for pause, done, wrong, drift in story:
        at += pause
        repaired = frozenset(op.device for op in done) if drift else frozenset()
        report = turn(
            at,
            *done,
            repaired=repaired,
            problems=tuple(Problem(Kind.HAZARD, text) for text in sorted(wrong)),
        )
        chronicle.turn(report)
        told += len({operation.device for operation in done}) + len(problems ^ wrong)
        problems = wrong
        numbers = [event.number for event in chronicle.events]
        assert numbers == sorted(set(numbers))
        assert len(numbers) <= EVENTS
        times = [*chronicle.since.values(), chronicle.node_since, *chronicle.problem_since.values()]
        times += chronicle.overlay_since.values()
        times += [event.at for event in chronicle.events]
        assert max(times) <= at
        assert all(event.first_at <= event.at for event in chronicle.events)
        assert {event.kind for event in chronicle.events} <= set(KINDS)
        assert chronicle.problem_since.keys() == {p.identity for p in report.problems}
    if len(chronicle.events) < EVENTS:
        assert sum(event.count for event in chronicle.events) == told


@pytest.mark.parametrize("count", [EVENTS, EVENTS + 1, 3 * EVENTS])
def test_the_events_are_bounded(count: int) -> None:
    """The oldest go, and with them what they were known by."""
    chronicle = begun()
    for number in range(count):
        chronicle.trouble("kernel", f"trouble {number}", START + number)
    assert len(chronicle.events) == EVENTS
    assert chronicle.events[-1].found == f"trouble {count - 1}"
    assert len(chronicle._latest) == EVENTS


def test_what_was_told_anew_is_still_known_when_the_old_goes() -> None:
    """Two events of one identity, more than a minute apart."""
    chronicle = begun()
    chronicle.turn(turn(1010.0, MTU))
    chronicle.turn(turn(2000.0, MTU))
    for number in range(EVENTS - 1):
        chronicle.trouble("kernel", f"trouble {number}", 2000.0)
    assert chronicle.events[0].at == 2000.0
    chronicle.turn(turn(2001.0, MTU))
    assert [event.count for event in chronicle.events if event.device] == [2]


def test_nothing_new_is_nothing_new_to_be_kept() -> None:
    """Of thousands of tunnels, whose times would be made anew at each turn."""
    chronicle = Chronicle(START)
    chronicle.turn(turn(START + 1))
    since = chronicle.since
    chronicle.turn(turn(START + 2))
    assert chronicle.since is since
    chronicle.turn(turn(START + 3, observed=Observed()))
    assert chronicle.since is not since
    assert chronicle.since == dict.fromkeys(since, START + 3)
