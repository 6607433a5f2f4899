"""Who is let in: what is wanted, what is done, and what is left alone."""

from collections.abc import Iterable
from ipaddress import ip_address

import pytest
from msgspec.structs import replace

from tests.core.watch import Watch
from tests.fake import strangers as others
from tests.fake import vandalism as somebody
from tests.fake.ingress_drift import INGRESS, VNI_B
from tests.fake.tally_drift import SHARED, SHARED_LAN
from tests.fake.wishes import (
    LAN,
    PEERS,
    address6,
    host,
    known_addresses,
    over_ipv6,
    resolved,
    settings,
    wish,
)
from tests.fake_kernel import FakeKernel
from vxland.execution import execute
from vxland.hints.unfiltered import unfiltered
from vxland.identity import INGRESS_TABLE, pair_vni
from vxland.model import Desired
from vxland.observed import Element, Observed, Owner, Unavailable
from vxland.operations import (
    ChangeIngress,
    ClaimTable,
    MakeIngress,
    Operation,
    RemoveTable,
    TrimIngress,
    WriteIngressRules,
)
from vxland.plan import Plan, plan, plan_teardown
from vxland.problems import Kind
from vxland.resolve import resolve
from vxland.settings import OverlaySettings, VniScheme
from vxland.tables import ingress
from vxland.tables.ingress import in_order
from vxland.underlay.whereabouts import Beyond

HOME = wish(LAN)
A4, B4, C4, D4 = (ip_address(f"192.0.2.{number}") for number in (1, 2, 3, 4))
OPEN = replace(LAN, ingress=False)
ALONE = replace(LAN, exclusive=True)
INDEX = replace(LAN, vni=VniScheme.INDEX)
PORT = 4789


def home(desired: Desired = HOME, *, keeps: bool = False) -> FakeKernel:
    """A kernel as it is wanted."""
    kernel = FakeKernel()
    kernel.ingress.keeps = keeps
    execute(plan(kernel.observe(), desired), kernel)
    assert plan(kernel.observe(), desired).operations == ()
    return kernel


def to_do(kernel: FakeKernel, desired: Desired = HOME) -> list[Operation]:
    """What is planned for the table."""
    operations = plan(kernel.observe(), desired).operations
    return [operation for operation in operations if operation.device == INGRESS_TABLE]


def elements(kernel: FakeKernel, *sets: str) -> set[tuple[object, ...]]:
    """What is in these sets, without their names and the port."""
    table = kernel.ingress.state().table
    assert table is not None
    return {(one.vni, one.address) for one in table.elements if one.set in sets}


def ports_alone(kernel: FakeKernel) -> set[int]:
    """Ports on which nobody else's packets pass."""
    table = kernel.ingress.state().table
    assert table is not None
    return {one.port for one in table.elements if one.set == "exclusive"}


def begun(*before: OverlaySettings, wanted: Desired) -> FakeKernel:
    """A kernel as these wanted it, where the next turn wrote the table, and vxland was killed."""
    kernel = home(wish(*before))
    execute(Plan(tuple(o for o in to_do(kernel, wanted) if isinstance(o, MakeIngress))), kernel)
    return kernel


def do(deeds: Iterable[somebody.Vandalism], kernel: FakeKernel) -> None:
    """Somebody does what is allowed."""
    for deed in deeds:
        assert deed.apply(kernel), deed.command


def vni(peer: str) -> int:
    """The VNI of a pair."""
    return pair_vni("lan", "a", peer)


def test_each_pairs_vni_is_for_its_peer() -> None:
    """In and out; and no others are filtered."""
    kernel = home()
    pairs = {(vni("b"), B4), (vni("c"), C4), (vni("d"), D4)}
    assert elements(kernel, "peers4") == elements(kernel, "ways4") == pairs
    assert elements(kernel, "vnis") == {(vni(peer), None) for peer in "bcd"}
    assert elements(kernel, "ends4") == {(vni(peer), A4) for peer in "bcd"}
    assert not elements(kernel, "common", "senders4", "senders6", "peers6", "ends6", "ways6")


