"""Taking over what something else made: what is done, in which order, and what is said."""

from collections.abc import Iterable
from ipaddress import ip_address

import pytest
from msgspec.structs import replace

from tests.core.handmade import NIC, adopting
from tests.fake import strangers as others
from tests.fake import vandalism as somebody
from tests.fake.vandalism import Vandalism
from tests.fake.wishes import ADDRESSES, LAN, host, led_to, wish
from tests.fake_kernel import FakeKernel
from vxland.execution import execute
from vxland.model import Desired, Vtep
from vxland.observed import Host, Observed, Route, Unavailable
from vxland.plan import Plan, plan, plan_teardown
from vxland.problems import Kind
from vxland.settings import SHARED, OverlaySettings, VniScheme, VxlanOptions

BRIDGE = "vxbr0"
SCRIPTS = replace(LAN, vni=VniScheme.INDEX, adopt=True, options=VxlanOptions(learning=True))
WANTED = wish(SCRIPTS)
VTEPS = {vtep.device: vtep for vtep in WANTED.vteps()}
MADE = (others.bridge(BRIDGE), somebody.set_up(BRIDGE))
RULES = tuple(
    somebody.ebtables(f"-A FORWARD -i {one} -o {other} -j DROP")
    for one in VTEPS
    for other in VTEPS
    if one != other
)


def script(
    wanted: Iterable[Vtep] = VTEPS.values(), *, rules: bool = True, dev: str = ""
) -> tuple[Vandalism, ...]:
    """What vxlansetup.sh does: bound to a card, its devices' MTU is that one's minus 50."""
    tunnels = [
        step
        for vtep in wanted
        for step in (
            others.tunnel(vtep, dev=dev),
            somebody.mtu(vtep.device, 1450),
            somebody.put_into(vtep.device, BRIDGE),
        )
    ]
    return (others.veth(NIC), *MADE, *(RULES if rules else ()), *tunnels)


def after(*steps: Vandalism, live: bool = False) -> FakeKernel:
    """A kernel once all this was done to it."""
    kernel = FakeKernel()
    kernel.net.renames_live = live
    for step in steps:
        assert step.apply(kernel), step
    return kernel


def look(kernel: FakeKernel, seen_by: Host | None = None) -> Observed:
    """All of it, others' rules too."""
    seen = kernel.observe(others=True)
    return seen if seen_by is None else replace(seen, host=seen_by)


def said(made: Plan) -> list[str]:
    """What a plan does, in words."""
    return [str(operation) for operation in made.operations]


def wishing(settings: OverlaySettings = SCRIPTS, **changes: object) -> Desired:
    """What is wanted with another overlay."""
    return wish(replace(settings, **changes))


def only(made: Plan) -> str:
    """The one thing that a plan has to say."""
    (problem,) = made.problems
    return str(problem)


def test_the_order_leaves_no_gap() -> None:
    """The MAC is pinned and guards are armed, then come the marks; the script's rules go last."""
    made = plan(look(after(*script())), WANTED)
    lines = said(made)
    assert lines[:10] == [
        "write ebtables chain VXLAND (1 rule), first in FORWARD",
        "write nftables table inet vxland-ingress (3 VNIs filtered)",
        "keep the MAC of vxbr0 as it is (02:76:78:62:72:30)",
        "isolate vxlan0",
        "isolate vxlan1",
        "isolate vxlan2",
        "take over bridge vxbr0 for overlay lan",
        "take over vxlan0 for peer b of overlay lan",
        "take over vxlan1 for peer c of overlay lan",
        "take over vxlan2 for peer d of overlay lan",
    ]
    assert lines[-1] == "remove 6 rules that vxland's guards replace from ebtables FORWARD"
    assert not any("down" in line or "delete" in line for line in lines)
    assert made.problems == ()


