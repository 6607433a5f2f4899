"""How often ebtables-save is run: it takes many milliseconds, and others change rules all day."""

import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.contract.namespace import fresh_namespace
from vxland.identity import CHAIN
from vxland.kernel.ebtables import Ebtables
from vxland.observed import EbtablesState, PortRule, Unavailable
from vxland.operations import WriteChain

pytestmark = pytest.mark.kernel

OTHERS = ("nft add table ip mine", "ebtables -A FORWARD -i eth0 -j DROP", "nft flush ruleset")
MADE = "ebtables -N VXLAND -P RETURN; ebtables -A FORWARD -j VXLAND"
WRITING = WriteChain("", CHAIN, (), ("-j VXLAND",), former=())
JUMP = PortRule("-j VXLAND", None, None, "VXLAND")


def sh(script: str) -> None:
    subprocess.run(["sh", "-ec", script], check=True)


@pytest.fixture
def reader() -> Iterator[Ebtables]:
    """In a namespace without rules."""
    with fresh_namespace(), closing(Ebtables()) as ebtables:
        yield ebtables


@pytest.mark.parametrize("change", OTHERS)
def test_what_others_do_starts_no_process_while_there_is_no_chain(
    reader: Ebtables, change: str
) -> None:
    assert reader.read() == EbtablesState()
    assert reader.runs == 0
    for _ in range(2):
        sh(change)
        assert reader.read() == EbtablesState()
    assert reader.runs == 0


def test_a_chain_that_comes_is_seen(reader: Ebtables) -> None:
    """And what becomes of it, and that it has gone."""
    reader.read()
    sh(MADE)
    assert reader.read() == EbtablesState((), "RETURN", (JUMP,))
    sh("ebtables -A VXLAND -i a -j DROP")
    assert reader.read() == EbtablesState(
        (PortRule("-i a -j DROP", "a", None, "DROP"),), "RETURN", (JUMP,)
    )
    sh("nft flush ruleset")
    assert reader.read() == EbtablesState()
    sh(MADE)
    assert reader.read() == EbtablesState((), "RETURN", (JUMP,))


def test_a_chain_that_was_left_is_seen_at_once(reader: Ebtables) -> None:
    """Nobody knows yet whether any guard of the configuration's made it."""
    sh(MADE)
    assert reader.read() == EbtablesState((), "RETURN", (JUMP,))


def test_what_others_have_is_seen_without_a_chain_where_it_is_asked_for(reader: Ebtables) -> None:
    """And is looked at again only when it may have changed, or may have been left out."""
    rule = PortRule("-i eth0 -j DROP", "eth0", None, "DROP")
    reader.read()
    sh("ebtables -A FORWARD -i eth0 -j DROP")
    assert reader.read() == EbtablesState()
    for _ in range(2):
        assert reader.read(others=True) == EbtablesState(forward=(rule,))
    assert reader.runs == 1
    sh("nft add table ip mine")
    assert reader.read(others=True) == EbtablesState(forward=(rule,))
    assert reader.runs == 2


def test_others_without_rules_cost_no_process(reader: Ebtables) -> None:
    reader.read()
    sh("nft add table ip mine")
    assert reader.read(others=True) == EbtablesState()
    assert reader.runs == 0


PLAIN = (
    "-A VXLAND -i vxl-+ -o vxl-+ -j DROP",
    "-A VXLAND -i fifteen-letters -j RETURN",
    "-A VXLAND -o a -j DROP",
    "-A FORWARD -j RETURN",
    "-I FORWARD -i eth0 -o eth1 -j DROP",
    "-I FORWARD -i vxl-+ -o vxl-+ -j VXLAND",
    "-A FORWARD -i fifteen-letters -j VXLAND",
)
STRANGE = (
    "-A VXLAND -i vxl-+ -j ACCEPT",
    "-A VXLAND -i ! vxl-+ -j DROP",
    "-A VXLAND -i a",
    "-A VXLAND -p arp -j DROP",
    "-A VXLAND -s 02:00:00:00:00:01 -j DROP",
    "-A VXLAND -i a --log -j DROP",
    "-A VXLAND -i a -j mark --mark-set 1 --mark-target CONTINUE",
    "-P VXLAND ACCEPT",
    "-P VXLAND DROP",
    "-I FORWARD -p ip --ip-src 192.0.2.1 -j DROP",
)


@pytest.mark.parametrize("line", [*PLAIN, *STRANGE])
def test_what_is_read_without_a_process_is_what_ebtables_save_says(line: str) -> None:
    """And what nobody but ebtables understands, it has to say."""
    with fresh_namespace(), closing(Ebtables()) as reader, closing(Ebtables()) as asking:
        sh(f"{MADE}; ebtables {line}")
        seen = reader.read()
        assert reader.runs == (line in STRANGE)
        assert seen == asking.read(others=True)
        assert asking.runs == 1


def test_where_writing_failed_ebtables_save_is_asked_why(
    reader: Ebtables, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until it works again: that there is no chain doesn't say that there can be one."""
    for name in ("ebtables-nft-save", "ebtables-nft-restore"):
        (tmp_path / name).write_text("#!/bin/sh\necho no way >&2; exit 1\n")
        (tmp_path / name).chmod(0o755)
        (tmp_path / name.replace("-nft", "")).symlink_to(name)
    with monkeypatch.context() as broken:
        broken.setattr("vxland.kernel.ebtables.PATH", str(tmp_path))
        assert reader.read() == EbtablesState()
        assert reader.runs == 0
        failure = reader.begin(WRITING)()
        assert "no way" in str(failure)
        seen = reader.read()
        assert isinstance(seen, Unavailable)
        assert "no way" in seen.reason
    assert reader.read() == EbtablesState()
    assert reader.begin(WRITING)() is None