def test_an_index_is_anybodys_of_the_overlay() -> None:
    """Its lists differ, node by node; what is sent has this node's own numbers."""
    kernel = home(wish(INDEX))
    assert elements(kernel, "common", "vnis") == {(0, None), (1, None), (2, None)}
    assert elements(kernel, "senders4") == {(None, B4), (None, C4), (None, D4)}
    assert elements(kernel, "ways4") == {(0, B4), (1, C4), (2, D4)}
    assert not elements(kernel, "peers4")
    both = home(wish(replace(INDEX, heard=VniScheme.PAIR)))
    assert elements(both, "peers4") == {(vni("b"), B4), (vni("c"), C4), (vni("d"), D4)}
    assert elements(both, "common") == {(0, None), (1, None), (2, None)}


def test_a_shared_vni_is_for_all_peers() -> None:
    """Where all are of one family."""
    kernel = home(wish(SHARED_LAN))
    assert elements(kernel, "vnis") == {(4711, None)}
    assert elements(kernel, "peers4") == {(4711, B4), (4711, C4), (4711, D4)}
    six = over_ipv6(settings(SHARED_LAN))
    there = {peer.name: ip_address(peer.address) for peer in six.peers}
    kernel = home(resolve(six, there, host()))
    assert elements(kernel, "peers6") == {(4711, ip_address(address6(name))) for name in "bcd"}


def test_with_both_families_in_shared_mode_nobody_can_tell_who_sends() -> None:
    """A peer that is known by IPv6 sends by IPv4 to who is known by that: all are let in."""
    assert home(SHARED).ingress.chains is None
    (hint,) = unfiltered(SHARED.overlays[0], Observed())
    assert (hint.kind, hint.overlay) == (Kind.HINT, "lan")
    assert [*unfiltered(wish(SHARED_LAN).overlays[0], Observed())] == []
    assert [*unfiltered(HOME.overlays[0], Observed())] == []


def test_nothing_is_filtered_where_it_is_off() -> None:
    """Overlay by overlay; the table goes with the last one."""
    assert home(wish(OPEN)).ingress.chains is None
    assert to_do(home(), wish(OPEN)) == [RemoveTable("", INGRESS_TABLE, ())]
    two = replace(OPEN, name="two", bridge="vxbr1")
    kernel = home(wish(LAN, two))
    assert elements(kernel, "vnis") == {(vni(peer), None) for peer in "bcd"}


def test_connections_are_tracked_where_an_address_may_be_rewritten() -> None:
    """Where peers know this node by another address than it sends from: that may be its doing.

    What comes to the tunnel's own address has been translated by then, or never is.
    """
    wanted = settings(LAN)
    addresses = known_addresses(wanted)
    there = {**addresses, "a": ip_address("203.0.113.1")}
    hidden = replace(wanted, node=replace(wanted.node, address=addresses["a"]))
    translated = home(resolve(hidden, there, host()))
    assert elements(translated, "ways4") == set()
    assert elements(translated, "ends4") == {(vni(peer), A4) for peer in "bcd"}
    named = resolve(hidden, there, host(), Beyond(mine=frozenset({addresses["a"]})))
    assert len(elements(home(named), "ways4")) == 3
    unlisted = replace(hidden, peers=hidden.peers[1:])
    without = {name: address for name, address in addresses.items() if name != "a"}
    assert elements(home(resolve(unlisted, without, host())), "ways4") == set()


def test_a_packet_doesnt_tell_its_zone() -> None:
    """Nor does the kernel, of a tunnel's end over link-local addresses."""
    (vtep, *_) = HOME.vteps()
    there = replace(vtep, local=ip_address("fe80::1%eth0"), remotes=())
    (end,) = (one for one in ingress.wanted([there], frozenset()) if one.set == "ends6")
    assert str(end.address) == "fe80::1"