def test_what_was_taken_over_is_vxlands() -> None:
    """With the MAC address that the bridge had; ``down`` removes it."""
    kernel = after(*script())
    mac = kernel.net.by_name(BRIDGE).mac
    execute(plan(look(kernel), WANTED), kernel)
    for wanted in (WANTED, adopting(WANTED, adopt=False)):
        assert plan(look(kernel), wanted) == Plan()
    bridge = kernel.net.by_name(BRIDGE)
    assert bridge.mac == mac
    assert f"vxland-lan={mac.replace(':', '')}" in bridge.altnames
    bridge.mac = "02:00:00:00:00:66"
    assert said(plan(look(kernel), WANTED)) == [f"set the MAC of vxbr0 to {mac}"]
    execute(plan_teardown(look(kernel)), kernel)
    assert {device.name for device in kernel.net.devices.values()} == {"lo", NIC, f"{NIC}-peer"}


def test_a_flood_list_does_what_a_remote_would() -> None:
    """As ifupdown2 makes devices, whose remote is set in place; but no other list does."""
    cleared = somebody.remote("vxlan1", "0.0.0.0")
    kernel = after(*script(), cleared, somebody.flood_added("vxlan1", "192.0.2.3"))
    lines = said(plan(look(kernel), WANTED))
    assert "take over vxlan1 for peer c of overlay lan" in lines
    assert "set the remote of vxlan1 to 192.0.2.3" in lines
    execute(plan(look(kernel), WANTED), kernel)
    assert plan(look(kernel), WANTED) == Plan()
    kernel = after(*script(), cleared, somebody.flood_added("vxlan1", "192.0.2.66"))
    assert "vxlan1 isn't taken over: it leads to no one peer, and" in only(
        plan(look(kernel), WANTED)
    )


def test_without_adopt_nothing_is_taken_over_and_the_cure_says_how() -> None:
    """Once for each device, whatever it holds."""
    made = plan(look(after(*script())), adopting(WANTED, adopt=False))
    assert {type(operation).__name__ for operation in made.operations} == {"WriteChain"}
    assert [(told.device, told.peer, told.kind) for told in made.problems] == [
        (vtep.device, vtep.peer, Kind.HAZARD) for vtep in VTEPS.values()
    ]
    assert str(made.problems[0]) == (
        "vxlan0 is as the tunnel to b should be, but isn't vxland's, and stays as it is; frames"
        " could loop, so vxland's own ports in its bridge are down meanwhile. Take it over: vxland"
        " plan --adopt shows how. Or remove it: ip link del vxlan0"
    )
    alone = after(*MADE, others.tunnel(VTEPS["vxlan0"]))
    (told,) = plan(look(alone), adopting(WANTED, adopt=False)).problems
    assert told.kind is Kind.CONFLICT
    assert (
        told.text
        == "vxlan0 is as the tunnel to b should be, but isn't vxland's, and stays as it is"
    )


@pytest.mark.parametrize("guards", [("isolated",), ("nftables",)])
def test_rules_go_whatever_guards(guards: tuple[str, ...]) -> None:
    """Those of the script are needed no more. It was run twice."""
    kernel = after(*script(), *RULES, somebody.ebtables("-A FORWARD -i vxlan0 -o g0 -j DROP"))
    execute(plan(look(kernel), wishing(guards=guards)), kernel)
    assert kernel.filter.chains["FORWARD"].rules == ["-i vxlan0 -o g0 -j DROP"]


def test_rules_that_name_anything_else_stay() -> None:
    """Also what names a tunnel to be that isn't vxland's."""
    kept = (
        *("-i vxlan0 -o g0 -j DROP", "-i vxlan0 -j DROP", "-i vxlan0 -o vxlan1 -j ACCEPT"),
        "-i vxlan0 -o vxlan2 -j DROP",
    )
    kernel = after(
        *script(list(VTEPS.values())[:2], rules=False),
        others.veth("vxlan2"),
        *(somebody.ebtables(f"-A FORWARD {rule}") for rule in kept),
        RULES[0],
    )
    execute(plan(look(kernel), WANTED), kernel)
    assert kernel.filter.chains["FORWARD"].rules == ["-i vxlan+ -o vxlan+ -j VXLAND", *kept]


