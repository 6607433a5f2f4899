"""What a repair costs is counted, and the turn that tells of it: nobody looks at all the others."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import TypeVar

import pytest

from bench.moments import SHARED_DEVICE
from bench.place import MESH, OVERLAY, SHARED, Place, address, name
from bench.turns import Turns
from tests.lab import eventually
from vxland.identity import pair_device
from vxland.kernel import ebtables
from vxland.kernel.events import LinkEvents
from vxland.kernel.generation import GETGEN
from vxland.kernel.netlink import Netlink
from vxland.kernel.wire import HEADER, NetlinkError
from vxland.observed import NULL_MAC
from vxland.process.doorbell import Trigger

pytestmark = [pytest.mark.kernel]

PEERS = 3
GETLINK = 18  # RTM_GETLINK

T = TypeVar("T")


@pytest.fixture
def dumps(monkeypatch: pytest.MonkeyPatch) -> Counter[int]:
    """How often all there is was asked for, by the message's type."""
    asked: Counter[int] = Counter()
    dump_as = Netlink.dump_as

    def counting(netlink: Netlink, read: Callable[[bytes], T], message: bytes) -> list[T]:
        asked[HEADER.unpack_from(message)[1]] += 1
        return dump_as(netlink, read, message)

    monkeypatch.setattr(Netlink, "dump_as", counting)
    return asked


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Counter[int]:
    """How many single things were asked for, by the message's type."""
    asked: Counter[int] = Counter()
    ask = Netlink.ask

    def counting(netlink: Netlink, messages: Sequence[bytes]) -> list[bytes | NetlinkError]:
        asked.update(HEADER.unpack_from(message)[1] for message in messages)
        return ask(netlink, messages)

    monkeypatch.setattr(Netlink, "ask", counting)
    return asked


def is_calm(turns: Turns, events: LinkEvents[Trigger]) -> bool:
    """Whether a turn finds nothing to do, and nobody tells of anything any more."""
    report, _ = turns.turn()
    events.watch(turns.reconciler.remotes)
    return not (report.outcomes or events.drain())


def test_a_tunnel_deleted(place: Place, dumps: Counter[int]) -> None:
    """It is made again, and told of, without a look at all links."""
    with LinkEvents(Trigger.NETLINK) as events, Turns(PEERS, MESH, events) as turns:
        mending = turns.reconciler.mending
        turns.turn(Trigger.START)
        device = pair_device(OVERLAY, name(2))

        def is_made_again_alone() -> bool:
            """Whether it was so; an address that is new just then is about anything."""
            eventually(lambda: is_calm(turns, events), "nothing is left to do", pause=0.3)
            dumps.clear()
            place.sh(f"ip link del {device}")
            while events.drain():
                if not mending.mend():
                    return False
            report, _ = turns.turn(Trigger.NETLINK)
            assert [mend.repaired for mend in report.mends] == [{device}]
            assert report.in_sync
            assert report.outcomes == ()
            return not dumps[GETLINK]

        def remembered() -> tuple[int, ...]:
            links, entries = turns.kernel._links, turns.kernel._fdb
            return len(links._raw), len(links.indexes), len(entries._devices), len(entries._read)

        eventually(lambda: is_calm(turns, events), "nothing is left to do", pause=0.3)
        before = remembered()
        eventually(is_made_again_alone, "it is made again without a look at the others")
        assert place.link(device)
        assert remembered() == before  # though it may be long until all is looked at
        assert turns.turn()[0].outcomes == ()
        assert dumps[GETLINK] == 1


def test_what_a_repair_asks(
    place: Place, asked: Counter[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether it is gone; then that one, by its name and its number, and one of the others."""
    looked_for: list[str] = []
    which = ebtables._which

    def looking(program: str) -> str | None:
        looked_for.append(program)
        return which(program)

    monkeypatch.setattr(ebtables, "_which", looking)
    with LinkEvents(Trigger.NETLINK) as events, Turns(PEERS, MESH, events) as turns:
        turns.turn(Trigger.START)

        def is_made_again() -> bool:
            """Whether it was so; an address that is new just then is about anything."""
            eventually(lambda: is_calm(turns, events), "nothing is left to do", pause=0.3)
            asked.clear()
            looked_for.clear()
            place.sh(f"ip link del {pair_device(OVERLAY, name(2))}")
            return events.drain() and turns.reconciler.mending.mend()

        eventually(is_made_again, "it is made again without a turn")
        assert asked == {GETLINK: 1 + 3, GETGEN: 2}
        assert looked_for == []  # which program there is doesn't matter to the kernel


def test_a_flood_entry_deleted(place: Place) -> None:
    """It is appended again, and read: none of the others is, of which there may be thousands."""
    with LinkEvents(Trigger.NETLINK) as events, Turns(PEERS, SHARED, events) as turns:
        mending, entries = turns.reconciler.mending, turns.kernel._fdb
        turns.turn(Trigger.START)

        def is_appended_alone() -> bool:
            """Whether it was so; an address that is new just then is about anything."""
            eventually(lambda: is_calm(turns, events), "nothing is left to do", pause=0.3)
            before, kept = entries.decoded, len(entries._read)
            place.sh(f"bridge fdb del {NULL_MAC} dev {SHARED_DEVICE} dst {address(2)}")
            while events.drain():
                if not mending.mend():
                    return False
            report, _ = turns.turn(Trigger.NETLINK)
            assert [mend.repaired for mend in report.mends] == [{SHARED_DEVICE}]
            assert report.in_sync
            assert entries.decoded - before == 1
            assert len(entries._read) == kept
            return True

        eventually(is_appended_alone, "it is appended without a turn")
