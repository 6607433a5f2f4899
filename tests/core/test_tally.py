"""What counts for peers of a shared device: what is wanted, what is done, what it comes to."""

from ipaddress import ip_address

import pytest
from msgspec.structs import replace

from tests.fake import vandalism as somebody
from tests.fake.tally_drift import SHARED, SHARED_LAN, TALLY, VNI
from tests.fake.vandalism import Vandalism
from tests.fake.wishes import LAN, PEERS, resolved, settings, wish
from tests.fake_kernel import FakeKernel
from vxland.execution import execute
from vxland.hints.uncounted import uncounted
from vxland.identity import TALLY_TABLE
from vxland.loop.surroundings import counted
from vxland.model import Desired, Remote
from vxland.observed import Counted, Observed, Owner, Unavailable
from vxland.operations import (
    AddCounters,
    ClaimTable,
    MakeTally,
    Operation,
    RemoveCounters,
    RemoveTable,
    WriteTallyRules,
)
from vxland.plan import plan, plan_teardown
from vxland.problems import Kind
from vxland.tables import tally
from vxland.tables.meter import Counters, traffic
from vxland.traffic import Count, Reading, Traffic

B = Counted(ip_address("192.0.2.2"), VNI, 4789)
C = Counted(ip_address("192.0.2.3"), VNI, 4789)
D4 = Counted(ip_address("192.0.2.4"), VNI, 4789)
D6 = Counted(ip_address("2001:db8::4"), VNI, 4789)


def home(desired: Desired = SHARED, *, keeps: bool = False) -> FakeKernel:
    """A kernel as it is wanted."""
    kernel = FakeKernel()
    kernel.tally.keeps = keeps
    execute(plan(kernel.observe(), desired), kernel)
    assert plan(kernel.observe(), desired).operations == ()
    return kernel


def to_do(kernel: FakeKernel, desired: Desired = SHARED) -> list[Operation]:
    """What is planned for the table."""
    operations = plan(kernel.observe(), desired).operations
    return [operation for operation in operations if operation.device == TALLY_TABLE]


def do(deed: Vandalism, kernel: FakeKernel) -> None:
    """Somebody does something that is allowed."""
    assert deed.apply(kernel), deed.command


def test_peers_of_shared_devices_are_counted_and_no_others() -> None:
    """By address, VNI and port, in both directions."""
    assert {*tally.wanted(SHARED)} == {B, C, D6}
    assert not tally.wanted(wish(LAN))
    seen = home().tally.state().table
    assert seen is not None
    assert seen.received == seen.sent == {B, C, D6}
    assert home(wish(LAN)).tally.chains is None


def test_a_zone_is_not_counted_by() -> None:
    """No packet has it."""
    (overlay,) = SHARED.overlays
    peer = Remote("d", ip_address("fe80::4%eth0"))
    zoned = replace(
        SHARED, overlays=(replace(overlay, vteps=(replace(overlay.vteps[1], remotes=(peer,)),)),)
    )
    assert tally.wanted(zoned) == (Counted(ip_address("fe80::4"), VNI, 4789),)


@pytest.mark.parametrize("drift", TALLY)
def test_drift_is_put_right(drift: str) -> None:
    """At once, whatever it is, and by nothing that touches a tunnel."""
    kernel = home()
    for deed in TALLY[drift]:
        do(deed, kernel)
    operations = to_do(kernel)
    assert operations
    execute(plan(kernel.observe(), SHARED), kernel)
    assert plan(kernel.observe(), SHARED).operations == ()


def test_rules_and_counters_are_mended_without_touching_the_rest() -> None:
    """So that the others' counters go on."""
    kinds = {
        "counting rules deleted": {WriteTallyRules},
        "counters deleted": {AddCounters},
        "set emptied": {AddCounters},
        "counter of somebody's": {RemoveCounters},
        "tally dormant": {MakeTally},
    }
    for drift, wanted in kinds.items():
        kernel = home()
        for deed in TALLY[drift]:
            do(deed, kernel)
        assert {type(operation) for operation in to_do(kernel)} == wanted, drift


def test_peers_come_and_go_alone() -> None:
    """Nothing else is written."""
    (added,) = to_do(home(wish(SHARED_LAN, peers="abc")), wish(SHARED_LAN))
    assert added == AddCounters("", TALLY_TABLE, (D4,), (D4,))
    (removed,) = to_do(home(wish(SHARED_LAN)), wish(SHARED_LAN, peers="abd"))
    assert removed == RemoveCounters("", TALLY_TABLE, (C,), (C,))


def test_nobodys_counters_go_while_an_address_is_not_known() -> None:
    """They may be that one's; nor does the table where no address is."""
    kernel = home(wish(SHARED_LAN))
    assert to_do(kernel, resolved(settings(SHARED_LAN), unknown="c")) == []
    assert to_do(kernel, resolved(settings(SHARED_LAN), unknown=PEERS[1:])) == []
    assert to_do(kernel, resolved(settings(LAN), unknown="c")) == [RemoveTable("", TALLY_TABLE, ())]