def test_rules_of_devices_to_be_renamed_go_while_they_have_their_names() -> None:
    """Later nobody could tell whose they were."""
    names = dict(zip(VTEPS, ("vx0", "vx1", "vxlan2"), strict=True))
    kernel = after(
        *MADE,
        *(others.tunnel(vtep, names[vtep.device]) for vtep in VTEPS.values()),
        *(somebody.put_into(name, BRIDGE) for name in names.values()),
        somebody.ebtables("-A FORWARD -i vx0 -o vx1 -j DROP"),
        somebody.ebtables("-A FORWARD -i vx1 -o vxlan2 -j DROP"),
        live=True,
    )
    lines = said(made := plan(look(kernel), WANTED))
    gone = lines.index("remove 2 rules that vxland's guards replace from ebtables FORWARD")
    assert lines.index("take over vx1 for peer c of overlay lan") < gone
    assert gone < lines.index("rename vx0 to vxlan0")
    assert not any("down" in line for line in lines)
    execute(made, kernel)
    assert plan(look(kernel), WANTED) == Plan()


@pytest.mark.parametrize(("live", "guards"), [(False, ("isolated",)), (True, ("ebtables",))])
def test_a_rename_may_need_it_down(*, live: bool, guards: tuple[str, ...]) -> None:
    """On old kernels; and where the guard goes by the name."""
    (vtep, *_) = VTEPS.values()
    kernel = after(
        *MADE,
        others.tunnel(vtep, "vxlan7"),
        somebody.put_into("vxlan7", BRIDGE),
        live=live,
    )
    lines = said(plan(look(kernel), wishing(guards=guards)))
    assert lines.index("take over vxlan7 for peer b of overlay lan") < lines.index(
        "take vxlan7 down"
    )


def test_a_bound_device_stays_bound_where_its_peers_are_reached_that_way() -> None:
    """After it was taken over, too; else it is made anew."""
    kernel = after(*script(dev=NIC))
    routes = {ip_address(address): Route(NIC, 1500) for address in ADDRESSES.values()}
    here = replace(host(), routes=routes)
    execute(plan(look(kernel, here), WANTED), kernel)
    assert plan(look(kernel, here), WANTED) == Plan()
    other = replace(here, routes=dict.fromkeys(routes, Route("eth1", 1500)))
    made = plan(look(kernel, other), WANTED)
    assert "delete vxlan0" in said(made)
    small = replace(here, mtus={NIC: 1400})
    assert "delete vxlan0" in said(plan(look(kernel, small), WANTED))


def refusal(
    *steps: Vandalism, wanted: Desired = WANTED, seen_by: Host | None = None
) -> tuple[str, str]:
    """What is said of the one device in the way, where nothing is done at all."""
    kernel = after(*steps)
    made = plan(look(kernel, seen_by), wanted)
    assert made.operations == ()
    (problem,) = made.problems
    assert problem.kind is Kind.HAZARD
    return problem.text.removesuffix(
        "; so nothing in bridge vxbr0 is, and all there stays as it is"
    ), problem.cure


@pytest.mark.parametrize(
    ("steps", "text"),
    [
        (
            (somebody.remote("vxlan1", "192.0.2.66"),),
            "vxlan1 isn't taken over: it leads to 192.0.2.66, and the file wants 192.0.2.3 there",
        ),
        (
            (others.vxlan("vxlan9", 99), somebody.put_into("vxlan9", BRIDGE)),
            "vxlan9 isn't taken over: no tunnel of the overlay has VNI 99 on port 4789",
        ),
        (
            (
                others.vxlan("vxlan9", 99, remote=ADDRESSES["b"]),
                somebody.put_into("vxlan9", BRIDGE),
            ),
            (
                "vxlan9 isn't taken over: it leads to b (192.0.2.2), with VNI 99 on port 4789, and"
                " the file wants 0 on 4789 there"
            ),
        ),
        (
            (
                somebody.deleted("vxlan1"),
                others.zero_csum6_vxlan("vxlan1", 1, "2001:db8::2"),
                somebody.put_into("vxlan1", BRIDGE),
            ),
            "vxlan1 isn't taken over: no tunnel of the overlay has VNI 1 on port 4789",
        ),
        (
            (
                somebody.deleted("vxlan1"),
                others.veth("vxlan1"),
                others.tunnel(VTEPS["vxlan1"], "vx1"),
                somebody.put_into("vx1", BRIDGE),
            ),
            "vx1 isn't taken over: the name vxlan1, which it would get, is held by vxlan1",
        ),
        (
            (
                somebody.deleted("vxlan1"),
                others.tunnel(VTEPS["vxlan1"], udp_csum="noudpcsum"),
                somebody.put_into("vxlan1", BRIDGE),
            ),
            "vxlan1 isn't taken over: its udp_csum is false",
        ),
    ],
)
def test_what_is_in_the_way_is_named_and_nothing_changes(
    steps: tuple[Vandalism, ...], text: str
) -> None:
    """With what differs; and all the others stay as they are."""
    told, cure = refusal(*script(), *steps)
    assert told == text
    assert "ip link del " in cure


