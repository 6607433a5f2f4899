"""What changed a little is planned as if all were looked at."""

from ipaddress import ip_interface

import pytest
from hypothesis import event, given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.core.arrival import settled
from tests.core.configurations import Configuration, configurations
from tests.core.digits import Digits, digits
from tests.core.stories import DEED_SIZE, DEEDS, Choice, everything
from tests.core.watch import Others, Watch
from tests.fake import drift
from tests.fake import strangers as others
from tests.fake import vandalism as somebody
from tests.fake.wishes import LAN, host, settings, wish
from tests.fake_kernel import FakeKernel
from tests.profiles import examples
from vxland.execution import execute
from vxland.model import Desired
from vxland.observed import Observed, Since
from vxland.plan import Memory, Plan, Planning, plan, standing

NOTHING = Memory()
LAN_AT_HOME = replace(LAN, addresses=tuple(map(ip_interface, drift.ADDRESSES)))


class Tunnels(Choice):
    """Whoever may choose any device has mostly a tunnel."""

    def device(self, *kinds: str) -> str:
        return super().device(*(kinds or ("vxlan",)))


def settled_on(configuration: Configuration) -> Configuration:
    """The same with all peers, whose addresses are known, and with nothing to be taken over."""
    listed = configuration.settings
    peers = {peer.name: peer for peer in (*settings(peers="abcd").peers, *listed.peers)}
    overlays = (replace(overlay, adopt=False) for overlay in listed.overlays)
    whole = replace(listed, overlays=tuple(overlays), peers=tuple(peers.values()))
    return Configuration(whole)


def changed(configuration: Configuration, choose: Digits) -> Configuration:
    """The same, or with another peer, without one, or with one elsewhere."""
    here, *others = configuration.settings.peers
    for _ in range(choose.of((0, 1, 1, 2))):
        place = others.index(choose.of(others))
        peer = others[place]
        others[place] = choose.of(
            (
                replace(peer, disabled=not peer.disabled),
                replace(peer, address="192.0.2.77"),
                replace(peer, overlays=frozenset({"lan"})),
                replace(peer, name="e", address="192.0.2.78"),
            )
        )
    named = {peer.name: peer for peer in (here, *others)}
    return Configuration(replace(configuration.settings, peers=tuple(named.values())))


@examples(300)
@given(
    configurations(),
    st.booleans(),
    st.lists(st.lists(digits(DEED_SIZE), max_size=3), min_size=1, max_size=3),
    st.none() | digits(6),
    st.booleans(),
)
def test_the_narrow_plan_is_the_whole_one(
    configuration: Configuration,
    keeps: bool,  # noqa: FBT001
    stories: list[list[Digits]],
    choose: Digits | None,
    abroad: bool,  # noqa: FBT001
) -> None:
    """Whatever happened to tunnels, and to the file, since there was nothing to do.

    And what it is compared with makes no difference: all, or what may have changed since a look.
    """
    kernel = FakeKernel()
    kernel.nft.keeps = kernel.tally.keeps = keeps
    configuration = settled_on(configuration)
    desired = configuration.desired
    for _ in range(2):
        execute(plan(everything(kernel), desired), kernel)
    before = everything(kernel)
    if plan(before, desired) != Plan():
        event("nothing to begin with")
        return
    wanted = desired if choose is None else changed(configuration, choose).desired
    planning, compared = Planning(), Planning()
    for each in (planning, compared):
        each(before, desired, NOTHING)
    for story in stories:
        for digit in story:
            digit.of(DEEDS)(Tunnels(digit, kernel)).apply(kernel)
        now = everything(kernel) if abroad else kernel.observe(others=True)
        whole = plan(now, wanted)
        found = planning.narrow(now, wanted, NOTHING, Since(before, differing(before, now)))
        assert found == compared.narrow(now, wanted, NOTHING)
        event(f"narrow: {found is not None}, operations: {bool(whole.operations)}")
        if found is None:
            return
        assert found.plan == whole
        event(f"left out: {len(now.links.keys() - found.view.observed.links)}")
        others_before = Others(kernel, wanted)
        execute(found.plan, Watch(kernel, wanted))
        others_before.check()
        if abroad:  # else what was moved there keeps its VNI
            settled(kernel, wanted)
        before = now


def differing(before: Observed, now: Observed) -> frozenset[str]:
    """The devices of which something isn't as it was."""
    parts = [(getattr(before, seen), getattr(now, seen)) for seen in standing.BY_DEVICE]
    return frozenset(
        n for then, seen in parts for n in {**then, **seen} if then.get(n) != seen.get(n)
    )


def quiet_node() -> tuple[FakeKernel, Planning, Desired]:
    """One where there is nothing to do, as somebody knows who plans."""
    kernel, desired, planning = FakeKernel(), drift.HOME, Planning()
    for _ in range(3):
        execute(planning(kernel.observe(), desired, NOTHING), kernel)
    return kernel, planning, desired


def test_a_deleted_tunnel_and_what_stands_for_the_others() -> None:
    kernel, planning, desired = quiet_node()
    somebody.deleted(drift.B).apply(kernel)
    narrow = planning.narrow(kernel.observe(), desired, NOTHING)
    assert narrow is not None
    assert narrow.view.touched == {drift.B}
    assert narrow.view.observed.links.keys() == {"lo", drift.BRIDGE, drift.D}
    assert {operation.device for operation in narrow.plan.operations} == {drift.B}


