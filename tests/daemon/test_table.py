"""The guard nftables, alone: nobody takes it away, or not for long, and no end of a daemon does."""

import subprocess
from collections.abc import Iterator

import pytest

from tests.daemon.daemon_view import frozen, logged, metrics, problems, quiet, work
from tests.daemon.test_circumstances import LACKING
from tests.lab import Server, Site, eventually
from tests.lab.server import BOUND, VXLAND
from tests.lab.site import HEAD, config

pytestmark = [pytest.mark.kernel, pytest.mark.daemon]

TABLE = "bridge vxland"
CHAIN = f"{TABLE} forward"
DROP = 'iifname "vxl-*" oifname "vxl-*" drop'
GUEST = "vxl-guest0"
# Without the interval: it must be the events that tell.
OVERLAY = f"""\
[reconcile]
interval = "24h"

{HEAD}"""
OVERLAY += 'ingress = "off"\n'  # the table of which has tests of its own
ONLY = config(range(1, 5), f'{OVERLAY}guard = ["nftables"]\n')
OTHERWISE = config(range(1, 5), f'{OVERLAY}guard = ["isolated"]\n')

DORMANT = "table dormant"  # nft before 1.1 can't do that to a table with the flag persist
DEEDS = {
    "ruleset flushed": "nft flush ruleset",
    "table deleted": f"nft delete table {TABLE}",
    "table flushed": f"nft flush table {TABLE}",
    DORMANT: f"nft 'add table {TABLE} {{ flags dormant; }}'",
    "chain deleted": f"nft 'flush chain {CHAIN}; delete chain {CHAIN}'",
    "chain hooked later": (
        f"nft 'delete chain {CHAIN}; add chain {CHAIN}"
        f" {{ type filter hook forward priority 10; }}; add rule {CHAIN} {DROP}'"
    ),
    "chain's policy": f"nft 'chain {CHAIN} {{ policy drop; }}'",
    "another chain": f"nft 'add chain {TABLE} mine {{ type filter hook forward priority 0; }}'",
    "accept first": f"nft insert rule {CHAIN} accept",
    "accept of some first": f"nft 'insert rule {CHAIN} ether type arp accept'",
    "rule after the drop": f"nft add rule {CHAIN} drop",
    "rule replaced": (
        f"nft 'flush chain {CHAIN}; add rule {CHAIN} iifname vxl-lan-lxd2 oifname vxl-* drop'"
    ),
    "table made anew by another": (
        f"nft 'delete table {TABLE}; add table {TABLE}; add chain {TABLE} mine'"
    ),
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One of four with a daemon, whose peers needn't answer."""
    with Site(tmp_path_factory.mktemp("table"), 1) as site:
        yield site.servers[0]


@pytest.fixture
def settled(server: Server) -> Server:
    """In sync and quiet, whatever the test before left."""
    server.write(ONLY)
    if server.daemon is None:
        server.start()
    server.configure(ONLY)
    quiet(server)
    return server


@pytest.fixture
def owning(settled: Server) -> Server:
    """The same on a kernel that knows owners that leave their tables (6.9)."""
    if not is_owned(settled):
        pytest.skip("this kernel has no flag persist (6.9)")
    return settled


@pytest.fixture(scope="module")
def older(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with a daemon that finds no flag persist, as on a kernel before 6.9."""
    with Site(tmp_path_factory.mktemp("older"), 1, prefix="old") as site:
        (server,) = site.servers
        server.write(ONLY.replace('"lxd', '"old'))
        run = (*LACKING, "persist", str(VXLAND), "run", "--config", str(server.config))
        with server.log.open("ab") as log:
            server.daemon = subprocess.Popen(
                [*BOUND, *server.command(*run)], stdout=log, stderr=log, start_new_session=True
            )
        server.settled()
        yield server


def table(server: Server) -> str:
    """How nft shows it, but for flags; empty where there is none."""
    lines = server.sh(f"nft list table {TABLE} 2>/dev/null || true").splitlines()
    return "\n".join(line for line in lines[1:] if line.strip() and "flags" not in line)


def is_owned(server: Server) -> bool:
    """Whether somebody owns it."""
    return "flags owner" in server.sh(f"nft list table {TABLE}")


@pytest.mark.parametrize("deed", DEEDS)
def test_where_tables_have_no_owners_it_is_put_right_at_once(older: Server, deed: str) -> None:
    """By what the kernel tells of it, in one operation; it is known who did it."""
    done, before = quiet(older), table(older)
    assert DROP in before
    assert "flags" not in older.sh(f"nft list table {TABLE}")
    with frozen(older):
        older.sh(DEEDS[deed])
        shown = older.sh("nft list tables; nft list ruleset")
    eventually(lambda: table(older) == before, lambda: f"{table(older)}\n{older.tail()}")
    assert quiet(older).operations == done.operations + 1, shown
    told = older.ask("events")["events"]
    culprits = [event["who"] for event in told if event["device"] == TABLE]
    assert "nft (pid" in culprits[-1]
    assert "fight" not in older.log.read_text()


@pytest.mark.parametrize("deed", DEEDS)
def test_what_is_done_while_there_is_no_daemon_is_put_right(settled: Server, deed: str) -> None:
    """Its end left the table to everybody; its start makes it what it was."""
    before = table(settled)
    assert DROP in before
    settled.stop()
    settled.sh(DEEDS[deed], check=deed != DORMANT)
    settled.start()
    assert table(settled) == before


@pytest.mark.parametrize("deed", DEEDS)
def test_nobody_else_can_do_it_while_there_is_one(owning: Server, deed: str) -> None:
    """The daemon sees that rules changed, if they did, and has nothing to do."""
    before, done = owning.sh(f"nft list table {TABLE}"), work(owning)
    owning.sh(f"{DEEDS[deed]} 2>/dev/null || true")
    assert owning.sh(f"nft list table {TABLE}") == before
    assert quiet(owning).operations == done.operations


def test_a_daemon_that_can_not_answer_is_an_owner_all_the_same(owning: Server) -> None:
    """It is its socket that owns the table."""
    with frozen(owning):
        owning.sh("nft flush ruleset")
        assert DROP in table(owning)


def test_ebtables_does_not_reach_it(settled: Server) -> None:
    """Neither -F nor -X nor the end of its table."""
    before, done = table(settled), work(settled)
    settled.sh("ebtables -N MINE; ebtables -F; ebtables -X; nft delete table bridge filter")
    assert table(settled) == before
    assert quiet(settled).operations == done.operations


@pytest.mark.parametrize("kill", [False, True])
def test_the_end_of_a_daemon_takes_nothing_along(settled: Server, *, kill: bool) -> None:
    """Stopped or killed: the table stands, and the next one has nothing to do but to own it."""
    before, owned = table(settled), is_owned(settled)
    settled.stop(kill=kill)
    assert table(settled) == before
    settled.start()
    assert is_owned(settled) == owned
    done, name = metrics(settled), "vxland_operations_total"
    assert done(name) == done(name, kind="ClaimTable") == owned
    assert table(settled) == before


def test_commands_need_no_daemon(settled: Server) -> None:
    """Apply makes it and finds nothing more to do; down removes it, and no other table."""
    settled.stop()
    settled.sh("nft add table bridge mine; nft add table inet mine")
    assert settled.vxland("apply", check=True).stdout == "nothing to do\n"
    settled.sh(f"nft delete table {TABLE}")
    done = settled.vxland("apply", check=True).stdout
    assert done == f"write nftables table {TABLE} (1 rule)\n"
    assert settled.vxland("plan").returncode == 0
    settled.start()
    quiet(settled)
    settled.stop()
    assert f"remove nftables table {TABLE}" in settled.vxland("down", check=True).stdout
    assert settled.sh("nft list tables").splitlines() == ["table bridge mine", "table inet mine"]
    settled.sh("nft flush ruleset")


def test_the_guard_goes_by_the_file(settled: Server) -> None:
    """It goes once the others are there, and comes back."""
    settled.configure(OTHERWISE)
    assert table(settled) == ""
    settled.configure(ONLY)
    assert DROP in table(settled)


def test_a_port_of_somebody_elses_is_let_through(settled: Server) -> None:
    """As long as it is there."""
    settled.sh(f"ip link add {GUEST} type veth peer name guest1; ip link set {GUEST} master vxbr0")
    rules = (f'iifname "{GUEST}" return', f'oifname "{GUEST}" return', DROP)
    eventually(lambda: all(rule in table(settled) for rule in rules), lambda: table(settled))
    settled.sh(f"ip link del {GUEST}")
    eventually(lambda: GUEST not in table(settled), lambda: table(settled))


def test_a_table_that_another_program_owns_is_told_with_its_name(owning: Server) -> None:
    """It is in the way, and nobody but its owner can change that; no tunnel comes up meanwhile."""
    assert owning.vxland("status").returncode == 0
    owning.stop()
    owning.vxland("down", check=True)
    with subprocess.Popen(owning.command("nft", "-i"), stdin=subprocess.PIPE, text=True) as owner:
        assert owner.stdin is not None
        print(f"add table {TABLE} {{ flags owner; }}", file=owner.stdin, flush=True)
        eventually(lambda: TABLE in owning.sh("nft list tables"), "somebody owns the table")
        owning.start()
        logged(owning, f"owns the table {TABLE}", "Stop it")
        told = " ".join(problem["text"] for problem in problems(owning, "failed"))
        assert f"nft (pid {owner.pid}) owns the table" in told
        links = owning.json("ip -j link show type vxlan")
        assert [link["ifname"] for link in links if "UP" in link["flags"]] == []
    eventually(lambda: DROP in table(owning), lambda: f"it is there\n{owning.tail()}")
    owning.settled()


def test_changes_of_others_cost_a_look_and_no_more(settled: Server) -> None:
    """In their own tables."""
    done = work(settled)
    settled.sh("nft 'add table inet busy; add chain inet busy c'; nft delete table inet busy")
    assert quiet(settled).operations == done.operations
