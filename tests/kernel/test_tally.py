"""The table that counts, in the kernel: how it is kept, and what exactly it counts."""

import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing
from ipaddress import ip_address

import pytest

from tests.contract.namespace import fresh_namespace
from vxland.identity import TALLY_TABLE
from vxland.kernel import own_table
from vxland.kernel.peer_counters import read_counters
from vxland.kernel.tally import Tally
from vxland.kernel.wire import NetlinkError
from vxland.observed import Counted, Owner, TableState, TallyTable
from vxland.operations import (
    AddCounters,
    ClaimTable,
    MakeTally,
    RemoveCounters,
    RemoveTable,
    WriteTallyRules,
)
from vxland.tables.nftables import tally_script
from vxland.tables.tally import CHAINS, RULES, SETS
from vxland.traffic import Count

pytestmark = pytest.mark.kernel

VNI = 4711
PEERS = tuple(
    Counted(ip_address(address), VNI, 4789)
    for address in ("127.0.0.2", "127.0.0.3", "::1", "2001:db8::2")
)
B, C, SIX, _ = PEERS
MADE = MakeTally("", TALLY_TABLE, PEERS, replaces=False)
WHOLE = TallyTable(RULES, SETS, frozenset(PEERS), frozenset(PEERS), chains=frozenset(CHAINS))
MANY = 3000


def nft(script: str) -> subprocess.CompletedProcess[str]:
    """Run nft, whatever comes of it."""
    return subprocess.run(
        ["nft", "-f", "-"], input=script, capture_output=True, text=True, check=False
    )


def listed() -> str:
    """The table as nft shows it."""
    shown = subprocess.run(
        ["nft", "list", "table", *TALLY_TABLE.split()], capture_output=True, text=True, check=True
    )
    return shown.stdout


def table(tally: Tally) -> TallyTable:
    """What it sees, which is something."""
    state = tally.read()
    assert isinstance(state, TableState)
    assert state.table is not None
    return state.table


@pytest.fixture
def commands() -> Iterator[Tally]:
    """Somebody who doesn't stay, in a namespace of its own."""
    with fresh_namespace(), closing(Tally()) as tally:
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        yield tally


def send(counted: Counted, source: str, size: int = 100, vni: int = VNI) -> None:
    """A UDP packet with a VXLAN header on the loopback, which nobody listens for."""
    family = socket.AF_INET6 if counted.address.version == 6 else socket.AF_INET
    header = b"\x08\0\0\0" + vni.to_bytes(3, "big") + b"\0"
    with socket.socket(family, socket.SOCK_DGRAM) as sender:
        sender.bind((source, 0))
        sender.sendto(header + bytes(size - len(header)), (str(counted.address), counted.port))


def test_what_is_written_is_read_back(commands: Tally) -> None:
    """And nft reads what it prints of it."""
    assert commands.write(MADE) is None
    assert table(commands) == WHOLE
    shown = listed()
    assert nft("flush ruleset").returncode == 0
    assert commands.read() == TableState(None)
    done = nft(shown)
    assert done.returncode == 0, done.stderr
    assert table(commands) == WHOLE
    assert listed() == shown


def test_nft_makes_the_same_of_the_script(commands: Tally) -> None:
    """To the byte that it shows."""
    assert commands.write(MADE) is None
    shown = listed()
    done = nft("\n".join(tally_script(MakeTally("", TALLY_TABLE, PEERS, replaces=True))))
    assert done.returncode == 0, done.stderr
    assert listed() == shown
    assert table(commands) == WHOLE


def test_others_counters_go_on(commands: Tally) -> None:
    """Where peers come and go, and where rules are put right."""
    assert commands.write(MakeTally("", TALLY_TABLE, (B, C), replaces=False)) is None
    send(B, "127.0.0.9")
    before = read_counters()
    assert before.sent == {B: Count(1, 128), C: Count()}
    assert commands.write(AddCounters("", TALLY_TABLE, (SIX, B), (SIX, B))) is None
    assert commands.write(RemoveCounters("", TALLY_TABLE, (C,), (C,))) is None
    assert commands.write(WriteTallyRules("", TALLY_TABLE)) is None
    assert read_counters().sent == {B: Count(1, 128), SIX: Count()}
    send(B, "127.0.0.9")
    assert read_counters().sent == {B: Count(2, 256), SIX: Count()}