def test_a_port_may_be_for_the_overlays_alone() -> None:
    """By one that says so, for all that use it; others' VNIs end last, and come back first."""
    two = replace(LAN, name="two", bridge="vxbr1")
    apart = replace(two, port=4790)
    assert elements(home(), "exclusive") == set()
    assert ports_alone(home(wish(ALONE))) == {PORT}
    assert ports_alone(home(wish(two, ALONE))) == {PORT}
    assert ports_alone(home(wish(ALONE, apart))) == {PORT}
    closed, opened = Element("exclusive", PORT), (Element("exclusive", PORT),)
    assert to_do(home(), wish(ALONE)) == [ChangeIngress("", INGRESS_TABLE, opened, ())]
    (back,) = to_do(home(wish(ALONE)))
    assert back == ChangeIngress("", INGRESS_TABLE, (), (closed,))
    assert str(back) == "in inet vxland-ingress no longer drop other VNIs on port 4789"
    order = [one.set for one in ingress.wanted(HOME.vteps(), HOME.known_by, {PORT})]
    assert order[-2:] == ["exclusive", "ports"]


def test_a_port_on_which_somebody_cant_be_told_from_strangers_is_nobodys_alone() -> None:
    """A shared overlay over both IP versions would get nothing."""
    both = replace(SHARED_LAN, name="two", bridge="vxbr1")
    for port, alone in ((PORT, set[int]()), (PORT + 1, {PORT})):
        wanted = settings(ALONE, replace(both, port=port))
        addresses = {**known_addresses(wanted), "d": ip_address(address6("d"))}
        assert ports_alone(home(resolve(wanted, addresses, host()))) == alone


def test_what_isnt_laid_out_keeps_a_port_as_it_is() -> None:
    """It may be somebody else's, whose packets were let pass; who says so has it open at once."""
    kernel = FakeKernel()
    do([others.external_vxlan("fvx0", VNI_B)], kernel)
    execute(plan(kernel.observe(), wish(ALONE)), kernel)
    assert ports_alone(kernel) == set()
    kernel = home(wish(ALONE))
    do([somebody.deleted("vxl-lan-b"), others.external_vxlan("fvx0", VNI_B)], kernel)
    assert to_do(kernel, wish(ALONE)) == []
    assert [type(operation) for operation in to_do(kernel)] == [ChangeIngress]
    kernel = home(wish(ALONE))
    (change,) = to_do(kernel, resolved(settings(LAN), unknown="c"))
    assert isinstance(change, ChangeIngress)
    assert change.removed == (Element("exclusive", PORT),)


def test_a_port_is_open_again_before_what_had_it_is_gone() -> None:
    """It doesn't wait for a VNI that is filtered until its device has gone."""
    change, trim = to_do(home(wish(ALONE)), wish(LAN, peers="abc"))
    assert isinstance(change, ChangeIngress)
    assert change.removed == (Element("exclusive", PORT),)
    assert isinstance(trim, TrimIngress)


def test_a_port_keeps_strangers_from_what_was_open_until_that_is_gone() -> None:
    """With ingress = "off" nobody filtered its VNI. But who can't be filtered has it open."""
    kernel = begun(replace(SHARED_LAN, ingress=False), wanted=wish(ALONE))
    (trim,) = to_do(kernel)
    assert str(trim) == "in inet vxland-ingress no longer drop other VNIs on port 4789"
    assert isinstance(trim, TrimIngress)
    both = replace(SHARED_LAN, name="two", bridge="vxbr1")
    wanted = settings(LAN, both)
    addresses = {**known_addresses(wanted), "d": ip_address(address6("d"))}
    (change,) = to_do(kernel, resolve(wanted, addresses, host()))
    assert isinstance(change, ChangeIngress)
    assert Element("exclusive", PORT) in change.removed


def test_a_port_keeps_strangers_from_what_stays_as_it_is() -> None:
    """Until its peer is known, and it is made anew."""
    kernel = begun(replace(INDEX, ingress=False), wanted=wish(ALONE))
    waiting = resolved(settings(LAN), unknown="c")
    execute(plan(kernel.observe(), waiting), Watch(kernel, waiting))
    assert ports_alone(kernel) == {PORT}
    execute(plan(kernel.observe(), HOME), Watch(kernel, HOME))
    assert ports_alone(kernel) == set()


