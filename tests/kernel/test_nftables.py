"""The table in the kernel: whose it is, who can change it, and what becomes of it."""

import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing

import pytest

from tests.contract.namespace import fresh_namespace
from vxland.guards.nftables import FORWARD, rule
from vxland.identity import TABLE
from vxland.kernel import netlink, own_table
from vxland.kernel.events import RuleEvents
from vxland.kernel.generation import Generation
from vxland.kernel.nftables import PROBE, Nftables
from vxland.kernel.wire import NetlinkError
from vxland.observed import NftTable, Owner, TableState
from vxland.operations import ClaimTable, FillTable, MakeTable, RemoveTable

pytestmark = pytest.mark.kernel

RULES = (
    rule("vxl-guest", None, "RETURN"),
    rule(None, "vxl-guest", "RETURN"),
    rule("vxl-+", "vxl-+", "DROP"),
    rule("vxlan+", "vxlan+", "DROP"),
    rule("fifteen-letters", "vxl-+", "DROP"),
)
MADE = MakeTable("", TABLE, RULES, replaces=False)
CLAIM = ClaimTable("", TABLE)


def nft(script: str) -> subprocess.CompletedProcess[str]:
    """Run nft, whatever comes of it."""
    return subprocess.run(
        ["nft", "-f", "-"], input=script, capture_output=True, text=True, check=False
    )


def table(kernel: Nftables) -> NftTable:
    """What it sees, which is something."""
    state = kernel.read()
    assert isinstance(state, TableState)
    assert state.table is not None
    return state.table


@pytest.fixture
def nobody() -> Iterator[None]:
    """A namespace without rules."""
    with fresh_namespace():
        yield


@pytest.fixture
def daemon(nobody: None) -> Iterator[Nftables]:
    """Somebody who stays, on a kernel that can have it so."""
    del nobody
    with closing(Nftables(keeps=True)) as kernel:
        state = kernel.read()
        assert isinstance(state, TableState)
        if not state.keeps:
            pytest.skip("this kernel has no flag persist (6.9)")
        assert state.table is None
        yield kernel


@pytest.fixture
def commands(nobody: None) -> Iterator[Nftables]:
    """Somebody who doesn't stay."""
    del nobody
    with closing(Nftables()) as kernel:
        yield kernel


def test_what_is_written_is_read_back(commands: Nftables) -> None:
    """And nft shows it as vxland would write it."""
    assert commands.write(MADE) is None
    assert table(commands) == NftTable(RULES, chains=frozenset({FORWARD}))
    shown = subprocess.run(
        ["nft", "list", "table", *TABLE.split()], capture_output=True, text=True, check=True
    ).stdout
    lines = [line.strip() for line in shown.splitlines()]
    assert "type filter hook forward priority filter - 10; policy accept;" in lines
    assert [line for line in lines if "ifname" in line] == [rule.text for rule in RULES]


@pytest.mark.parametrize(
    "line",
    [
        "accept",
        "drop comment mine",
        "counter drop",
        "jump mine",
        "iif lo drop",
        'iifname != "vxl-x" drop',
        'iifname "vxl-+" drop',
        'iifname "vxl-*" counter drop',
        'oifname "vxl-*" iifname "vxl-*" drop',
        'iifname { "vxl-a", "vxl-b" } return',
        "ether type arp return",
        'meta mark 0x2d6c7876 oifname "vxl-*" drop',
    ],
)
def test_a_rule_that_is_none_of_vxlands_is_known_for_one(commands: Nftables, line: str) -> None:
    """Only what is exactly one of them counts as one; a plain verdict is understood, too."""
    assert commands.write(MADE) is None
    done = nft(f"add chain {TABLE} mine; insert rule {TABLE} {FORWARD.name} {line}")
    assert done.returncode == 0, done.stderr
    first, *others = table(commands).rules
    assert first not in RULES
    assert first.known == (line == "drop comment mine")
    assert tuple(others) == RULES