def test_a_tunnel_of_another_kind_is_in_the_way() -> None:
    """It may be allowed by name."""
    kernel = after(*script(), others.veth("gre0"), somebody.put_into("gre0", BRIDGE))
    kernel.net.by_name("gre0").kind = "gretap"
    made = plan(look(kernel), WANTED)
    assert made.operations == ()
    assert only(made) == (
        "gre0 isn't taken over: it is a gretap device; so nothing in bridge vxbr0 is, and all there"
        " stays as it is. Add its peer to the file; or, if it can't loop, allow it:"
        ' allow_tunnel_ports = ["gre0"] in overlay lan; or remove it: ip link del gre0'
    )
    allowing = wishing(allow_tunnel_ports=frozenset({"gre0"}))
    assert "take over vxlan0 for peer b of overlay lan" in said(plan(look(kernel), allowing))


def test_guards_armed_earlier_stay_while_something_is_in_the_way() -> None:
    """Also those of a takeover that was cut off."""
    kernel = after(*script())
    execute(Plan(plan(look(kernel), WANTED).operations[:1]), kernel)
    assert others.vxlan("vxlan9", 99).apply(kernel)
    assert somebody.put_into("vxlan9", BRIDGE).apply(kernel)
    assert plan(look(kernel), WANTED).operations == ()


def test_what_is_in_the_way_later_takes_vxlands_ports_down() -> None:
    """What isn't vxland's and isn't guarded could loop with them."""
    kernel = after(*script())
    execute(plan(look(kernel), WANTED), kernel)
    assert others.vxlan("vxlan9", 99).apply(kernel)
    assert somebody.put_into("vxlan9", BRIDGE).apply(kernel)
    made = plan(look(kernel), WANTED)
    assert said(made) == [f"take vxlan{number} down" for number in range(3)]
    assert [problem.kind for problem in made.problems] == [Kind.HAZARD]


def test_a_near_miss_next_to_vxlands_own_is_named() -> None:
    """Its VNI is taken, and it is a hazard."""
    kernel = after(*script(list(VTEPS.values())[:2]))
    execute(plan(look(kernel), WANTED), kernel)
    assert somebody.deleted("vxlan2").apply(kernel)
    assert others.tunnel(VTEPS["vxlan2"], "vx2", udp_csum="noudpcsum").apply(kernel)
    assert somebody.put_into("vx2", BRIDGE).apply(kernel)
    made = plan(look(kernel), WANTED)
    assert [problem.kind for problem in made.problems] == [Kind.HAZARD, Kind.CONFLICT]
    assert made.problems[0].text.startswith("vx2 isn't taken over: its udp_csum is false")


@pytest.mark.parametrize("adopt", [True, False])
def test_what_one_overlay_makes_of_a_device_hides_nothing_of_anothers(*, adopt: bool) -> None:
    """It has the VNI that one wants, and the name that the other wants for its bridge."""
    first = replace(next(iter(VTEPS.values())), device=BRIDGE)
    other = replace(LAN, name="dmz", bridge=BRIDGE)
    kernel = after(others.tunnel(first, udp_csum="noudpcsum"))
    made = plan(look(kernel), wish(replace(SCRIPTS, adopt=adopt, bridge="vxbr1"), other))
    assert {problem.overlay for problem in made.problems} == {"lan", "dmz"}


