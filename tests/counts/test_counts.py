"""What a turn costs is counted, not timed: messages, what is decoded, processes, rules."""

import gc
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from errno import ENODEV
from functools import partial
from pathlib import Path

import pytest

from bench.moments import deletion
from bench.place import MESH, SHARED, Place
from bench.turns import Turns
from tests.counts.asked import counted
from tests.lab import eventually
from vxland.kernel.directory import Directory
from vxland.kernel.link_table import PARTS
from vxland.kernel.netlink import BATCH, Netlink
from vxland.loop import reconciler
from vxland.observed import FdbEntry, Link, VxlanState
from vxland.probe import managers
from vxland.process.doorbell import Trigger
from vxland.report import Report
from vxland.tables import ingress, tally

pytestmark = [pytest.mark.kernel]

FEW, MORE = 3, 13  # peers
MANY = 200  # turns
# CreateVtep, SetAlias, NoLinkLocal, AddAltname, Attach, Isolate, BringUp
A_TUNNEL = 7
A_FLOOD_ENTRY = 1
A_BRIDGE, A_SHARED_VTEP = 8, 9  # and what it is in, however many peers there are
GETROUTE = 26
GENERATIONS = 6  # asked for: two by the first look, two where rules are read, two by who writes
INGRESS, TALLY = sum(map(len, ingress.RULES.values())), len(tally.RULES)  # rules of nftables
THOUGHTS = ("plan", "resolve", "hints")  # of the reconciler's
LOOKS = frozenset({18, 22, GETROUTE, 30, 90})  # RTM_GET…; links, addresses, routes, …
NFNETLINK = 1 << 8  # where nfnetlink's types begin
NFTABLES = 10 << 8  # NFNL_SUBSYS_NFTABLES
NEWSETELEM = NFTABLES | 12
GETGEN = NFTABLES | 16
MADE_OF_NFTABLES = (NFTABLES, NFTABLES | 3, NFTABLES | 6, NFTABLES | 9, NEWSETELEM)  # tables, …
A_FEW = 11  # dumps, of which an interrupted one is asked for again


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Counter[int]:
    """How many messages went to the kernel, by type."""
    return counted(monkeypatch)


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The command lines of what was started."""
    started: list[object] = []

    start: Callable[..., None] = subprocess.Popen.__init__

    def starting(self: "subprocess.Popen[str]", *args: object, **kwargs: object) -> None:
        started.append(args)
        start(self, *args, **kwargs)

    monkeypatch.setattr(subprocess.Popen, "__init__", starting)  # of kinds of it, too
    return started


def settle(turns: Turns) -> None:
    """Turn until the kernel has told all that follows from new devices."""
    turns.turn()

    def nothing_is_new() -> bool:
        before = decoded(turns)
        assert not turns.turn()[0].outcomes
        return decoded(turns) == before

    eventually(lambda: all(nothing_is_new() for _ in range(3)), "nothing changes", pause=0.3)


def decoded(turns: Turns) -> tuple[int, ...]:
    """How many links and forwarding entries were read so far."""
    kernel = turns.kernel
    return kernel._links.decoded, kernel._fdb.decoded, kernel._routes.read


@pytest.mark.parametrize("mode", [MESH, SHARED])
def test_a_check_that_finds_nothing(
    mode: str,
    place: Place,
    sent: Counter[int],
    processes: list[object],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It decodes nothing, starts nothing, changes nothing, and doesn't think it all over again."""
    thoughts: list[object] = []

    def thinking(think: Callable[..., object], *args: object) -> object:
        thoughts.append(args)
        return think(*args)

    for module, name in ((managers, "claims"), *((reconciler, n) for n in THOUGHTS)):
        monkeypatch.setattr(module, name, partial(thinking, getattr(module, name)))
    with Turns(MORE, mode) as turns:
        settle(turns)
        place.sh("ping -c1 -n 127.0.0.1")  # counters move
        sent.clear()
        processes.clear()
        thoughts.clear()
        before = decoded(turns)
        assert not turns.turn()[0].outcomes
        assert decoded(turns) == before
        assert processes == []
        assert thoughts == []
        routing = Counter({kind: count for kind, count in sent.items() if kind < NFNETLINK})
        assert set(routing) <= LOOKS
        assert routing.pop(GETROUTE) == MORE + 1  # one for each peer, this node among them
        assert routing.total() <= 5  # dumps
        assert sent.total() <= MORE + 20


def test_what_hasnt_changed_is_the_same_object(place: Place) -> None:
    """What thousands of turns replace leaves gaps in memory, of which it grows."""
    del place
    with Turns(FEW, MESH) as turns:
        settle(turns)
        before, now = (turns.turn()[0].observed for _ in range(2))
        for device in before.fdb:
            assert now.links[device] is before.links[device]
            assert now.fdb[device] is before.fdb[device]
            assert now.addresses[device] is before.addresses[device]


def test_times_that_pass_are_no_change(place: Place) -> None:
    """Each device's reachable time is another one every five minutes (net/core/neighbour.c)."""
    with Turns(FEW, MESH) as turns:
        settle(turns)
        before, seen = decoded(turns), turns.turn()[0].observed
        for device in seen.fdb:  # one is chosen by chance when the base is another, too
            place.sh(f"sysctl -qw net.ipv6.neigh.{device}.base_reachable_time_ms=30001")
        turns.turn()
        assert decoded(turns) == before


