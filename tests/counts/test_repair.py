"""What a repair costs is counted, and the turn that tells of it: nobody looks at all the others."""

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from bench.place import MESH, OVERLAY, Place, name
from bench.turns import Turns
from tests.lab import eventually
from vxland.identity import pair_device
from vxland.kernel.events import LinkEvents
from vxland.kernel.netlink import Netlink
from vxland.kernel.wire import HEADER
from vxland.process.doorbell import Trigger

pytestmark = [pytest.mark.kernel]

PEERS = 3
GETLINK = 18  # RTM_GETLINK

T = TypeVar("T")


@pytest.fixture
def place(laboratory: None, tmp_path: Path) -> Iterator[Place]:
    """A server whose namespace this thread is in."""
    del laboratory
    with Place("repair", tmp_path) as made, made.entered():
        yield made


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


def test_a_tunnel_deleted(place: Place, dumps: Counter[int]) -> None:
    """It is made again, and told of, without a look at all links."""
    with LinkEvents(Trigger.NETLINK) as events, Turns(PEERS, MESH, events) as turns:
        mending = turns.reconciler.mending
        turns.turn(Trigger.START)

        def is_calm() -> bool:
            report, _ = turns.turn()
            events.watch(turns.reconciler.remotes)
            return not (report.outcomes or events.drain())

        device = pair_device(OVERLAY, name(2))

        def is_made_again_alone() -> bool:
            """Whether it was so; an address that is new just then is about anything."""
            eventually(is_calm, "nothing is left to do", pause=0.3)
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

        eventually(is_calm, "nothing is left to do", pause=0.3)
        before = remembered()
        eventually(is_made_again_alone, "it is made again without a look at the others")
        assert place.link(device)
        assert remembered() == before  # though it may be long until all is looked at
        assert turns.turn()[0].outcomes == ()
        assert dumps[GETLINK] == 1
