"""Shared mode, case by case: one device a family, whose list changes entry by entry."""

from collections.abc import Iterable
from ipaddress import ip_address

import pytest
from msgspec.structs import replace

from tests.core.test_plan import do, home, only, said
from tests.fake import strangers as others
from tests.fake import vandalism as somebody
from tests.fake.drift import CROWD, CROWDED
from tests.fake.vandalism import Vandalism
from tests.fake.wishes import (
    LAN,
    host,
    known_addresses,
    led_to,
    over_ipv6,
    resolved,
    settings,
    wish,
)
from tests.fake_kernel import FakeKernel
from vxland.execution import Outcome, execute
from vxland.fights import Fight
from vxland.hazards import looping_pairs
from vxland.history.chronicle import Chronicle
from vxland.identity import SHARED, mac, shared_device
from vxland.loop.restraint import grounded
from vxland.model import Desired, VniKey
from vxland.observed import Link, Observed, VxlanState
from vxland.operations import AppendFlood, Operation, RemoveChain, RemoveFdb, Unisolate
from vxland.plan import Plan, plan
from vxland.problems import Kind
from vxland.report import ConfigState, Repair, Report
from vxland.resolve import resolve
from vxland.settings import OverlaySettings, PeerSettings, Settings, VxlanOptions
from vxland.status.build import Counts, report_status
from vxland.status.health import Examination
from vxland.traffic import Seen, Traffic
from vxland.underlay import traces

DEVICE, DEVICE6 = "vxl-lan", "vxl-lan6"
STRAY = "192.0.2.66"


def after(*deeds: Vandalism, desired: Desired = CROWD) -> Plan:
    """What is to be done after these deeds."""
    kernel = home(CROWD)
    for deed in deeds:
        do(deed, kernel)
    return plan(kernel.observe(), desired)


def both(guards: tuple[str, ...] = ("isolated",)) -> Settings:
    """The last of four peers is reached by IPv6."""
    plain = settings(replace(CROWDED, guards=guards))
    *others, last = plain.peers
    (moved,) = over_ipv6(replace(plain, peers=(last,))).peers
    return replace(plain, peers=(*others, moved))


def test_names() -> None:
    """As short as they can be, and with a digest where they can't."""
    assert (shared_device("lan", 4), shared_device("lan", 6)) == (DEVICE, DEVICE6)
    long = "a-rather-long-name"
    assert [shared_device(long, family) for family in (4, 6)] == [
        "vxl-a-ra-xbxjrp",
        "vxl-a-ra-xs7zpn",
    ]


def test_one_device_for_all() -> None:
    """Without a remote; with what all peers have, and a tunnel for each."""
    (vtep,) = CROWD.vteps()
    assert (vtep.peer, vtep.remote, vtep.vni_key) == ("*", None, VniKey(4711, 4789, 4))
    assert [tunnel.key for tunnel in CROWD.tunnels()] == [("lan", peer) for peer in "bcd"]
    made = plan(FakeKernel().observe(), CROWD)
    assert f"create {DEVICE} to all peers (VNI 4711)" in said(made)
    assert sum(isinstance(operation, AppendFlood) for operation in made.operations) == 3


def test_a_device_for_each_family() -> None:
    """That this node or a peer has: whoever knows this node by IPv4 sends so."""
    four, six = resolved(both()).vteps()
    assert (four.device, six.device, six.peer) == (DEVICE, DEVICE6, "*6")
    assert [remote.peer for remote in four.remotes] == ["b", "c"]
    assert [remote.peer for remote in six.remotes] == ["d"]
    plain = settings(CROWDED)
    others = over_ipv6(replace(plain, peers=plain.peers[1:]))
    here, there = resolved(replace(others, peers=(plain.peers[0], *others.peers))).vteps()
    assert (here.device, here.remotes, here.local) == (DEVICE, (), ip_address("192.0.2.1"))
    assert (there.device, len(there.remotes)) == (DEVICE6, 3)
    assert here.mtu == there.mtu == 1430


def test_behind_nat_it_sends_from_where_it_is() -> None:
    """As in a mesh: the address that the others know is on no interface."""
    (vtep,) = resolved(behind_nat()).vteps()
    (*_, pair) = resolved(behind_nat(LAN)).vteps()
    assert vtep.local == pair.local == ip_address("192.0.2.1")


def behind_nat(overlay: OverlaySettings = CROWDED) -> Settings:
    """This machine is listed by its router's address."""
    plain = settings(overlay)
    return replace(plain, peers=(PeerSettings("a", "198.51.100.7"), *plain.peers[1:]))


def test_without_peers_there_is_none() -> None:
    """Where all are disabled."""
    assert [*wish(CROWDED, off="bcd").vteps()] == []