def test_what_means_the_same_is_kept_once(place: Place) -> None:
    """Messages that say something else of which nothing counts make no second set of links."""
    with Turns(FEW, MESH) as turns:
        settle(turns)
        before, seen = decoded(turns), turns.turn()[0].observed
        for device in seen.fdb:
            place.sh(f"sysctl -qw net.ipv6.conf.{device}.hop_limit=33")
        now = turns.turn()[0].observed
        assert decoded(turns) > before
        table = turns.kernel._links
        for link in table.by_number().values():
            assert now.links[link.name] is link
            assert seen.links[link.name] is link


def test_of_what_has_changed_the_rest_is_the_same_object(place: Place) -> None:
    """Where a bridge goes, each port is another; what each is besides is kept once."""
    with Turns(FEW, MESH) as turns:
        settle(turns)
        before = turns.turn()[0].observed
        place.sh("ip link delete vxbr0")
        now = turns.kernel.observe()
        for device in before.fdb:
            old, new = before.links[device], now.links[device]
            assert old.master
            assert not new.master
            for part in PARTS:
                assert getattr(new, part) is getattr(old, part)


def test_what_was_put_right_is_let_go(place: Place) -> None:
    """However often all is made anew, it is kept once: what isn't there any more by nobody."""

    def alive() -> list[int]:
        gc.collect()
        kinds = [type(one) for one in gc.get_objects()]
        return [kinds.count(kind) for kind in (Link, FdbEntry, VxlanState, Report)]

    with Turns(MORE, MESH) as turns:
        settle(turns)
        before = alive()
        for devices in (["vxbr0"], [*turns.turn()[0].observed.fdb]):
            for device in devices:
                place.sh(f"ip link delete {device}")
            assert turns.turn()[0].outcomes
            settle(turns)
            assert alive() == before


def test_what_finds_nothing_leaves_nothing(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """No memory, and no names: those that come and go fill the table that Python has of them."""
    del place
    intern, names = sys.intern, list[str]()

    def interned(name: str) -> str:
        names.append(name)
        return intern(name)

    with Turns(FEW, MESH) as turns:
        settle(turns)
        turns.turn()
        gc.collect()
        before = sys.getallocatedblocks()
        monkeypatch.setattr(sys, "intern", interned)
        for _ in range(MANY):
            turns.turn()
        gc.collect()
        assert sys.getallocatedblocks() - before < MANY  # which is less than one a turn
        assert names == []


@pytest.mark.parametrize(
    ("mode", "cost"),
    [(MESH, (A_TUNNEL, A_BRIDGE)), (SHARED, (A_FLOOD_ENTRY, A_BRIDGE + A_SHARED_VTEP))],
)
def test_messages_that_make_it(
    mode: str, cost: tuple[int, int], place: Place, sent: Counter[int], tmp_path: Path
) -> None:
    """So many for each peer, and no more; of nftables' none for a peer, who is an element."""
    del place
    (each, besides), of_nftables = cost, {}
    for peers in (FEW, MORE):
        with Place(f"of{peers}", tmp_path / str(peers)) as one, one.entered():
            with Turns(peers, mode) as turns:
                sent.clear()
                report, _ = turns.turn(Trigger.START)
            assert report.in_sync
            looks = Counter({kind: sent.pop(kind) for kind in LOOKS if kind in sent})
            assert looks.pop(GETROUTE) == peers + 1
            assert looks.total() <= A_FEW
            routing = sum(n for kind, n in sent.items() if kind < NFNETLINK)
            assert routing == peers * each + besides
            assert sent[GETGEN] == GENERATIONS
            of_nftables[peers] = {kind: sent[kind] for kind in MADE_OF_NFTABLES}
    assert of_nftables[FEW] == of_nftables[MORE]
    assert of_nftables[FEW][NEWSETELEM] > 0


def test_thousands_of_messages(place: Place) -> None:
    """They are no long silence: whoever waits is told of each batch."""
    del place
    told: list[object] = []
    messages = [deletion(MESH, number, Directory({}, {})) for number in range(2 * BATCH + 1)]
    with Netlink(answered=lambda: told.append("answered")) as netlink:
        answers = netlink.request(messages)
    assert [answer.errno for answer in answers if answer] == [ENODEV] * len(messages)
    assert len(told) == 3


def test_a_cold_start(place: Place, processes: list[object]) -> None:
    """ebtables is run once, to write, and no new tunnel is read whole."""
    before = len(place.sh("ip -o link").splitlines())
    processes.clear()
    with Turns(MORE, MESH) as turns:
        assert turns.turn(Trigger.START)[0].in_sync
        assert turns.kernel._links.decoded == before
    assert len(processes) == 1


@pytest.mark.parametrize(("mode", "of_nftables"), [(MESH, INGRESS), (SHARED, INGRESS + TALLY)])
def test_rules_dont_grow_with_the_mesh(
    mode: str, of_nftables: int, place: Place, tmp_path: Path
) -> None:
    """Two wildcards do what the script does with a rule for each pair; nftables' have sets."""
    del place
    rules = {}
    for peers in (10, 300):
        with Place(f"rules{peers}", tmp_path / str(peers)) as one, one.entered():
            with Turns(peers, mode) as turns:
                assert turns.turn()[0].in_sync
            handles = one.sh("nft --terse --handle list ruleset inet")
            of_rules = handles.count(" # handle ") - handles.count("{ # handle ")
            rules[peers] = one.sh("ebtables-save").count("\n-A "), of_rules
    assert rules[10] == rules[300] == (2, of_nftables)