def test_whose_name_is_wanted_is_looked_at_too() -> None:
    kernel, planning, desired = quiet_node()
    somebody.alias(drift.B, "vxland:lan:c").apply(kernel)
    narrow = planning.narrow(kernel.observe(), desired, NOTHING)
    assert narrow is not None
    assert narrow.view.touched == {drift.B, drift.C}


def test_what_is_as_it_was_is_not_planned() -> None:
    kernel, _, desired = quiet_node()
    thoughts: list[Observed] = []

    def think(observed: Observed, desired: Desired, memory: Memory) -> Plan:
        thoughts.append(observed)
        return plan(observed, desired, memory)

    planning = Planning(think)
    for _ in range(3):
        assert planning(kernel.observe(), desired, NOTHING) == Plan()
    assert len(thoughts) == 1


def test_what_is_done_is_where_the_next_one_begins() -> None:
    """A state that needs nothing more is what the next one is held against."""
    kernel, planning, _ = quiet_node()
    fewer = wish(LAN_AT_HOME, off="b")
    execute(planning(kernel.observe(), fewer, NOTHING), kernel)
    assert planning(kernel.observe(), fewer, NOTHING) == Plan()
    narrow = planning.narrow(kernel.observe(), fewer, NOTHING)
    assert narrow is not None
    assert not narrow.view.changed


@pytest.mark.parametrize(
    "deed",
    [
        somebody.deleted(drift.BRIDGE),
        somebody.ebtables("-F"),
        somebody.alias(drift.BRIDGE, ""),
        others.veth("g0"),
        others.vxlan("fvx0", 7),
    ],
    ids=str,
)
def test_what_concerns_all_is_planned_whole(deed: somebody.Vandalism) -> None:
    kernel, planning, desired = quiet_node()
    deed.apply(kernel)
    assert planning.narrow(kernel.observe(), desired, NOTHING) is None


def test_what_takes_a_whole_plan() -> None:
    """Another bridge, no peers, contested guards, and a tunnel that is nobody's any more."""
    kernel, planning, desired = quiet_node()
    seen = kernel.observe()
    assert planning.narrow(seen, desired, NOTHING) is not None
    assert planning.narrow(seen, desired, Memory(grounded=frozenset({drift.B}))) is None
    for other in (wish(replace(LAN_AT_HOME, mtu=1400)), wish(LAN_AT_HOME, peers="a"), wish()):
        assert planning.narrow(seen, other, NOTHING) is None
    somebody.alias(drift.B, "").apply(kernel)
    somebody.altname_removed(drift.B, "vxland-lan+b").apply(kernel)
    assert planning.narrow(kernel.observe(), desired, NOTHING) is None


def test_of_many_that_changed_all_is_planned(monkeypatch: pytest.MonkeyPatch) -> None:
    kernel, planning, desired = quiet_node()
    for device in (drift.B, drift.C):
        somebody.deleted(device).apply(kernel)
    monkeypatch.setattr(standing, "MOST", 2)
    assert planning.narrow(kernel.observe(), desired, NOTHING) is not None
    monkeypatch.setattr(standing, "MOST", 1)
    assert planning.narrow(kernel.observe(), desired, NOTHING) is None


@pytest.mark.parametrize("underlay", [None, "eth0"])
def test_how_peers_are_reached_matters_to_what_is_bound(underlay: str | None) -> None:
    """A device bound to a card stays so while its peer is reached by that."""
    kernel, planning, desired = quiet_node()
    seen = replace(kernel.observe(), host=host())
    link = seen.links[drift.C]
    assert link.vxlan is not None
    bound = replace(link, vxlan=replace(link.vxlan, underlay=underlay))
    seen = replace(seen, links={**seen.links, drift.C: bound})
    assert planning(seen, desired, NOTHING) == Plan()
    narrow = planning.narrow(replace(seen, host=host(1000)), desired, NOTHING)
    assert (narrow is None) is (underlay is not None)


def test_what_is_to_be_taken_over_may_be_anywhere() -> None:
    kernel, planning = FakeKernel(), Planning()
    desired = wish(replace(LAN_AT_HOME, adopt=True))
    for _ in range(3):
        execute(planning(kernel.observe(), desired, NOTHING), kernel)
    assert planning(kernel.observe(), desired, NOTHING) == Plan()
    assert planning.narrow(kernel.observe(), desired, NOTHING) is None


def test_what_was_found_to_be_fine_is_where_it_stands() -> None:
    """An altname of somebody's, say: it needs nothing, and isn't looked at again."""
    kernel, planning, desired = quiet_node()
    before = kernel.observe()
    somebody.altname_added(drift.B, "other").apply(kernel)
    now = kernel.observe()
    narrow = planning.narrow(now, desired, NOTHING, Since(before, frozenset({drift.B})))
    assert narrow is not None
    assert narrow.plan == Plan()
    assert narrow.view.touched == {drift.B}
    again = planning.narrow(now, desired, NOTHING, Since(now, frozenset({drift.B})))
    assert again is not None
    assert not again.view.changed


def test_what_changed_since_a_look_that_nobody_showed() -> None:
    """What else had changed by then isn't known, so everything is compared."""
    kernel, planning, desired = quiet_node()
    somebody.set_down(drift.B).apply(kernel)
    between = kernel.observe()
    somebody.set_down(drift.C).apply(kernel)
    now = kernel.observe()
    narrow = planning.narrow(now, desired, NOTHING, Since(between, frozenset({drift.C})))
    assert narrow is not None
    assert narrow.view.touched == {drift.B, drift.C}