def test_drift_of_a_port_of_ones_own_is_put_right() -> None:
    """Either way."""
    kernel = home(wish(ALONE))
    do([somebody.nft(f"flush set {INGRESS_TABLE} exclusive")], kernel)
    (change,) = to_do(kernel, wish(ALONE))
    assert str(change) == "in inet vxland-ingress drop other VNIs on port 4789"
    execute(plan(kernel.observe(), wish(ALONE)), kernel)
    assert ports_alone(kernel) == {PORT}


@pytest.mark.parametrize("drift", INGRESS)
def test_drift_is_put_right(drift: str) -> None:
    """At once, whatever it is, and by nothing that touches a tunnel."""
    kernel = home()
    do(INGRESS[drift], kernel)
    assert to_do(kernel)
    assert all(not operation.overlay for operation in to_do(kernel))
    execute(plan(kernel.observe(), HOME), kernel)
    assert plan(kernel.observe(), HOME).operations == ()


def test_rules_and_peers_are_mended_without_touching_the_rest() -> None:
    """So that there is no gap, and what was counted stays."""
    kinds = {
        "filtering rules deleted": {WriteIngressRules},
        "all let in": {WriteIngressRules},
        "peers kept out": {ChangeIngress},
        "stranger let in": {ChangeIngress},
        "VNIs not filtered": {ChangeIngress},
        "filter dormant": {MakeIngress},
    }
    for drift, wanted in kinds.items():
        kernel = home()
        do(INGRESS[drift], kernel)
        assert {type(operation) for operation in to_do(kernel)} == wanted, drift


def test_who_is_taken_from_comes_first_and_goes_last() -> None:
    """Where it takes several transactions, no peer is kept out in between."""
    order = [one.set for one in in_order(ingress.wanted(HOME.vteps(), HOME.known_by))]
    assert order.index("peers4") < order.index("vnis") < order.index("ports")
    (added,) = to_do(home(wish(LAN, peers="abc")))
    peer = (
        Element("peers4", PORT, vni("d"), D4),
        Element("ends4", PORT, vni("d"), A4),
        Element("ways4", PORT, vni("d"), D4),
    )
    assert added == ChangeIngress("", INGRESS_TABLE, (*peer, Element("vnis", PORT, vni("d"))), ())
    (removed,) = to_do(home(), wish(LAN, peers="abc"))
    assert isinstance(removed, TrimIngress)
    assert [one.set for one in removed.removed] == ["vnis", "ways4", "ends4", "peers4"]


def test_a_vni_is_filtered_as_long_as_a_device_may_have_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What should have gone and hasn't, is open to nobody else; a peer that moved is let in so."""
    wanted = settings(LAN, peers="abc")
    moved = resolve(wanted, {**known_addresses(wanted), "b": D4}, host())
    kernel = home()
    to_be_done = plan(kernel.observe(), moved)
    change, trim = to_do(kernel, moved)
    assert isinstance(change, ChangeIngress)
    assert {(one.vni, one.address) for one in change.removed} == {(vni("b"), B4)}
    assert isinstance(trim, TrimIngress)
    monkeypatch.setattr(kernel.net, "delete", _refused)
    outcomes = execute(to_be_done, kernel)
    assert [o.operation for o in outcomes if o.failure and o.failure.skipped] == [trim]
    assert (vni("d"), None) in elements(kernel, "vnis")
    assert (vni("b"), D4) in elements(kernel, "peers4")


def test_an_address_that_changes_is_followed() -> None:
    """At once and in one transaction, as where a host name gets another one."""
    wanted = settings(LAN)
    moved = resolve(wanted, {**known_addresses(wanted), "b": D4, "d": B4}, host())
    (change,) = to_do(home(), moved)
    assert isinstance(change, ChangeIngress)
    assert {(one.vni, one.address) for one in change.added} == {(vni("b"), D4), (vni("d"), B4)}


