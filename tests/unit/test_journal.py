"""What the journal says of turns: one line for each device, few of many, with fields."""

from collections.abc import Iterator
from ipaddress import ip_address, ip_interface

import pytest
from msgspec.structs import replace

from tests.unit.journal_log import (
    DEVICE,
    GONE,
    OTHER,
    TURN,
    Log,
    entry_of,
    listening,
    mesh,
    mtu,
    turn,
)
from vxland.execution import Failure, Outcome
from vxland.identity import CHAIN
from vxland.journal import Journal, Message, set_up
from vxland.journal.entries import TOGETHER, changes
from vxland.journal.throttle import AT_ONCE, FIRST
from vxland.listing import MOST
from vxland.model import Desired
from vxland.observed import FdbEntry
from vxland.operations import AddAddress, RemoveFdb, TakeDown, WriteChain
from vxland.problems import Kind, Problem


@pytest.fixture
def log() -> Iterator[Log]:
    """A journal after its first turn."""
    with listening() as found:
        yield found


def test_drift_is_one_line_with_fields(log: Log) -> None:
    """Which device, whose, what was done, how long it took, why it was looked at, and who."""
    who = {DEVICE: "ip (pid 12)"}
    log.journal.write(turn(mtu(), TakeDown("lan", DEVICE), mtu(OTHER), culprits=who))
    first, second = log.entries_of(log.drained())
    assert first.getMessage().startswith(f"{DEVICE} put right in 12 ms: {mtu()}, ")
    assert second.getMessage() == f"{OTHER} put right in 12 ms: {mtu(OTHER)}"
    entry = entry_of(first)
    assert (entry.message, entry.message.priority) == (Message.REPAIRED, 5)
    assert entry.fields == {
        "VXLAND_OVERLAY": ("lan",),
        "VXLAND_PEER": ("lxd2",),
        "VXLAND_DEVICE": (DEVICE,),
        "VXLAND_WHAT": ("SetMtu", "TakeDown"),
        "VXLAND_CULPRIT": ("ip (pid 12)",),
        "VXLAND_DURATION_USEC": ("12300",),
        "VXLAND_TRIGGER": ("netlink", "retry"),
    }
    assert "VXLAND_CULPRIT" not in entry_of(second).fields


def test_what_has_no_overlay_or_peer_has_no_such_field(log: Log) -> None:
    """As the chain of all overlays, and a bridge."""
    log.journal.write(turn(WriteChain("", CHAIN, (), (), ())))
    assert set(log.entry().fields) == {
        "VXLAND_DEVICE",
        "VXLAND_WHAT",
        "VXLAND_DURATION_USEC",
        "VXLAND_TRIGGER",
    }
    log.journal.write(turn(AddAddress("lan", "vxbr0", ip_interface("10.0.0.1/24"))))
    assert "VXLAND_PEER" not in log.entry().fields


def test_a_device_that_leaves_tells_its_peer_by_its_mark(log: Log) -> None:
    """The configuration no longer has it."""
    log.journal.write(turn(TakeDown("lan", GONE), repaired=frozenset()))
    entry = log.entry()
    assert entry.message is Message.SET_UP
    assert entry.text.startswith(f"{GONE} set up in ")
    assert entry.fields["VXLAND_PEER"] == ("lxd9",)


def test_what_could_loop_is_secured(log: Log) -> None:
    """Nobody had changed that port."""
    nobody: frozenset[str] = frozenset()
    log.journal.write(turn(TakeDown("lan", DEVICE), repaired=nobody, secured=frozenset({DEVICE})))
    entry = log.entry()
    assert entry.message is Message.SECURED
    assert entry.text.startswith(f"{DEVICE} secured in ")


def test_what_was_not_done_is_not_told_as_done(log: Log) -> None:
    """Only its problem is."""
    failed = Outcome(mtu(), Failure("refused"))
    problem = Problem(Kind.FAILED, "refused", device=DEVICE)
    log.journal.write(replace(TURN, outcomes=(failed,), problems=(problem,)))
    assert log.new() == ["ERROR: failed: refused"]


def test_a_line_does_not_grow_with_what_was_done(log: Log) -> None:
    """As when somebody added 1,000 forwarding entries."""
    entries = [
        RemoveFdb(
            "lan",
            DEVICE,
            FdbEntry(f"02:00:00:00:{n // 256:02x}:{n % 256:02x}", ip_address("10.0.0.2")),
        )
        for n in range(1000)
    ]
    log.journal.write(turn(*entries))
    entry = log.entry()
    assert entry.text.endswith(f" and {1000 - MOST} more")
    assert entry.fields["VXLAND_WHAT"] == ("RemoveFdb",)


def test_a_thousand_tunnels_at_once_are_a_few_lines_and_each_peer_is_found(log: Log) -> None:
    """Each line names some, and has the fields of all of its own."""
    large = mesh(1001)
    devices = [vtep.device for vtep in large.vteps()]
    log.journal.write(turn(*map(mtu, devices), desired=large))
    told = [entry_of(record) for record in log.entries_of(log.drained())]
    assert len(told) == 7
    assert told[0].text == (
        f"143 devices put right: {devices[0]}, {devices[1]}, {devices[2]} and 140 more"
    )
    peers = [peer for entry in told for peer in entry.fields["VXLAND_PEER"]]
    assert sorted(peers) == sorted(vtep.peer for vtep in large.vteps())
    assert max(sum(map(len, entry.fields.values())) for entry in told) < 1000
    assert {entry.message for entry in told} == {Message.REPAIRED}
    assert 6 * TOGETHER < len(devices) < 7 * TOGETHER


