"""Each call to the kernel fails once, in each way; then all is as it should be.

All the while nothing loops and nothing of others' changes, which a witness sees after each
request. Here are some of the places; ``-m whole`` tries every one.
"""

import contextlib
import struct
from collections.abc import Callable, Iterable, Iterator
from errno import errorcode
from itertools import count

import pytest
from msgspec.structs import replace

from tests.faults.ledger import Ledger
from tests.faults.stage import HOME, SHARED, Stage, sh, staged
from tests.faults.wire import ERRORS, FAULTS, RECEIVING, SENDING, Fault, refused
from vxland.identity import GROUP
from vxland.process.doorbell import Trigger

pytestmark = pytest.mark.kernel

FEW = 13
SOON = struct.pack("@ll", 0, 300_000)  # struct timeval
WHOLE = [pytest.mark.whole, pytest.mark.timeout(0)]
FEWER = replace(HOME, peers=HOME.peers[:2])
VANDALISM = """
ip link del vxl-lan-b
ip link set vxl-lan-c nomaster; ip link set vxl-lan-c master vxbr0
bridge fdb del 00:00:00:00:00:00 dev vxl-lan-d; bridge link set dev vxl-lan-d isolated off
ip link set vxl-lan-d alias ''; ip link set vxbr0 mtu 1300
"""
RULES = """
ebtables -F VXLAND; ebtables -D FORWARD -j VXLAND; nft flush chain bridge vxland forward
nft flush chain inet vxland-ingress output; nft flush set inet vxland-ingress peers4
"""
FILTER_OPEN = """
nft flush chain inet vxland-ingress input; nft flush set inet vxland-ingress vnis
ip link del vxl-lan-b; ip link del vxl-lan-c
"""


def from_nothing(_: Stage) -> None:
    """All of vxland's is gone."""
    sh(f"ip link del group {GROUP}; nft delete table bridge vxland; nft delete table inet vxland")
    sh("ebtables -D FORWARD -j VXLAND; ebtables -X VXLAND; nft delete table inet vxland-ingress")


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
BY_THE_FILE: tuple[Scene, ...] = (fewer_peers, another_peer)
SCENES: tuple[Scene, ...] = (
    from_nothing,
    vandalised,
    without_rules,
    filter_open,
    another_mode,
    fewer_peers,
    another_peer,
)


class Killed(BaseException):
    """The daemon ends, and does nothing more."""


def killing(*_: object) -> bytes:
    """Whatever was sent or received: it ends."""
    raise Killed


def scenes(*short: Scene) -> pytest.MarkDecorator:
    """Which are played with one place for each fault, and all with every place."""
    some = [pytest.param(scene, False, id=scene.__name__) for scene in short]
    every = [pytest.param(s, True, id=f"{s.__name__}, everywhere", marks=WHOLE) for s in SCENES]
    return pytest.mark.parametrize(("scene", "everywhere"), [*some, *every])


def places(number: int, *, everywhere: bool) -> Iterable[int]:
    """Where a fault strikes, by its number: at every call, or at one of the first."""
    return count(1) if everywhere else (1 + number % FEW,)


def struck(stage: Stage, scene: Scene, fault: Fault, place: int) -> bool:
    """Play a scene with a fault in the turn that follows; False where there was none."""
    stage.want(HOME)
    stage.killed()  # many repairs of one thing would be a fight
    scene(stage)
    stage.wire.arm(fault, place)
    try:
        with contextlib.suppress(OSError):  # the daemon tries again
            stage.turn(Trigger.CONFIG if scene in BY_THE_FILE else Trigger.REQUEST)
    except Killed:
        stage.killed()
    found = stage.wire.disarm()
    stage.arrive()
    return found


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
    for number, (name, fault) in enumerate(FAULTS.items()):
        for place in places(number, everywhere=everywhere):
            if not struck(stage, scene, fault, place):
                break
            ledger.fault(f"{name}, {place}", stage.told())


@scenes(from_nothing, filter_open)
def test_a_request_that_is_refused(
    stage: Stage,
    ledger: Ledger,
    scene: Scene,
    *,
    everywhere: bool,
) -> None:
    """With every error, whatever it usually means."""
    for number, error in enumerate(ERRORS):
        for place in places(number, everywhere=everywhere):
            if not struck(stage, scene, refused(error, done=False), place):
                break
            ledger.fault(f"{errorcode[error]}, {place}", stage.told())


@scenes(from_nothing, vandalised)
def test_it_is_killed(
    stage: Stage,
    ledger: Ledger,
    scene: Scene,
    *,
    everywhere: bool,
) -> None:
    """Before it sends something, or hears what has come of it; another daemon takes over."""
    for number, occasion in enumerate((SENDING, RECEIVING), FEW // 2):
        for place in places(number, everywhere=everywhere):
            if not struck(stage, scene, Fault(occasion, killing), place):
                break
            ledger.fault(f"killed while {occasion}, {place}", stage.told())