def test_a_device_in_no_bridge_is_taken_over_and_attached() -> None:
    """And a bridge without tunnels of the overlay isn't."""
    (vtep, *_) = VTEPS.values()
    kernel = after(*MADE, others.tunnel(vtep))
    made = plan(look(kernel), WANTED)
    lines = said(made)
    assert lines.index("take over vxlan0 for peer b of overlay lan") < lines.index(
        "take vxlan0 down"
    )
    assert not any("bridge vxbr0" in line for line in lines)
    execute(made, kernel)
    assert plan(look(kernel), WANTED) == Plan()
    assert kernel.net.by_name(BRIDGE).altnames == set()


def test_a_device_in_another_bridge_is_a_conflict() -> None:
    """The others are taken over all the same."""
    first, *rest = VTEPS.values()
    kernel = after(
        *script(rest),
        others.bridge("br9"),
        others.tunnel(first),
        somebody.put_into(first.device, "br9"),
    )
    made = plan(look(kernel), WANTED)
    assert "take over vxlan1 for peer c of overlay lan" in said(made)
    texts = [problem.text for problem in made.problems]
    assert texts == ["vxlan0 isn't taken over: it is a port of br9, not vxbr0"] * 1


@pytest.mark.parametrize(
    ("port", "behind", "taken"),
    [
        (others.veth("g0"), "eth0", True),
        (others.macvlan("g0", NIC), "eth0", False),
        (others.veth("g0"), BRIDGE, False),
    ],
    ids=["a guest's", "into the machine's network", "the peers are behind it"],
)
def test_a_bridge_of_the_machines_own_is_used_as_it_is(
    port: Vandalism, behind: str, *, taken: bool
) -> None:
    """Its tunnels are taken over."""
    kernel = after(*script(), port, somebody.put_into("g0", BRIDGE))
    routes = dict.fromkeys(host().routes, Route(behind, 1500))
    lines = said(plan(look(kernel, replace(host(), routes=routes)), WANTED))
    assert ("take over bridge vxbr0 for overlay lan" in lines) is taken
    assert "take over vxlan0 for peer b of overlay lan" in lines


def test_a_guard_must_reach_every_port() -> None:
    """By its name, if it goes by names."""
    (vtep, *_) = VTEPS.values()
    kernel = after(*MADE, others.tunnel(vtep, "wide0"), somebody.put_into("wide0", BRIDGE))
    made = plan(look(kernel), wishing(guards=("ebtables",)))
    assert made.operations == ()
    assert only(made).startswith(
        "wide0 isn't taken over: no guard of the overlay (ebtables) reaches a port of its name, as"
        ' "isolated" would;'
    )


def test_nothing_is_taken_over_while_a_guard_or_the_bridge_cant_be_had() -> None:
    """The overlay is left as it is."""
    kernel = after(*script())
    kernel.no_ebtables = Unavailable("it is gone")
    made = plan(look(kernel), WANTED)
    assert made.operations == ()
    assert Kind.GUARD in {problem.kind for problem in made.problems}
    kernel = after(others.veth(BRIDGE), others.tunnel(VTEPS["vxlan0"]))
    assert not any("take over" in line for line in said(plan(look(kernel), WANTED)))


def test_a_smaller_mtu_is_told() -> None:
    """Where the file says none, and devices had more: what it costs, and how to keep it."""
    grown = [somebody.mtu(name, 8950) for name in (NIC, *VTEPS, BRIDGE)]
    steps = (*script(), *grown, others.veth("g0"), somebody.put_into("g0", BRIDGE))
    told = only(plan(look(after(*steps)), WANTED))
    assert told == (
        "the MTU of overlay lan goes from 8950 down to 1450 as its tunnels are taken over: what"
        " guests send in larger packets passes now, and is lost then; such guests: g0 (1500). To"
        " keep it: mtu = 8950 in overlay lan, on every server. Else give the guests an MTU of 1450"
        " before"
    )
    alone = after(*script(), somebody.mtu("vxlan1", 1500))
    assert (
        "goes from 1500 down to 1450 as its tunnels are taken over: what guests send in larger"
        in (only(plan(look(alone), WANTED)))
    )
    many = [
        step
        for n in range(4)
        for step in (others.veth(f"g{n}"), somebody.put_into(f"g{n}", BRIDGE))
    ]
    assert "g2 (1500) and others. To keep" in only(
        plan(look(after(*script(), *grown, *many)), WANTED)
    )
    kept = plan(look(after(*script(), *grown)), wishing(mtu=8950))
    assert kept.problems == ()
    assert not any("MTU of vxlan" in line for line in said(kept))