def test_what_a_thousand_entries_have_in_common_is_kept_once() -> None:
    """They may be held back for minutes."""
    one, other = changes(turn(mtu(DEVICE), mtu(OTHER)))
    alike = {name for name in one.fields if one.fields[name] == other.fields[name]}
    assert alike == one.fields.keys() - {"VXLAND_DEVICE", "VXLAND_PEER"}
    for name in alike:
        assert one.fields[name] is other.fields[name]


def test_a_thousand_tunnels_one_after_the_other_are_few_lines_too(log: Log) -> None:
    """The first ones at once, all others within a minute; none is forgotten."""
    large = mesh(1001)
    for vtep in large.vteps():
        log.journal.write(turn(mtu(vtep.device), desired=large))
        log.goes_on(0.01)
    log.goes_on(1000)
    told = [entry_of(record) for record in log.entries_of(log.drained())]
    assert len(told) == AT_ONCE + 7
    peers = [peer for entry in told for peer in entry.fields["VXLAND_PEER"]]
    assert sorted(peers) == sorted(vtep.peer for vtep in large.vteps())
    assert told[-1].text.startswith("138 devices put right, 138 times in 51 s: ")


def test_what_happens_once_is_told_as_such_if_late(log: Log) -> None:
    """Where too much else came before it."""
    large = mesh(AT_ONCE + 3)
    *_, last = devices = [vtep.device for vtep in large.vteps()]
    for device in devices:
        log.journal.write(turn(mtu(device), desired=large))
    assert len(log.new()) == AT_ONCE
    log.goes_on(1000)
    assert log.new()[-1] == f"INFO: {last} put right in 12 ms: {mtu(last)}"


def test_repeated_drift_is_summed_up_and_its_end_is_told(log: Log) -> None:
    """With how often and over how long."""
    for _ in range(100):
        log.journal.write(turn(mtu()))
        log.goes_on(1)
    log.goes_on(1000)
    done = mtu()
    first, *_, summary, rest, end = log.new()
    assert first.startswith(f"INFO: {DEVICE} put right in 12 ms: {done}")
    assert summary.startswith(f"INFO: {DEVICE} put right 60 times in the last 61 s: {done}")
    assert rest.startswith(f"INFO: {DEVICE} put right 36 times in the last 60 s: {done}")
    assert end.startswith(f"INFO: {DEVICE} put right 100 times in 99 s, no more for 2 min: {done}")


def test_repeated_drift_of_many_is_summed_up_together(log: Log) -> None:
    """A line for all of them."""
    large = mesh(31)
    for _ in range(20):
        log.journal.write(turn(*(mtu(vtep.device) for vtep in large.vteps()), desired=large))
        log.goes_on(1)
    log.goes_on(1000)
    lines = log.new()
    assert len(lines) == FIRST + 2
    assert lines[-2].startswith("INFO: 30 devices put right, 480 times in 61 s: vxl-lan-")
    assert lines[-1].startswith("INFO: 30 devices put right, 600 times in 19 s, no more for 2 min")


def test_what_is_held_back_at_the_end_is_told(log: Log) -> None:
    """Before the line that says what becomes of the tunnels."""
    for _ in range(10):
        log.journal.write(turn(mtu()))
    log.drained()
    log.journal.stopped()
    held, end = log.entries_of(log.drained())
    assert held.getMessage().startswith(f"{DEVICE} put right 6 times in the last 0 s: ")
    assert end.getMessage() == (
        "stopped; the tunnels stay as they are, and vxland down removes them"
    )
    assert entry_of(end).message is Message.STOPPED


def test_the_first_turn_says_what_is_kept(log: Log) -> None:
    """Version, node, file, overlays."""
    log.journal = Journal(lambda: log.now)
    log.journal.write(turn())
    entry = log.entry()
    assert entry.message is Message.STARTED
    assert entry.text.endswith(
        " started as lxd1 with /etc/vxland.toml, keeping overlay lan (bridge vxbr0, tunnels 2)"
    )
    assert entry.fields["VXLAND_NODE"] == ("lxd1",)
    assert entry.fields["VXLAND_OVERLAY"] == ("lan",)


def test_a_start_without_overlay_or_node_says_so(log: Log) -> None:
    """It keeps nothing."""
    log.journal = Journal(lambda: log.now)
    log.journal.write(turn(desired=Desired("", ())))
    entry = log.entry()
    assert entry.text.endswith(" started with /etc/vxland.toml, keeping nothing yet")
    assert set(entry.fields) == {"VXLAND_VERSION", "VXLAND_CONFIG"}


def test_without_journald_lines_go_to_stderr(log: Log, capsys: pytest.CaptureFixture[str]) -> None:
    """As a person reads them."""
    set_up("info")
    log.journal.write(turn(mtu()))
    set_up("error")
    log.journal.write(turn(mtu()))
    assert capsys.readouterr().err == f"INFO: {DEVICE} put right in 12 ms: {mtu()}\n"
