"""Each call to the kernel fails once, in each way; then all is as it should be.

All the while nothing loops and nothing of others' changes, which a witness sees after each
request. Here are some of the places; ``-m whole`` tries every one.
"""

import contextlib
import signal
import struct
from collections.abc import Callable, Iterable, Iterator
from errno import errorcode
from functools import partial
from itertools import count

import pytest
from msgspec.structs import replace

from tests.faults.doomed import doomed
from tests.faults.ledger import Ledger
from tests.faults.stage import HOME, SHARED, Stage, sh, staged
from tests.faults.wire import ERRORS, FAULTS, RECEIVING, SENDING, Fault, refused
from tests.lab import eventually
from vxland.identity import GROUP
from vxland.process.doorbell import Trigger

pytestmark = pytest.mark.kernel

FEW = 13
SOON = struct.pack("@ll", 0, 300_000)  # struct timeval
SOME = ("ENOBUFS, and what came is lost", "done, but refused")
WHOLE = [pytest.mark.whole, pytest.mark.timeout(0)]
FEWER = replace(HOME, peers=HOME.peers[:2])
VANDALISM = """
ip link del vxl-lan-b
ip link set vxl-lan-c nomaster; ip link set vxl-lan-c master vxbr0
bridge fdb del 00:00:00:00:00:00 dev vxl-lan-d; bridge link set dev vxl-lan-d isolated off
ip link set vxl-lan-d alias ''; ip link set vxbr0 mtu 1300
"""
ADDRESSED = ("eth0", "far0", "fvx0", "vxbr0")  # by the kernel, which takes a second or two
A_FEW = """
ip link del vxl-lan-b; bridge fdb del 00:00:00:00:00:00 dev vxl-lan-d
ip link set vxl-lan-c nomaster; bridge link set dev vxl-lan-d isolated off
"""
RULES = """
ebtables -F VXLAND; ebtables -D FORWARD -i vxl-+ -o vxl-+ -j VXLAND
nft flush chain bridge vxland forward
nft flush chain inet vxland-ingress output; nft flush set inet vxland-ingress peers4
"""
FILTER_OPEN = """
nft flush chain inet vxland-ingress input; nft flush set inet vxland-ingress vnis
ip link del vxl-lan-b; ip link del vxl-lan-c
"""


def from_nothing(_: Stage) -> None:
    """All of vxland's is gone."""
    sh(f"ip link del group {GROUP}; nft delete table bridge vxland; nft delete table inet vxland")
    sh("ebtables -D FORWARD -i vxl-+ -o vxl-+ -j VXLAND; ebtables -X VXLAND")
    sh("nft delete table inet vxland-ingress")


def vandalised(stage: Stage) -> None:
    """Several things at once."""
    stage.arrive()
    sh(VANDALISM)


def without_rules(stage: Stage) -> None:
    """The guards that are rules are gone."""
    stage.arrive()
    stage.killed()  # while it runs, tables are its own
    sh(RULES)


def filter_open(stage: Stage) -> None:
    """Strangers would get in, where there were tunnels."""
    stage.arrive()
    stage.killed()  # while it runs, tables are its own
    sh(FILTER_OPEN)


def addressed() -> bool:
    """Nothing more is told of addresses, which would be about anything."""
    shown = sh("ip -6 -o address show scope link -tentative")
    return all(f" {name} " in shown for name in ADDRESSED)


def touched(stage: Stage) -> None:
    """A few tunnels, of which the kernel tells, and of nothing else."""
    stage.arrive()
    eventually(addressed, "the kernel's own addresses")
    stage.arrive()
    sh(A_FEW)


def another_mode(stage: Stage) -> None:
    """One device in place of many, and a table that counts."""
    stage.arrive()
    stage.want(SHARED)


def fewer_peers(stage: Stage) -> None:
    """Two leave, of which the file alone tells."""
    stage.arrive()
    stage.turn(Trigger.NETLINK)
    stage.want(FEWER)


def another_peer(stage: Stage) -> None:
    """One comes back, of which the file alone tells; the rest has been as it is for a while."""
    stage.want(FEWER)
    stage.killed()
    stage.arrive()
    stage.turn(Trigger.NETLINK)
    stage.want(HOME)


