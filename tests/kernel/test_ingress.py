"""The table that lets only peers in, in the kernel: how it is kept, and what it lets pass."""

import subprocess
from collections.abc import Iterator
from contextlib import closing
from ipaddress import ip_address

import pytest

from tests.contract.namespace import fresh_namespace
from tests.kernel.test_tally import nft
from vxland.identity import INGRESS_TABLE
from vxland.kernel import netlink
from vxland.kernel.generation import Generation
from vxland.kernel.ingress import Ingress
from vxland.observed import Element, IngressTable, Owner, TableState
from vxland.operations import (
    ChangeIngress,
    ClaimTable,
    MakeIngress,
    Operation,
    RemoveTable,
    WriteIngressRules,
)
from vxland.tables.ingress import CHAINS, KEYS, RULES, SETS, in_order
from vxland.tables.nftables import ingress_change_script, ingress_script

pytestmark = pytest.mark.kernel

VNI, COMMON, PORT = 4711, 7, 4789
FOUR, SIX, SENDER = map(ip_address, ("127.0.0.2", "::1", "127.0.0.3"))
ELEMENTS = in_order(
    (
        Element("ports", PORT),
        Element("exclusive", PORT),
        Element("vnis", PORT, VNI),
        Element("vnis", PORT, COMMON),
        Element("common", PORT, COMMON),
        Element("peers4", PORT, VNI, FOUR),
        Element("peers6", PORT, VNI, SIX),
        Element("senders4", PORT, None, SENDER),
        Element("senders6", PORT, None, SIX),
        Element("ends4", PORT, VNI, FOUR),
        Element("ends6", PORT, VNI, SIX),
        Element("ways4", PORT, VNI, FOUR),
        Element("ways6", PORT, VNI, SIX),
    )
)
MADE = MakeIngress("", INGRESS_TABLE, ELEMENTS, replaces=False)
WHOLE = IngressTable(RULES, SETS, frozenset(ELEMENTS), chains=frozenset(CHAINS.values()))
MANY = in_order(
    (
        Element("ports", PORT),
        *(
            Element(f"{name}{address.version}", PORT, VNI, address)
            for name in ("peers", "ends", "ways")
            for base in (0x0A000000, 0x20010DB8 << 96)
            for address in (ip_address(base + number) for number in range(3000))
        ),
    )
)


def listed() -> str:
    """The table as nft shows it."""
    command = ["nft", "list", "table", *INGRESS_TABLE.split()]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def table(ingress: Ingress) -> IngressTable:
    """What it sees, which is something."""
    state = ingress.read()
    assert isinstance(state, TableState)
    assert state.table is not None
    return state.table


def written(ingress: Ingress, operation: Operation) -> int:
    """Carry it out; returns the number of transactions."""
    with closing(Generation()) as generation:
        before = generation.read()
        assert ingress.write(operation) is None
        after = generation.read()
    assert before is not None
    assert after is not None
    return after - before


@pytest.fixture
def commands() -> Iterator[Ingress]:
    """Somebody who doesn't stay, in a namespace of its own."""
    with fresh_namespace(), closing(Ingress()) as ingress:
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        yield ingress


def test_what_is_written_is_read_back(commands: Ingress) -> None:
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


def test_nft_makes_the_same_of_the_script(commands: Ingress) -> None:
    """To the byte that it shows; and of who comes and goes."""
    assert commands.write(MADE) is None
    shown = listed()
    done = nft("\n".join(ingress_script(MakeIngress("", INGRESS_TABLE, ELEMENTS, replaces=True))))
    assert done.returncode == 0, done.stderr
    assert listed() == shown
    gone = ChangeIngress("", INGRESS_TABLE, (), ELEMENTS[::-1])
    assert nft("\n".join(ingress_change_script(gone))).returncode == 0
    assert table(commands).elements == frozenset()
    back = ChangeIngress("", INGRESS_TABLE, ELEMENTS, ())
    assert nft("\n".join(ingress_change_script(back))).returncode == 0
    assert table(commands) == WHOLE