@pytest.mark.parametrize(
    ("deed", "repairs"),
    [
        (
            somebody.flood_removed(DEVICE, "192.0.2.3"),
            [f"append 192.0.2.3 to the flood list of {DEVICE}"],
        ),
        (somebody.flood_added(DEVICE, STRAY), [f"remove flood entry to {STRAY} from {DEVICE}"]),
        (
            somebody.fdb_added(DEVICE, STRAY),
            [f"remove entry 02:00:00:00:fd:b0 to {STRAY} from {DEVICE}"],
        ),
        (somebody.fdb_added(DEVICE, STRAY, static=False), []),
        (somebody.fdb_added(DEVICE, "192.0.2.2", static=False), []),
        (
            somebody.remote(DEVICE, "192.0.2.3"),
            [
                f"set the remote of {DEVICE} to 0.0.0.0",
                f"append 192.0.2.3 to the flood list of {DEVICE}",
            ],
        ),
        (
            somebody.remote(DEVICE, STRAY),
            [
                f"set the remote of {DEVICE} to 0.0.0.0",
                f"remove flood entry to {STRAY} from {DEVICE}",
            ],
        ),
    ],
    ids=lambda value: None if isinstance(value, list) else value.command,
)
def test_drift(deed: Vandalism, repairs: list[str]) -> None:
    """The list exactly; what was learned stays."""
    assert said(after(deed)) == repairs


def test_a_peer_that_leaves_takes_what_was_learned_from_it() -> None:
    """First what was learned, then its entry; nothing else is touched."""
    deeds = (somebody.fdb_added(DEVICE, "192.0.2.4", static=False),)
    assert said(after(*deeds, desired=wish(CROWDED, off="d"))) == [
        "in inet vxland-ingress keep out 192.0.2.4",
        "count in inet vxland no more for 192.0.2.4",
        f"remove entry 02:00:00:00:fd:b0 to 192.0.2.4 from {DEVICE}",
        f"remove flood entry to 192.0.2.4 from {DEVICE}",
    ]


def test_an_address_that_is_not_known_keeps_its_entry() -> None:
    """Whichever it is: no entry that nobody explains goes meanwhile, and missing ones come."""
    waiting = resolved(settings(CROWDED), unknown="d")
    deeds = (somebody.flood_added(DEVICE, STRAY), somebody.flood_removed(DEVICE, "192.0.2.2"))
    made = after(*deeds, desired=waiting)
    assert said(made) == [f"append 192.0.2.2 to the flood list of {DEVICE}"]
    assert only(made, Kind.WAITING).peer == "d"


def test_a_peer_that_can_not_be_reached_from_here_keeps_nobody_elses_entry() -> None:
    """Its own address is known: a server that left must not go on getting what is flooded."""
    kernel = home(CROWD)
    *others, last = settings(CROWDED).peers
    (moved,) = over_ipv6(replace(settings(CROWDED), peers=(last,))).peers
    wanted = replace(settings(CROWDED), peers=(PeerSettings("a", "192.0.2.1"), *others[1:], moved))
    four = replace(host(), addresses=host().addresses[:1])
    desired = resolve(wanted, known_addresses(wanted), four)
    assert [problem.peer for problem in desired.overlays[0].waiting] == ["d"]
    assert said(plan(kernel.observe(), desired)) == [
        f"remove flood entry to 192.0.2.4 from {DEVICE}"
    ]


def test_while_no_address_is_known_all_stays() -> None:
    """With or without a guard: a lone port needs none."""
    for guards in ((), ("isolated",)):
        crowded = replace(CROWDED, guards=guards)
        kernel = home(wish(crowded))
        nobody = resolved(settings(crowded), unknown="bcd")
        assert [*nobody.vteps()] == []
        assert plan(kernel.observe(), nobody).operations == ()


def test_two_ports_without_a_guard_go_down_while_nobody_is_known() -> None:
    """Somebody took the guards away from two families' devices, and then the addresses went."""
    kernel = home(resolved(both()))
    do(somebody.isolation(DEVICE, on=False), kernel)
    nobody = resolved(both(guards=()), unknown="bcd")
    assert {f"take {device} down" for device in (DEVICE, DEVICE6)} <= {
        *said(plan(kernel.observe(), nobody))
    }


def test_a_device_of_a_family_that_is_not_known_stays() -> None:
    """The other one is kept true meanwhile."""
    wanted = both()
    kernel = home(resolved(wanted))
    without = replace(wanted, node=replace(wanted.node, address=ip_address("2001:db8::1")))
    lost = resolve(
        without,
        {"a": ip_address("192.0.2.1"), "d": ip_address("2001:db8::4")},
        host(),
    )
    assert [vtep.device for vtep in lost.vteps()] == [DEVICE6]
    assert plan(kernel.observe(), lost).operations == ()