def test_others_can_neither_change_nor_flush_a_daemons_table(daemon: Nftables) -> None:
    """Nor delete it, nor write into it; the daemon can."""
    assert daemon.write(MADE) is None
    assert table(daemon).owner is Owner.SELF
    for script in (
        f"delete table {TABLE}",
        f"flush table {TABLE}",
        f"flush chain {TABLE} {FORWARD.name}",
        f"insert rule {TABLE} {FORWARD.name} accept",
        f"add table {TABLE} {{ flags dormant; }}",
        f"add chain {TABLE} mine",
    ):
        assert nft(script).returncode != 0, script
    assert nft("flush ruleset").returncode == 0
    assert table(daemon).rules == RULES
    assert daemon.write(FillTable("", TABLE, RULES[2:])) is None
    assert table(daemon).rules == RULES[2:]
    assert daemon.write(RemoveTable("", TABLE, ())) is None
    assert daemon.read() == TableState(None, keeps=True)


def test_the_table_stays_when_the_daemon_ends_and_the_next_one_gets_it(daemon: Nftables) -> None:
    """In between everybody may change it."""
    assert daemon.write(MADE) is None
    with closing(Nftables(keeps=True)) as successor:
        assert table(successor).owner is Owner.OTHER
        assert successor.write(CLAIM) is not None
        daemon.close()
        left = table(successor)
        assert (left.rules, left.owner, left.persistent) == (RULES, Owner.NOBODY, True)
        assert nft(f"insert rule {TABLE} {FORWARD.name} accept").returncode == 0
        assert successor.write(FillTable("", TABLE, RULES)) is None
        assert successor.write(CLAIM) is None
        assert table(successor).owner is Owner.SELF
        assert nft("flush ruleset").returncode == 0
        assert table(successor).rules == RULES


def test_commands_may_change_and_remove_what_a_daemon_left(daemon: Nftables) -> None:
    """With the flag persist, without an owner."""
    assert daemon.write(MADE) is None
    daemon.close()
    with closing(Nftables()) as commands:
        assert commands.write(FillTable("", TABLE, RULES[:1])) is None
        assert table(commands).persistent
        assert commands.write(MakeTable("", TABLE, RULES, replaces=True)) is None
        assert table(commands) == NftTable(RULES, chains=frozenset({FORWARD}))
        assert commands.write(RemoveTable("", TABLE, ())) is None
        assert commands.write(RemoveTable("", TABLE, ())) is None


def test_a_table_without_flags_is_made_anew_for_a_daemon(daemon: Nftables) -> None:
    """It can't be claimed."""
    assert nft(f"add table {TABLE}").returncode == 0
    assert daemon.write(CLAIM) is not None
    assert daemon.write(MakeTable("", TABLE, RULES, replaces=True)) is None
    assert table(daemon).owner is Owner.SELF


def test_who_holds_the_table_is_named(daemon: Nftables) -> None:
    """Whoever that is: here, this very process."""
    with closing(Nftables(keeps=True)) as other:
        other.read()
        assert other.write(MADE) is None
        assert table(daemon).owner is Owner.OTHER
        failure = daemon.write(FillTable("", TABLE, ()))
    assert failure is not None
    assert f"owns the table {TABLE}" in failure.text
    assert failure.cure


# As if a thousand ports of others were named like tunnels, in OpenStack's way.
MANY = tuple(
    each
    for number in range(1000)
    for each in (
        rule(f"vxlan-{number}", None, "RETURN"),
        rule(None, f"vxlan-{number}", "RETURN"),
    )
)