def test_while_an_address_is_not_known_its_peer_stays() -> None:
    """So do all that might be its; what is known is put right meanwhile."""
    kernel = home()
    assert to_do(kernel, resolved(settings(LAN), unknown="c")) == []
    assert to_do(kernel, resolved(settings(LAN), unknown=PEERS[1:])) == []
    do(INGRESS["stranger let in"], kernel)
    (change,) = to_do(kernel, resolved(settings(LAN), unknown="c"))
    assert isinstance(change, ChangeIngress)
    assert {one.vni for one in change.removed} == {VNI_B}
    shared = home(wish(SHARED_LAN))
    assert to_do(shared, resolved(settings(SHARED_LAN), unknown="c")) == []


def test_who_is_not_known_is_not_waited_for() -> None:
    """One name that can't be resolved opens nothing; its peer is let in as soon as it is known."""
    waiting = resolved(settings(SHARED_LAN), unknown="c")
    kernel = home(waiting)
    assert elements(kernel, "peers4") == {(4711, B4), (4711, D4)}
    (change,) = to_do(kernel, wish(SHARED_LAN))
    assert isinstance(change, ChangeIngress)
    assert {one.address for one in (*change.added, *change.removed)} == {C4}


def test_an_unknown_peer_of_the_other_ip_version_keeps_it_open_where_it_was() -> None:
    """A device that is left alone tells: its peers, and others, send from nobody knows where."""
    wanted = settings(SHARED_LAN)
    addresses = {name: address for name, address in known_addresses(wanted).items() if name != "d"}
    waiting = resolve(wanted, addresses, host())
    kernel = home(SHARED)
    assert kernel.net.find("vxl-lan6") is not None
    assert to_do(kernel, waiting) == []
    assert to_do(home(waiting), SHARED) == [RemoveTable("", INGRESS_TABLE, ())]


@pytest.mark.parametrize("port", [PORT, PORT + 1])
def test_an_unknown_peer_opens_nothing_that_was_filtered(port: int) -> None:
    """Though it may be what is left alone, of the other IP version; nor what is new."""
    before = over_ipv6(settings(SHARED_LAN, peers="ad"))
    kernel = home(resolve(before, known_addresses(before), host()))
    waiting = resolved(settings(replace(SHARED_LAN, port=port)), unknown="bc")
    (change,) = to_do(kernel, waiting)
    assert isinstance(change, ChangeIngress)
    assert Element("peers4", port, 4711, D4) in change.added
    execute(plan(kernel.observe(), waiting), Watch(kernel, waiting))
    assert elements(kernel, "vnis") == {(4711, None)}


def test_what_somebody_else_has_is_not_filtered() -> None:
    """Its VNI isn't vxland's; what was vxland's stays so."""
    kernel = FakeKernel()
    do([others.external_vxlan("fvx0", VNI_B)], kernel)
    (made,) = to_do(kernel)
    assert isinstance(made, MakeIngress)
    assert VNI_B not in {one.vni for one in made.elements}
    assert {one.vni for one in made.elements} == {vni("c"), vni("d"), None}


def test_the_last_overlay_that_is_left_alone_stays_filtered() -> None:
    """Though it has no peers any more: somebody has the name that its bridge should have."""
    kernel = home()
    do([others.veth("vxbr1")], kernel)
    assert to_do(kernel, wish(replace(LAN, bridge="vxbr1"), off="bcd")) == []


def renamed(kernel: FakeKernel) -> FakeKernel:
    """The first tunnel has another name, and somebody has its."""
    do([somebody.renamed("vxl-lan-b", "vx9"), others.veth("vxl-lan-b")], kernel)
    return kernel


