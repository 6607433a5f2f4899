"""What a change of the file costs is counted: looks, and thoughts."""

from collections.abc import Callable
from itertools import count

import pytest
from msgspec.structs import replace

from bench.place import MESH, OVERLAY, SHARED, Place, name, settings
from bench.turns import Turns
from tests.lab import eventually
from vxland.identity import pair_device
from vxland.kernel.events import LinkEvents
from vxland.kernel.netlink import Netlink
from vxland.kernel.wire import HEADER
from vxland.loop import reconciler
from vxland.process.doorbell import Trigger

pytestmark = [pytest.mark.kernel]

FEW = 3  # peers
GETLINK = 18  # RTM_GETLINK


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which of the reconciler's questions were asked."""
    names: list[str] = []

    def counting(name: str, ask: Callable[..., object]) -> Callable[..., object]:
        def counted(*args: object) -> object:
            names.append(name)
            return ask(*args)

        return counted

    for each in ("survey", "resolve"):
        monkeypatch.setattr(reconciler, each, counting(each, getattr(reconciler, each)))
    return names


@pytest.mark.parametrize("mode", [MESH, SHARED])
def test_a_peer_added(mode: str, place: Place, asked: list[str]) -> None:
    """The look that judges the new file is the one that the turn goes by; it is resolved once."""
    del place
    with Turns(FEW, mode) as turns:
        turns.turn(Trigger.START)
        asked.clear()
        turns.file.settings = replace(settings(FEW + 1, mode), digest="another")
        report, _ = turns.turn(Trigger.CONFIG)
        assert report.in_sync
        assert len([*report.desired.tunnels()]) == FEW + 1
        assert asked == ["survey", "resolve"]


def test_the_others_arent_looked_at(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the kernel tells what changes: not before, and not when guards are read back."""
    dumps: list[int] = []
    dump = Netlink.dump

    def counting(netlink: Netlink, message: bytes) -> list[bytes]:
        dumps.append(HEADER.unpack_from(message)[1])
        return dump(netlink, message)

    with LinkEvents(Trigger.NETLINK) as events, Turns(FEW, MESH, events) as turns:
        turns.turn(Trigger.START)

        def is_calm() -> bool:
            """Whether a turn finds nothing, and the kernel tells no more of what it was before."""
            report, _ = turns.turn()
            events.watch(turns.reconciler.remotes)
            return not (report.outcomes or events.drain())

        monkeypatch.setattr(Netlink, "dump", counting)
        peers = count(FEW + 1)

        def is_added_alone() -> bool:
            """Whether one more is made so; an address that is new just then is about anything."""
            eventually(is_calm, "nothing is left to do", pause=0.3)
            dumps.clear()
            turns.file.settings = replace(settings(number := next(peers)), digest=str(number))
            report, _ = turns.turn(Trigger.CONFIG)
            assert len(report.outcomes) == len(report.plan.operations) > 0
            assert report.failures == ()
            assert place.link(pair_device(OVERLAY, name(number + 1)))
            return GETLINK not in dumps

        eventually(is_added_alone, "a peer is added without a look at the others")
        report, _ = turns.turn()
        assert report.in_sync
        assert report.outcomes == ()
