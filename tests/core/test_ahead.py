"""Before this machine finds itself among the peers: bridges for its guests, and nothing else."""

from msgspec.structs import replace

from tests.fake_kernel import FakeKernel
from vxland.execution import execute
from vxland.identity import mac
from vxland.model import Desired
from vxland.observed import Host, Observed, Unavailable
from vxland.operations import CreateBridge, SetMac
from vxland.peers import addresses
from vxland.plan import Plan, plan
from vxland.problems import Kind
from vxland.resolve import resolve, unidentified
from vxland.settings import NodeSettings, OverlaySettings, PeerSettings, Settings

LAN, DMZ = OverlaySettings("lan", "vxbr0"), OverlaySettings("dmz", "vxbr1")
PEERS = tuple(PeerSettings(f"lxd{n}", f"192.0.2.{n}") for n in (1, 2, 3))
SETTINGS = Settings(node=NodeSettings(name="lxd1"), overlays=(LAN,), peers=PEERS)
AHEAD = unidentified(SETTINGS)
HOME = resolve(SETTINGS, addresses(PEERS), Host())


def kernel(*wanted: Desired) -> FakeKernel:
    """One on which these were carried out, in this order."""
    made = FakeKernel()
    for desired in wanted:
        execute(plan(made.observe(), desired), made)
        assert plan(made.observe(), desired).operations == ()
    return made


def test_the_bridge_is_there_marked_and_up() -> None:
    """So that guests can be put into it."""
    link = kernel(AHEAD).look().links["vxbr0"]
    assert (link.kind, link.up, link.mtu) == ("bridge", True, 1450)
    assert link.alias == "vxland:lan"


def test_only_overlays_of_every_peer_have_one() -> None:
    """This machine is one of them, and needn't be in the others."""
    peers = (replace(PEERS[0], overlays=frozenset({"lan"})), *PEERS[1:])
    ahead = unidentified(replace(SETTINGS, overlays=(LAN, DMZ), peers=peers))
    assert [overlay.name for overlay in ahead.overlays] == ["lan"]


def test_the_node_gives_it_its_address_before_there_are_tunnels() -> None:
    """Then it is as any other."""
    made = kernel(AHEAD)
    steps = [type(step) for step in plan(made.observe(), HOME).operations]
    assert SetMac in steps
    assert CreateBridge not in steps
    execute(plan(made.observe(), HOME), made)
    assert made.look().links["vxbr0"].mac == mac("lxd1", "lan")
    assert plan(made.observe(), HOME).operations == ()


def test_what_is_there_already_stays_as_it_is() -> None:
    """A restart while the address is away disturbs nothing, whatever drifted."""
    made = kernel(HOME)
    link = made.look().links["vxbr0"]
    seen = replace(made.observe(), links={**made.look().links, "vxbr0": replace(link, up=False)})
    assert plan(seen, AHEAD) == Plan()


def test_a_bridge_that_was_not_finished_is() -> None:
    """It is known by the address that it was made with."""
    steps = plan(Observed(), AHEAD).operations
    for number in range(1, len(steps)):
        made = FakeKernel()
        for step in steps[:number]:
            assert made.perform([step]) == {}
        execute(plan(made.observe(), AHEAD), made)
        assert made.look().links["vxbr0"] == kernel(AHEAD).look().links["vxbr0"]


def test_without_its_guard_an_overlay_is_not_begun() -> None:
    """As later on."""
    seen = Observed(ebtables=Unavailable("there is no ebtables"))
    made = plan(seen, AHEAD)
    assert made.operations == ()
    assert [problem.kind for problem in made.problems] == [Kind.GUARD]


def test_an_address_that_is_not_here_is_waited_for() -> None:
    """The tunnels are laid out with it all the same."""
    made = plan(kernel(HOME).observe(), HOME)
    assert made.operations == ()
    (problem,) = made.problems
    assert problem.kind is Kind.WAITING
    assert "192.0.2.1 isn't on any interface yet" in problem.text
    assert not made.in_sync