def test_no_guard_is_needed() -> None:
    """Coming from one, the port stays up; two families need one, and the second stays down."""
    bare = replace(CROWDED, guards=())
    kernel = home(CROWD)
    outcomes = execute(plan(kernel.observe(), wish(bare)), kernel)
    assert [outcome.failure for outcome in outcomes] == [None] * len(outcomes)
    assert any(isinstance(outcome.operation, RemoveChain) for outcome in outcomes)
    assert plan(kernel.observe(), wish(bare)) == Plan()
    assert kernel.look().links[DEVICE].up
    two = resolved(both(guards=()))
    execute(plan(kernel.observe(), two), kernel)
    settled = plan(kernel.observe(), two)
    assert settled.operations == ()
    assert f"{DEVICE6} stays down" in only(settled, Kind.GUARD).text
    assert not kernel.look().links[DEVICE6].up


def test_from_guarded_families_to_none() -> None:
    """The second goes down before the guard goes."""
    kernel = home(resolved(both(guards=("isolated", "ebtables"))))
    bare = resolved(both(guards=()))
    outcomes = execute(plan(kernel.observe(), bare), kernel)
    assert [outcome.failure for outcome in outcomes] == [None] * len(outcomes)
    assert looping_pairs(kernel.look()) == frozenset()
    assert plan(kernel.observe(), bare).operations == ()


def test_a_port_without_a_guard_must_be_alone() -> None:
    """Whatever the plan believes: what is up in the bridge is looked at right before."""
    kernel = home(resolved(both()))
    bare = wish(replace(CROWDED, guards=()))
    ended = [op for op in plan(kernel.observe(), bare).operations if isinstance(op, Unisolate)]
    (unisolated,) = execute(Plan(tuple(ended)), kernel)
    assert unisolated.failure is not None
    assert f"it has no guard, and {DEVICE6} is in vxbr0 too" in unisolated.failure.text


def test_from_mesh_to_shared_and_back() -> None:
    """Old devices first; it is said what that interrupts."""
    kernel = home(wish(LAN))
    there = plan(kernel.observe(), CROWD)
    assert said(there)[:3] == [f"delete vxl-lan-{peer}" for peer in "bcd"]
    assert only(there, Kind.HINT).text.startswith(
        'overlay lan goes from mode = "mesh" to "shared": this node\'s tunnel devices (3) are'
        " deleted and one for all takes their place"
    )
    execute(there, kernel)
    assert plan(kernel.observe(), CROWD) == Plan()
    back = plan(kernel.observe(), wish(LAN))
    assert said(back)[0] == f"delete {DEVICE}"
    assert (
        'from mode = "shared" to "mesh": this node\'s tunnel devices (1) are deleted and one for'
        " each peer takes their place"
    ) in only(back, Kind.HINT).text
    execute(back, kernel)
    assert plan(kernel.observe(), wish(LAN)) == Plan()


def test_what_is_in_the_way_is_named() -> None:
    """With the line that gives the overlay another VNI."""
    kernel = FakeKernel()
    do(others.vxlan("other", 4711), kernel)
    made = plan(kernel.observe(), CROWD)
    problem = only(made, Kind.CONFLICT)
    assert problem.text.startswith(
        "VNI 4711 on port 4789, wanted for the tunnels of overlay lan, is held by other"
    )
    assert "give the overlay another VNI on every server: vni = 4712" in problem.cure


def turn(operations: Iterable[Operation], *, done: bool = True) -> Report:
    """A turn in which these were to be done."""
    listed = tuple(operations)
    links = {DEVICE: Link(DEVICE, "vxlan", up=True)}
    return Report(
        at=1000.0,
        duration=0.1,
        triggers=frozenset({"netlink"}),
        config=ConfigState("/etc/vxland.toml"),
        desired=CROWD,
        observed=Observed(links=links),
        plan=Plan(listed),
        outcomes=tuple(map(Outcome, listed)) if done else (),
        repaired=frozenset({DEVICE}),
    )


LOST = AppendFlood("lan", DEVICE, ip_address("192.0.2.3"))


def test_events_and_rows_are_each_peers() -> None:
    """Whose entry was lost is told, and nobody else is out of sync meanwhile."""
    chronicle = Chronicle(999.0)
    chronicle.turn(turn([LOST]))
    assert chronicle.events[-1].peer == "c"
    assert chronicle.events[-1].found == "192.0.2.3 not in its flood list"
    late = turn([LOST], done=False)
    examination = Examination(late)
    (overlay,) = CROWD.overlays
    assert [examination.tunnel(tunnel).in_sync for tunnel in overlay.tunnels()] == [
        True,
        False,
        True,
    ]
    (told,) = report_status(late)["overlays"]
    assert [tunnel["pending"] for tunnel in told["tunnels"]] == [[], [str(LOST)], []]
    assert told["pending"] == []