Scene = Callable[[Stage], None]
# What the daemon does, where it isn't asked for a turn.
ANSWERS: dict[Scene, Callable[[Stage], object]] = {
    fewer_peers: lambda stage: stage.turn(Trigger.CONFIG),
    another_peer: lambda stage: stage.turn(Trigger.CONFIG),
    touched: Stage.mend,
}
SCENES: tuple[Scene, ...] = (
    from_nothing,
    vandalised,
    without_rules,
    filter_open,
    touched,
    another_mode,
    fewer_peers,
    another_peer,
)


class Killed(BaseException):
    """The daemon ends, and does nothing more but for what is in a ``finally``."""


def killing(*_: object) -> bytes:
    """Whatever was sent or received: it ends."""
    raise Killed


def scenes(*short: Scene) -> pytest.MarkDecorator:
    """Which are played with one place for each fault, and all with every place."""
    some = [pytest.param(scene, False, id=scene.__name__) for scene in short]
    every = [pytest.param(s, True, id=f"{s.__name__}, everywhere", marks=WHOLE) for s in SCENES]
    return pytest.mark.parametrize(("scene", "everywhere"), [*some, *every])


def struck(stage: Stage, scene: Scene, fault: Fault, place: int) -> bool:
    """Play a scene with a fault in what follows; False where there was none."""
    stage.want(HOME)
    stage.killed()  # many repairs of one thing would be a fight
    scene(stage)
    stage.wire.arm(fault, place)
    try:
        with contextlib.suppress(OSError):  # the daemon tries again
            ANSWERS.get(scene, Stage.turn)(stage)
    except Killed:
        stage.killed()
    found = stage.wire.disarm()
    stage.arrive()
    return found


def inflict(
    stage: Stage,
    ledger: Ledger,
    scene: Scene,
    faults: Iterable[tuple[str, Fault]],
    *,
    everywhere: bool,
) -> None:
    """Each of them at every place that there is, or at one of the first; none in vain."""
    for number, (name, fault) in enumerate(faults):
        struck_at = 0
        for place in count(1) if everywhere else (1 + number % FEW,):
            if not struck(stage, scene, fault, place):
                break
            struck_at = place
            ledger.fault(f"{name}, {place}", stage.told())
        assert struck_at, f"{name} never struck"


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """One for all scenes of a test; it waits less long for answers that don't come."""
    monkeypatch.setattr("vxland.kernel.netlink.TIMEOUT", SOON)
    with staged(monkeypatch) as made:
        yield made


@scenes(vandalised, another_mode, another_peer)
def test_a_call_that_fails(
    stage: Stage,
    ledger: Ledger,
    scene: Scene,
    *,
    everywhere: bool,
) -> None:
    """By an error, or by what is received."""
    inflict(stage, ledger, scene, FAULTS.items(), everywhere=everywhere)


@pytest.mark.parametrize("name", SOME)
def test_a_mend_that_fails(stage: Stage, ledger: Ledger, name: str) -> None:
    """At every place; a turn puts right what it leaves."""
    inflict(stage, ledger, touched, [(name, FAULTS[name])], everywhere=True)
    assert stage.mended  # the last time, when nothing went wrong


@scenes(from_nothing, filter_open)
def test_a_request_that_is_refused(
    stage: Stage,
    ledger: Ledger,
    scene: Scene,
    *,
    everywhere: bool,
) -> None:
    """With every error, whatever it usually means; here with each in one of the two scenes."""
    errors = ERRORS if everywhere else ERRORS[scene is filter_open :: 2]
    refusals = ((errorcode[error], refused(error, done=False)) for error in errors)
    inflict(stage, ledger, scene, refusals, everywhere=everywhere)


@scenes(from_nothing, vandalised)
def test_it_is_killed(
    stage: Stage,
    ledger: Ledger,
    scene: Scene,
    *,
    everywhere: bool,
) -> None:
    """Before it sends something, or hears what has come of it; another daemon takes over.

    By an exception, so that it may be at every place; a process of its own is what comes next.
    """
    kills = ((f"killed while {where}", Fault(where, killing)) for where in (SENDING, RECEIVING))
    inflict(stage, ledger, scene, kills, everywhere=everywhere)


def test_its_process_is_killed(stage: Stage, ledger: Ledger) -> None:
    """By SIGKILL, before each datagram that changes something; another daemon takes over."""
    with doomed() as ended:
        for place in count(1):
            stage.killed()
            from_nothing(stage)
            if (how := stage.aside(partial(ended, place))) == 0:
                break
            assert how == -signal.SIGKILL
            stage.arrive()
            ledger.fault(f"killed before {place}", stage.told())
    assert place > FEW // 2