@pytest.fixture
def small_buffers(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a socket has them that may not have larger ones, on kernels before 6.17."""
    monkeypatch.setattr(netlink, "RECEIVE_BUFFER", 212_992)


def test_many_rules_are_one_transaction(small_buffers: None, commands: Nftables) -> None:
    """Though no socket holds as many answers."""
    del small_buffers
    assert commands.write(MakeTable("", TABLE, MANY, replaces=False)) is None
    assert table(commands).rules == MANY
    assert commands.write(FillTable("", TABLE, MANY[2:])) is None
    assert table(commands).rules == MANY[2:]


def test_many_refusals_are_one(small_buffers: None, daemon: Nftables) -> None:
    """And who was refused can go on."""
    del small_buffers
    assert daemon.write(MADE) is None
    with closing(Nftables()) as other:
        assert table(other).owner is Owner.OTHER
        failure = other.write(FillTable("", TABLE, MANY))
        assert failure is not None
        assert "EPERM" in failure.text
        assert table(other).rules == RULES
        daemon.close()
        assert other.write(FillTable("", TABLE, MANY)) is None
        assert table(other).rules == MANY


def test_what_is_too_large_for_a_socket_is_a_failure(
    nobody: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of this operation, and of nothing else: a container may have no larger buffers."""
    del nobody
    monkeypatch.setattr(netlink, "SEND_BUFFER", 1 << 16)
    with closing(Nftables()) as kernel:
        failure = kernel.write(MakeTable("", TABLE, MANY, replaces=False))
        assert failure is not None
        assert "EMSGSIZE" in failure.text
        assert kernel.read() == TableState(None, keeps=False)


def test_a_probe_leaves_no_trace(daemon: Nftables) -> None:
    """Not even a new generation: nobody is told of anything."""
    asked = Generation()
    before = asked.read()
    with closing(Nftables(keeps=True)) as other:
        assert other.read() == TableState(None, keeps=True)
    assert asked.read() == before
    asked.close()
    shown = subprocess.run(["nft", "list", "tables"], capture_output=True, text=True, check=True)
    assert PROBE not in shown.stdout
    assert daemon.read() == TableState(None, keeps=True)


def test_where_no_table_is_wanted_nothing_is_tried(
    nobody: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A trial takes longer than all else that a look at 100 tunnels takes."""
    del nobody
    tried = []
    real = netlink.Netlink.transaction

    def noted(
        own: netlink.Netlink, begin: bytes, messages: Sequence[bytes], end: Sequence[bytes]
    ) -> NetlinkError | None:
        tried.append(messages)
        return real(own, begin, messages, end)

    monkeypatch.setattr(netlink.Netlink, "transaction", noted)
    with closing(Nftables(keeps=True)) as kernel:
        for _ in range(2):
            assert kernel.read(wanted=False) == TableState(None, keeps=True)
        assert not tried
        seen = kernel.read()
        trials = [*tried]
        assert trials
        assert isinstance(seen, TableState)
        assert len(trials) == (1 if seen.keeps else 2)  # before 6.9 once more, without the flags
        assert kernel.read() == seen == TableState(None, keeps=seen.keeps)
        assert tried == trials


def test_an_older_kernel_gets_a_table_without_flags(
    nobody: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that doesn't know the flag; here it is asked for one that no kernel knows."""
    del nobody
    monkeypatch.setattr(own_table, "PERSIST", 1 << 30)
    with closing(Nftables(keeps=True)) as kernel:
        assert kernel.read() == TableState(None, keeps=False)
        assert kernel.write(MADE) is None
        assert table(kernel) == NftTable(RULES, chains=frozenset({FORWARD}))
    assert nft("flush ruleset").returncode == 0


@pytest.mark.parametrize(
    ("number", "reason", "cure"),
    [
        (1, "nftables may not be used", "CAP_NET_ADMIN"),
        (2, "has no bridge family", "CONFIG_NF_TABLES_BRIDGE"),
        (22, "this kernel has no nftables", "modprobe nf_tables"),
        (93, "this kernel has no nftables", "modprobe nf_tables"),
        (11, "all the time", "tried again"),
    ],
)
def test_why_there_can_be_no_table(commands: Nftables, number: int, reason: str, cure: str) -> None:
    """By what the kernel answers."""
    said = commands.unusable(NetlinkError(number))
    assert reason in said.reason
    assert cure in said.cure


def test_a_look_while_it_changes_sees_what_was_or_what_is(nobody: None) -> None:
    """Nothing between, which would be taken for the truth from then on."""
    del nobody
    with (
        closing(Nftables()) as writer,
        closing(Nftables()) as reader,
        RuleEvents(0),  # that somebody is told of each rule takes the kernel long
    ):
        assert writer.write(MakeTable("", TABLE, MANY, replaces=False)) is None
        over = threading.Event()

        def change() -> None:
            for number in range(20):
                rules = MANY if number % 2 else MANY[:1400]
                assert writer.write(FillTable("", TABLE, rules)) is None
                over.wait(0.02)
            over.set()

        thread = threading.Thread(target=change)
        thread.start()
        seen = set()
        while not over.is_set():
            state = reader.read()
            if isinstance(state, TableState):  # there is none where it changes all the time
                assert state.table is not None
                seen.add(len(state.table.rules))
        thread.join()
        assert table(reader).rules == MANY
    assert seen <= {len(MANY), 1400}


def test_a_look_at_what_did_not_change_asks_for_nothing_else(daemon: Nftables) -> None:
    """The same value again; after a change another one."""
    assert daemon.write(MADE) is None
    first = daemon.read()
    assert daemon.read() is first
    assert nft("add table inet others").returncode == 0
    assert daemon.read() is not first
    assert daemon.read() == first