@pytest.mark.parametrize("settled", [SHARED_LAN, INDEX])
def test_who_is_wanted_no_more_goes_though_another_overlay_is_left_alone(
    settled: OverlaySettings,
) -> None:
    """Whether that has just a name that somebody else has, or its bridge's is taken."""
    two = replace(settled, name="two", bridge="vxbr1", vni=settled.vni)
    both, fewer = wish(LAN, two), wish(LAN, two, off="d")
    for kernel in (renamed(home(both)), home(both)):
        do([others.veth("vxbr2")], kernel)
        apart = wish(replace(LAN, bridge="vxbr2"), two, off="d")
        for desired in (fewer, apart):
            execute(plan(kernel.observe(), desired), kernel)
            table = kernel.ingress.state().table
            assert table is not None
            numbers = {(v.vni, v.port) for v in desired.overlays[1].vteps}
            let_in = {
                one.address
                for one in table.elements
                if one.set == "senders4" or (one.set == "peers4" and (one.vni, one.port) in numbers)
            }
            assert D4 not in let_in


@pytest.mark.parametrize("drift", ["filter dormant", "filtering rules deleted", "all let in"])
def test_the_filter_of_what_is_left_alone_is_mended(drift: str) -> None:
    """Also where it is all there is."""
    kernel = home()
    do([others.veth("vxbr1"), *INGRESS[drift]], kernel)
    alone = wish(replace(LAN, bridge="vxbr1"), off="bcd")
    before = kernel.ingress.state().table
    execute(plan(kernel.observe(), alone), kernel)
    state = kernel.ingress.state()
    assert before is not None
    assert state.table is not None
    assert state.table.elements == before.elements
    assert state.is_whole(ingress.CHAINS.values())
    assert state.table.rules == ingress.RULES
    assert to_do(kernel, alone) == []


def test_half_a_file_takes_nothing_away() -> None:
    """An overlay without peers is left alone."""
    assert to_do(home(), wish(LAN, peers="a")) == []


def test_the_table_goes_at_the_teardown() -> None:
    """And leaves nothing."""
    kernel = home()
    teardown = plan_teardown(kernel.observe())
    assert RemoveTable("", INGRESS_TABLE, ()) in teardown.operations
    execute(teardown, kernel)
    assert kernel.ingress.chains is None
    assert plan_teardown(kernel.observe()).operations == ()


def test_a_daemon_owns_the_table_for_good() -> None:
    """It claims what another one left; what can't be owned is made anew."""
    kernel = home(keeps=True)
    do([somebody.ruleset_flushed()], kernel)
    assert kernel.ingress.chains is not None
    do([somebody.daemon_ended()], kernel)
    assert to_do(kernel) == [ClaimTable("", INGRESS_TABLE)]
    execute(plan(kernel.observe(), HOME), kernel)
    assert kernel.ingress.owner is Owner.SELF
    kernel = home()
    kernel.ingress.keeps = True
    (made,) = to_do(kernel)
    assert isinstance(made, MakeIngress)
    assert made.replaces


def test_tunnels_run_on_where_nothing_can_filter_and_it_is_said() -> None:
    """Overlay by overlay, with what to do instead."""
    kernel = FakeKernel()
    kernel.no_nftables = Unavailable("this kernel has no nftables", "Load it")
    made = plan(kernel.observe(), HOME)
    execute(made, kernel)
    (problem,) = plan(kernel.observe(), HOME).problems
    assert (problem.kind, problem.overlay) == (Kind.GUARD, "lan")
    assert str(problem) == (
        "strangers' packets can't be kept out of overlay lan: this kernel has no nftables."
        " Load it; or let a firewall take its UDP port from the peers alone, and write"
        ' ingress = "off"'
    )
    assert kernel.net.find("vxl-lan-b") is not None
    assert [*ingress.problems(wish(OPEN), kernel.observe())] == []
    assert [*ingress.problems(HOME, Observed())] == []


def test_a_table_that_is_refused_holds_nothing_up() -> None:
    """The tunnels come up without."""
    kernel = FakeKernel()
    kernel.ingress.command = _refused  # type: ignore[method-assign]
    outcomes = execute(plan(kernel.observe(), HOME), kernel)
    assert [o.operation.attribute for o in outcomes if o.failure] == ["ingress"]


def _refused(line: object) -> None:
    raise KeyError(line)