def test_a_shared_device_is_taken_over() -> None:
    """Without a guard only where it is alone."""
    wanted = wishing(mode=SHARED, vni=7)
    (vtep,) = [vtep for vtep in wanted.vteps() if vtep.local.version == 4]
    steps = (*MADE, others.tunnel(vtep), somebody.put_into(vtep.device, BRIDGE))
    assert "take over vxl-lan for overlay lan" in said(plan(look(after(*steps)), wanted))
    bare = wishing(mode=SHARED, vni=7, guards=())
    assert "take over vxl-lan for overlay lan" in said(plan(look(after(*steps)), bare))
    more = (others.vxlan("fvx0", 9), somebody.put_into("fvx0", BRIDGE))
    allowing = wishing(mode=SHARED, vni=7, guards=(), allow_tunnel_ports=frozenset({"fvx0"}))
    told = [problem.text for problem in plan(look(after(*steps, *more)), allowing).problems]
    assert told[0].startswith(
        "vxl-lan isn't taken over: it isn't alone in its bridge, and the overlay has guard = []"
    )


def test_another_order_of_peers_is_told() -> None:
    """The script's list on this server has two of them the other way round."""
    b, c, d = VTEPS.values()
    swapped = (led_to(b, "c", ADDRESSES["c"]), led_to(c, "b", ADDRESSES["b"]), d)
    made = plan(look(after(*script(swapped))), WANTED)
    assert made.operations == ()
    for problem in made.problems:
        assert "vxland import-script makes it" in problem.cure
    assert [problem.device for problem in made.problems] == ["vxlan0", "vxlan1"]
    told = plan(look(after(*script(swapped))), adopting(WANTED, adopt=False)).problems
    assert [problem.device for problem in told] == ["vxlan0", "vxlan1", "vxlan2"]
    assert told[0].text.startswith(
        "vxlan0 isn't vxland's, and stays as it is: it leads to 192.0.2.3, and the file wants"
        " 192.0.2.2 there; frames could loop"
    )
    assert told[0].cure == made.problems[0].cure
    assert told[2].cure.startswith("Take it over")


def test_a_shared_device_that_leads_to_one_peer_differs() -> None:
    """It would flood to that one only."""
    wanted = wishing(mode=SHARED, vni=7)
    vtep = led_to(next(wanted.vteps()), "b", ADDRESSES["b"])
    kernel = after(*MADE, others.tunnel(vtep), somebody.put_into("vxl-lan", BRIDGE))
    assert "it leads to 192.0.2.2, and the file wants all peers there" in only(
        plan(look(kernel), wanted)
    )


def test_a_peer_that_has_a_tunnel_gets_no_second_one() -> None:
    """The one that is vxland's stands for it."""
    kernel = after(*script(list(VTEPS.values())[:1]))
    execute(plan(look(kernel), WANTED), kernel)
    moved = replace(VTEPS["vxlan0"], port=4790)
    assert others.tunnel(moved, "vx0").apply(kernel)
    wanted = wishing(port=4790)
    texts = [problem.text for problem in plan(look(kernel), wanted).problems]
    assert "vx0 isn't taken over: vxlan0, which is vxland's, stands for that peer" in texts


def test_nothing_is_taken_over_before_this_machine_is_known() -> None:
    """It isn't known what should be there."""
    made = plan(look(after(*script())), replace(WANTED, node=""))
    assert not any("take over" in line for line in said(made))


def test_a_takeover_that_was_cut_off_takes_nothing_down() -> None:
    """A tunnel that lacks only the mark, and is guarded, is no hazard to those that have it."""
    steps = plan(look(after(*script())), WANTED).operations
    for done in range(len(steps) + 1):
        kernel = after(*script())
        execute(Plan(steps[:done]), kernel)
        made = plan(look(kernel), adopting(WANTED, adopt=False))
        assert [line for line in said(made) if "down" in line or "delete" in line] == []
        execute(made, kernel)
        execute(plan(look(kernel), WANTED), kernel)
        assert plan(look(kernel), WANTED) == Plan()