@pytest.mark.parametrize(("peer", "size"), [(B, 100), (B, 5000), (SIX, 100), (SIX, 5000)], ids=str)
def test_a_packet_counts_with_its_headers(commands: Tally, peer: Counted, size: int) -> None:
    """Of IP and UDP; no other VNI, port or address does."""
    assert commands.write(MADE) is None
    headers = 28 if peer.address.version == 4 else 48
    send(peer, str(peer.address), size)
    seen = read_counters()
    assert seen.of(peer) == (Count(1, size + headers), Count(1, size + headers))
    send(peer, str(peer.address), size, vni=VNI + 1)
    send(Counted(peer.address, VNI, 4790), str(peer.address), size)
    after = read_counters()
    assert (after.received, after.sent) == (seen.received, seen.sent)


def test_many_counters_are_written_in_parts(commands: Tally) -> None:
    """More than one message or transaction can carry."""
    many = tuple(
        Counted(ip_address(base + number), VNI, 4789)
        for base in (0x0A000000, 0x20010DB8 << 96)
        for number in range(MANY)
    )
    assert commands.write(MakeTally("", TALLY_TABLE, many, replaces=False)) is None
    seen = table(commands)
    assert seen.received == seen.sent == set(many)
    assert len(read_counters().received) == 2 * MANY
    assert commands.write(RemoveCounters("", TALLY_TABLE, many, many)) is None
    assert table(commands).received == frozenset()


def test_a_daemons_table_is_nobody_elses() -> None:
    """It is neither changed nor flushed by others, and stays when the daemon ends."""
    with fresh_namespace():
        daemon = Tally(keeps=True)
        with closing(daemon):
            assert daemon.write(MADE) is None  # which finds out what the kernel has
            state = daemon.read()
            assert isinstance(state, TableState)
            if not state.keeps:
                pytest.skip("this kernel has no flag persist (6.9)")
            assert table(daemon).owner is Owner.SELF
            assert nft("flush ruleset").returncode == 0
            for script in ("delete table inet vxland", "flush set inet vxland sent4"):
                assert nft(script).returncode != 0
            with closing(Tally()) as other:
                failure = other.write(RemoveTable("", TALLY_TABLE, ()))
                assert failure is not None
            assert daemon.write(RemoveCounters("", TALLY_TABLE, (B,), (B,))) is None
        with closing(Tally(keeps=True)) as successor:
            left = table(successor)
            assert (left.owner, left.sent) == (Owner.NOBODY, frozenset(PEERS) - {B})
            assert successor.write(ClaimTable("", TALLY_TABLE)) is None
            assert table(successor).owner is Owner.SELF
            assert successor.write(RemoveTable("", TALLY_TABLE, ())) is None
            assert successor.write(RemoveTable("", TALLY_TABLE, ())) is None


def test_an_older_kernel_gets_a_table_without_flags(monkeypatch: pytest.MonkeyPatch) -> None:
    """That is found out by writing it; here it is asked for a flag that no kernel knows."""
    monkeypatch.setattr(own_table, "PERSIST", 1 << 30)
    with fresh_namespace(), closing(Tally(keeps=True)) as kernel:
        assert kernel.read() == TableState(None, keeps=True)
        assert kernel.write(MADE) is None
        assert kernel.read() == TableState(WHOLE, keeps=False)


def test_a_look_at_what_did_not_change_asks_for_nothing_else(commands: Tally) -> None:
    """Packets that are counted change no rules."""
    assert commands.write(MADE) is None
    first = commands.read()
    send(B, "127.0.0.9")
    assert commands.read() is first
    assert nft("add table inet others").returncode == 0
    assert commands.read() is not first
    assert commands.read() == first


def test_where_there_is_none_nothing_is_read(commands: Tally) -> None:
    """And it is said why there can be none, with what can be done about it."""
    assert read_counters().sent == {}
    assert "modprobe nf_tables" in commands.unusable(NetlinkError(93)).cure
    assert "CONFIG_NF_TABLES_INET" in commands.unusable(NetlinkError(2)).cure


def test_a_chain_at_a_hook_that_vxland_never_uses(commands: Tally) -> None:
    """Somebody's chain in this table, at a hook that bridges don't have, is read like any other."""
    place = "type filter hook ingress device lo priority 0;"
    assert nft(f"add table inet vxland\nadd chain inet vxland x {{ {place} }}").returncode == 0
    (chain,) = table(commands).chains
    assert chain.hook == "type filter hook #5 priority 0; policy accept;"
