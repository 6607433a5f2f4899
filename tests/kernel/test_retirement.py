"""The script's rules, one for each ordered pair of tunnels, go at once, and nothing else does."""

import subprocess
from collections.abc import Iterator
from contextlib import closing
from itertools import permutations

import pytest

from tests.contract.namespace import fresh_namespace
from vxland.identity import FORWARD_RULES
from vxland.kernel.ebtables import Ebtables
from vxland.observed import EbtablesState, PortRule
from vxland.operations import RetireRules

pytestmark = pytest.mark.kernel

PEERS = 60
SPLIT = tuple(f"-i vxlan{i} -o vxlan{j} -j DROP" for i, j in permutations(range(PEERS), 2))
OTHERS = (
    "-p ARP -i eth+ --arp-op Request -j ACCEPT -c 5 10",
    "-i vxlan0 -o eth0 -j DROP -c 7 70",
    "-i vxlan0 -j ACCEPT -c 9 90",
)


def sh(command: str, script: str = "") -> str:
    return subprocess.run(
        ["sh", "-ec", command], input=script, capture_output=True, text=True, check=True
    ).stdout


def counted() -> str:
    """All that ebtables shows, with counters."""
    return sh("ebtables -L --Lc")


@pytest.fixture
def ebtables() -> Iterator[Ebtables]:
    """With an administrator's rules before, between and after those of the script, run twice."""
    with fresh_namespace(), closing(Ebtables()) as found:
        for rule in OTHERS:
            sh(f"ebtables -A FORWARD {rule}")
        yield found


def split(*rules: str) -> None:
    lines = "".join(f"-A FORWARD {rule}\n" for rule in rules)
    sh("ebtables-restore --noflush", f"*filter\n{lines}COMMIT\n")


def test_thousands_of_rules_go_and_others_stay(ebtables: Ebtables) -> None:
    """Named in whatever order: that in which they stand is what makes it quick."""
    sh("ebtables -A OUTPUT -o eth0 -j DROP -c 1 2")
    between = "FORWARD -i eth1 -j ACCEPT"
    sh(f"ebtables -A {between} -c 2 20")
    before = counted()
    sh(f"ebtables -D {between}")
    split(*SPLIT)
    sh(f"ebtables -A {between} -c 2 20")
    split(*SPLIT)
    assert ebtables.begin(RetireRules("", FORWARD_RULES, SPLIT[::-1] * 2, ()))() is None
    assert counted() == before


def test_rules_that_have_gone_by_then_are_no_failure(ebtables: Ebtables) -> None:
    before = counted()
    split(*SPLIT[:4], SPLIT[0])
    ebtables.read(others=True)
    sh(f"ebtables -D FORWARD {SPLIT[1]}")
    runs = ebtables.runs
    assert ebtables.begin(RetireRules("", FORWARD_RULES, (*SPLIT[:4], SPLIT[0]), ()))() is None
    assert ebtables.runs == runs + 2
    assert counted() == before
    assert ebtables.begin(RetireRules("", FORWARD_RULES, SPLIT, ()))() is None
    assert ebtables.runs == runs + 3
    assert counted() == before


def test_rules_that_go_at_the_last_moment_are_no_failure(
    ebtables: Ebtables, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody is quicker, between the look and the transaction, which fails as a whole."""
    before = counted()
    split(*SPLIT[:4])
    look = Ebtables.read
    quicker = iter(SPLIT[:1])

    def overtaken(self: Ebtables, *, others: bool = False) -> object:
        seen = look(self, others=others)
        for rule in quicker:
            sh(f"ebtables -D FORWARD {rule}")
        return seen

    monkeypatch.setattr(Ebtables, "read", overtaken)
    assert ebtables.begin(RetireRules("", FORWARD_RULES, SPLIT[:4], ()))() is None
    assert counted() == before


def test_what_cannot_be_removed_is_told(
    ebtables: Ebtables, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the others that were to go with it stay: all or nothing."""
    split(*SPLIT[:3])
    before = counted()
    wrong = (*map(PortRule, SPLIT[:3]), PortRule("-i nothing -j DROP"))
    monkeypatch.setattr(Ebtables, "read", lambda *_, **__: EbtablesState(forward=wrong))
    rules = tuple(rule.text for rule in wrong)
    assert ebtables.begin(RetireRules("", FORWARD_RULES, rules, ()))() is not None
    assert counted() == before