def test_who_gets_in_changes_alone(commands: Ingress) -> None:
    """One goes and another comes; what is dropped is counted on."""
    assert commands.write(MADE) is None
    new = Element("peers4", PORT, VNI, SENDER)
    old = Element("peers4", PORT, VNI, FOUR)
    assert commands.write(ChangeIngress("", INGRESS_TABLE, (new,), (old,))) is None
    assert table(commands).elements == {*ELEMENTS, new} - {old}
    assert nft(f"flush chain {INGRESS_TABLE} input").returncode == 0
    assert table(commands).rules == {**RULES, "input": ()}
    assert nft(f"add rule {INGRESS_TABLE} input counter").returncode == 0
    assert commands.write(WriteIngressRules("", INGRESS_TABLE)) is None
    assert table(commands).rules == RULES


def test_many_peers_are_written_at_once(commands: Ingress) -> None:
    """More than one message can carry: each transaction is one new generation."""
    assert written(commands, MakeIngress("", INGRESS_TABLE, MANY, replaces=False)) == 1
    assert table(commands).elements == set(MANY)
    assert written(commands, MakeIngress("", INGRESS_TABLE, MANY, replaces=True)) == 1
    assert table(commands).elements == set(MANY)
    assert written(commands, ChangeIngress("", INGRESS_TABLE, (), MANY[::-1])) == 1
    assert table(commands).elements == frozenset()


def test_more_than_a_socket_has_room_for_is_written_in_parts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As in a user's container, which may have no larger buffer. Whom to let in comes first."""
    monkeypatch.setattr(netlink, "SEND_BUFFER", 1 << 16)
    with fresh_namespace(), closing(Ingress()) as commands:
        assert written(commands, MakeIngress("", INGRESS_TABLE, MANY, replaces=False)) > 1
        assert table(commands).elements == set(MANY)
        made = MakeIngress("", INGRESS_TABLE, MANY, replaces=True)
        *_, last = commands.batches(made, 0, 1 << 17)
        assert b"ports\0" in b"".join(last)
        assert written(commands, ChangeIngress("", INGRESS_TABLE, (), MANY[::-1])) > 1
        assert table(commands).elements == frozenset()


def test_a_daemons_table_is_nobody_elses() -> None:
    """It is neither changed nor flushed by others, and stays when the daemon ends."""
    with fresh_namespace():
        daemon = Ingress(keeps=True)
        with closing(daemon):
            assert daemon.write(MADE) is None  # which finds out what the kernel has
            state = daemon.read()
            assert isinstance(state, TableState)
            if not state.keeps:
                pytest.skip("this kernel has no flag persist (6.9)")
            assert table(daemon).owner is Owner.SELF
            assert nft("flush ruleset").returncode == 0
            assert nft(f"flush set {INGRESS_TABLE} vnis").returncode != 0
            assert table(daemon).elements == set(ELEMENTS)
        with closing(Ingress(keeps=True)) as successor:
            assert table(successor).owner is Owner.NOBODY
            assert successor.write(ClaimTable("", INGRESS_TABLE)) is None
            assert table(successor).owner is Owner.SELF
            assert successor.write(RemoveTable("", INGRESS_TABLE, ())) is None
            assert successor.write(RemoveTable("", INGRESS_TABLE, ())) is None


def test_a_set_made_otherwise_is_told(commands: Ingress) -> None:
    """Its elements say nothing."""
    lines = (f"add table {INGRESS_TABLE}", f"add set {INGRESS_TABLE} vnis {{ type ipv4_addr; }}")
    assert (
        nft("\n".join((*lines, f"add element {INGRESS_TABLE} vnis {{ 1.2.3.4 }}"))).returncode == 0
    )
    seen = table(commands)
    assert seen.sets == {"vnis, otherwise"}
    assert not seen.elements
    assert nft(f"delete table {INGRESS_TABLE}").returncode == 0
    keyed = f"add set {INGRESS_TABLE} peers4 {{ typeof {KEYS['peers4']}; counter; }}"
    assert nft("\n".join((lines[0], keyed))).returncode == 0
    assert table(commands).sets == {"peers4, otherwise"}