def test_the_table_goes_with_the_last_shared_overlay() -> None:
    """And at the teardown."""
    kernel = home()
    assert to_do(kernel, wish(LAN)) == [RemoveTable("", TALLY_TABLE, ())]
    teardown = plan_teardown(kernel.observe())
    assert RemoveTable("", TALLY_TABLE, ()) in teardown.operations
    execute(teardown, kernel)
    assert kernel.tally.chains is None
    assert plan_teardown(kernel.observe()).operations == ()


def test_a_daemon_owns_the_table_for_good() -> None:
    """It claims what another one left; what can't be owned is made anew."""
    kernel = home(keeps=True)
    do(somebody.ruleset_flushed(), kernel)
    assert kernel.tally.chains is not None
    do(somebody.daemon_ended(), kernel)
    assert to_do(kernel) == [ClaimTable("", TALLY_TABLE)]
    execute(plan(kernel.observe(), SHARED), kernel)
    assert kernel.tally.owner is Owner.SELF
    kernel = home()
    kernel.tally.keeps = True
    (made,) = to_do(kernel)
    assert made == MakeTally("", TALLY_TABLE, (B, C, D6), replaces=True)


def foreign() -> FakeKernel:
    """Where somebody calls a firewall so."""
    kernel = home(wish(LAN))
    for line in ("table inet vxland", "chain inet vxland input", "rule inet vxland input drop"):
        kernel.by_nft(f"add {line}")
    return kernel


def test_somebodys_table_of_this_name_is_left_alone() -> None:
    """It may be what closes a port. One with nothing in it, or a set of vxland's, is vxland's."""
    assert to_do(foreign()) == to_do(foreign(), wish(LAN)) == []
    assert RemoveTable("", TALLY_TABLE, ()) not in plan_teardown(foreign().observe()).operations
    kernel = home(wish(LAN))
    kernel.by_nft("add table inet vxland")
    assert to_do(kernel, wish(LAN)) == [RemoveTable("", TALLY_TABLE, ())]
    kernel = foreign()
    kernel.by_nft("add set inet vxland sent4 { type ipv4_addr; }")
    assert to_do(kernel, wish(LAN)) == [RemoveTable("", TALLY_TABLE, ())]


def test_no_tunnel_waits_for_a_table_that_can_not_be_had() -> None:
    """It is made without, and a hint says what is missing."""
    kernel = FakeKernel()
    kernel.no_nftables = Unavailable("this kernel has no nftables", "Load it")
    wanted = plan(kernel.observe(), SHARED)
    execute(wanted, kernel)
    assert plan(kernel.observe(), SHARED).operations == ()
    assert not any(operation.device == TALLY_TABLE for operation in wanted.operations)


def test_a_table_that_is_refused_holds_nothing_up() -> None:
    """Not even what goes last."""
    both = replace(SHARED_LAN, guards=("isolated", "ebtables"))
    kernel = home(wish(both))
    kernel.tally.run(("delete table inet vxland",))
    kernel.tally.run(("create table inet vxland",))
    kernel.tally.owner = Owner.OTHER
    kernel.tally.command = _refused  # type: ignore[method-assign]
    outcomes = execute(plan(kernel.observe(), wish(replace(both, guards=("isolated",)))), kernel)
    done = {outcome.operation.attribute: outcome.failure is None for outcome in outcomes}
    assert done == {"counters": False, "ebtables": True}


def _refused(line: str) -> None:
    raise KeyError(line)


def test_what_is_counted_is_told_as_a_device_would() -> None:
    """Without the outer headers: 50 bytes over IPv4, 70 over IPv6. What is shorter is nothing."""
    seen = Counters(
        received={B: Count(2, 300), D6: Count(1, 170)}, sent={B: Count(1, 150), C: Count(3, 60)}
    )
    assert traffic(SHARED, seen) == {
        ("lan", "b"): Traffic(2, 1, 200, 100),
        ("lan", "c"): Traffic(0, 3, 0, 0),
        ("lan", "d"): Traffic(1, 0, 100, 0),
    }
    assert traffic(wish(LAN), seen) == {}


def test_who_listens_hears_peers_too() -> None:
    """Beside the devices; nothing is read where each tunnel has its own."""

    class Heard(FakeKernel):
        """Something came from b."""

        looks = 0

        def read_counters(self) -> Counters:
            self.looks += 1
            return Counters(received={B: Count(2, 300)}, sent={B: Count()})

    kernel = Heard()
    assert counted(kernel, SHARED) == {("lan", "b"): Reading(0, Traffic(2, 0, 200, 0))}
    assert counted(kernel, wish(LAN)) == {}
    assert kernel.looks == 1


def test_the_hint_is_for_shared_overlays() -> None:
    """With its cure; nothing where all is well, or where each tunnel has a device."""
    (overlay,) = SHARED.overlays
    blind = Observed(tally=Unavailable("nftables may not be used: no", "Run vxland as root"))
    (hint,) = uncounted(overlay, blind)
    assert (hint.kind, hint.overlay) == (Kind.HINT, "lan")
    assert hint.text == (
        "the peers of overlay lan aren't counted one by one: nftables may not be used: no"
    )
    assert hint.cure == "Run vxland as root. The tunnels don't need it"
    assert [*uncounted(overlay, Observed())] == []
    (hint,) = uncounted(overlay, foreign().observe())
    assert "table inet vxland is somebody else's" in hint.text
    assert [*uncounted(wish(LAN).overlays[0], blind)] == []