def test_what_is_about_the_device_is_about_all() -> None:
    """Told once, with the overlay."""
    lower = next(iter(after(somebody.mtu(DEVICE, 1300)).operations))
    late = turn([lower], done=False)
    (told,) = report_status(late)["overlays"]
    assert told["pending"] == [str(lower)]
    assert [tunnel["pending"] for tunnel in told["tunnels"]] == [[], [], []]
    assert not any(tunnel["in_sync"] for tunnel in told["tunnels"])


def test_the_last_repair_is_the_peers_or_the_devices() -> None:
    """Whichever was later."""
    report = turn([])
    _, tunnel, _ = CROWD.tunnels()
    whole, part = Repair("whole", 5.0), Repair("part", 6.0)
    both = {(DEVICE, ""): whole, (DEVICE, "c"): part}
    assert report.repair(tunnel) is None
    assert replace(report, repairs={(DEVICE, ""): whole}).repair(tunnel) == whole
    assert replace(report, repairs=both).repair(tunnel) == part
    assert replace(report, repairs={(DEVICE, "b"): part}).repair(tunnel) is None


def test_what_was_learned_is_each_peers_and_the_devices_traffic_nobodys() -> None:
    """The device counts for all together."""
    learned = {ip_address("192.0.2.3"): 7}
    seen = Seen(
        *(DEVICE, "vxland:lan:*", 5),
        up=True,
        running=True,
        mtu=1450,
        traffic=Traffic(receive_bytes=1),
        learned_macs=9,
        learned_from=learned,
    )
    (told,) = report_status(turn([]), counts=Counts.of({DEVICE: seen}))["overlays"]
    assert [row["learned_macs"] for row in told["tunnels"]] == [0, 7, 0]
    assert [row["traffic"] for row in told["tunnels"]] == [None, None, None]


def test_operations_say_where_they_lead() -> None:
    """So that they are a peer's."""
    entry = next(op for op in after(somebody.flood_added(DEVICE, STRAY)).operations)
    assert isinstance(entry, RemoveFdb)
    assert entry.leads_to == ip_address(STRAY)
    assert LOST.subject == (DEVICE, "flood 192.0.2.3")


def test_this_nodes_own_address_is_remembered_and_nobody_elses() -> None:
    """A flood entry has no name; a remote that somebody set is nobody's."""
    state = VxlanState(4711, 4789, ip_address("192.0.2.1"), ip_address(STRAY), VxlanOptions())
    link = Link(
        DEVICE, "vxlan", "vxland:lan:*", mac=mac("a", "lan", SHARED[4]), up=True, vxlan=state
    )
    seen = Observed(links={DEVICE: link})
    assert traces.ends(seen, "a") == {"a": ip_address("192.0.2.1")}


def test_a_fight_over_guards_is_not_one_over_none() -> None:
    """A port that needs no guard can't lose it."""
    fight = Fight(("VXLAND", "ebtables"), 0.0, 20, 1.0, 1.0)
    assert grounded(wish(replace(CROWDED, guards=())), [fight]) == frozenset()
    assert grounded(wish(replace(CROWDED, guards=("ebtables",))), [fight]) == {DEVICE}


def test_ten_thousand_peers() -> None:
    """Each has its entry and its counters, and one that leaves is an operation on each."""
    peers = [PeerSettings(f"p{n}", str(ip_address("198.18.0.0") + n)) for n in range(1, 10_001)]
    wanted = replace(settings(CROWDED), peers=(settings(CROWDED).peers[0], *peers))
    addresses = known_addresses(wanted)
    many = resolve(wanted, addresses, host())
    kernel = home(many)
    assert len(kernel.look().fdb[DEVICE]) == 10_000
    fewer = resolve(replace(wanted, peers=wanted.peers[:-1]), addresses, host())
    assert said(plan(kernel.observe(), fewer)) == [
        f"in inet vxland-ingress keep out {peers[-1].address}",
        f"count in inet vxland no more for {peers[-1].address}",
        f"remove flood entry to {peers[-1].address} from {DEVICE}",
    ]


def test_a_mesh_leads_to_one() -> None:
    """Its tunnel is its device."""
    (vtep, *_) = wish(OverlaySettings("lan", "vxbr0")).vteps()
    assert vtep.remote == vtep.remotes[0].address
    assert led_to(vtep, "z").peer == "z"
