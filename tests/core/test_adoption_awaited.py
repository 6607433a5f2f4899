"""What is taken over while the addresses of some peers aren't known: nothing goes down for that."""

import pytest
from msgspec.structs import replace

from tests.core.handmade import adopting
from tests.core.test_adoption import BRIDGE, MADE, SCRIPTS, after, look, said, script
from tests.core.watch import Watch
from tests.fake import strangers as others
from tests.fake import vandalism as somebody
from tests.fake.wishes import host, known_addresses, resolved, settings
from tests.fake_kernel import FakeKernel
from vxland.execution import execute
from vxland.model import Desired
from vxland.operations import Adopt, TakeDown
from vxland.plan import Plan, plan
from vxland.problems import Kind
from vxland.resolve import resolve
from vxland.settings import SHARED


def wanted(guards: tuple[str, ...], *, unknown: str = "") -> Desired:
    """The script's mesh, while nobody answers for some names."""
    written = settings(replace(SCRIPTS, guards=guards))
    peers = tuple(
        replace(peer, address=f"{peer.name}.example.org") if peer.name in unknown else peer
        for peer in written.peers
    )
    written = replace(written, peers=peers)
    return resolve(written, known_addresses(written, unknown), host())


def cut_off(desired: Desired) -> FakeKernel:
    """The script's mesh, taken over but for the last tunnel."""
    kernel = after(*script())
    operations = plan(look(kernel), desired).operations
    (*_, last) = (i for i, operation in enumerate(operations) if isinstance(operation, Adopt))
    execute(Plan(operations[:last]), kernel)
    return kernel


@pytest.mark.parametrize("adopt", [True, False])
@pytest.mark.parametrize("guards", [("isolated",), ("ebtables",), ("ebtables", "isolated")])
def test_cut_off_it_waits_for_names(guards: tuple[str, ...], *, adopt: bool) -> None:
    """A port that is guarded already may be that of a peer whose address isn't known."""
    kernel = cut_off(wanted(guards))
    waiting = adopting(wanted(guards, unknown="d"), adopt=adopt)
    made = plan(look(kernel), waiting)
    assert not any(isinstance(operation, TakeDown) for operation in made.operations)
    execute(made, Watch(kernel, waiting))
    for device in ("vxlan0", "vxlan1", "vxlan2"):
        assert kernel.net.by_name(device).up
    execute(plan(look(kernel), wanted(guards)), kernel)
    assert plan(look(kernel), wanted(guards)) == Plan()


def test_a_port_that_is_not_guarded_is_still_in_the_way() -> None:
    """Whoever's it may be."""
    kernel = cut_off(wanted(("isolated",)))
    kernel.net.by_name("vxlan2").isolated = False
    lines = said(plan(look(kernel), wanted(("isolated",), unknown="d")))
    assert {"take vxlan0 down", "take vxlan1 down"} <= set(lines)


@pytest.mark.parametrize(("unknown", "whose"), [("d", "d"), ("cd", "c or one of 1 more")])
def test_nothing_is_changed_before(unknown: str, whose: str) -> None:
    """And nobody is told to remove the tunnel to a peer for whose name nobody answers yet."""
    made = plan(look(after(*script())), wanted(("ebtables",), unknown=unknown))
    assert made.operations == ()
    (*_, refused) = made.problems
    assert refused.kind is Kind.HAZARD
    assert str(refused) == (
        f"vxlan2 isn't taken over: it may be the tunnel to {whose}, which can't be told yet; so"
        " nothing in bridge vxbr0 is, and all there stays as it is. Nothing, if the address still"
        " comes"
    )


@pytest.mark.parametrize(
    ("vni", "reason"),
    [
        (77, "it may be the tunnel to d, which can't be told yet"),
        (4242, "no tunnel of the overlay has VNI 4242 on port 4789"),
    ],
)
def test_shared_devices_have_one_vni(vni: int, reason: str) -> None:
    """So that a stranger's is none of the overlay's, whatever isn't known; over IPv6 it may be."""
    shared = replace(SCRIPTS, vni=77, mode=SHARED)
    (vtep,) = resolved(settings(shared)).vteps()
    kernel = after(
        *(*MADE, others.tunnel(vtep), somebody.put_into(vtep.device, BRIDGE)),
        *(others.vxlan("stray", vni, remote="2001:db8::99"), somebody.put_into("stray", BRIDGE)),
    )
    made = plan(look(kernel), resolved(settings(shared), unknown="d"))
    assert made.operations == ()
    assert reason in str(made.problems[-1])
