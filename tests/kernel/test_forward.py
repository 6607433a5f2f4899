"""Which chains drop what bridges forward, as the real kernel tells."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.namespace import fresh_namespace
from vxland.kernel import forward
from vxland.kernel.forward import Forward
from vxland.kernel.linux import LinuxKernel
from vxland.observed import ForwardChain

pytestmark = pytest.mark.kernel

DROPPING = "iptables-nft -P FORWARD DROP"
USERS = "iptables-nft -N USER; iptables-nft -A FORWARD -j USER"
SOME_TO_W = "iptables-nft -A FORWARD -s 10.0.0.1 -j W"
NFT = """nft 'add table inet t { chain c {
    type filter hook forward priority 0; policy drop;
    %s
} ; }'"""


def sh(script: str) -> None:
    """Run a shell script in this thread's namespace."""
    done = subprocess.run(["sh", "-ec", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{script}: {done.stderr}"


@pytest.fixture
def looking(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Forward]:
    """In a new namespace, with both switches of br_netfilter on, whatever this kernel has."""
    for switch in forward.CALLS.values():
        (tmp_path / switch).write_text("1\n")
    monkeypatch.setattr(forward, "SWITCHES", tmp_path)
    monkeypatch.setattr(forward, "SHARE", 0)
    with fresh_namespace():
        seen = Forward()
        yield seen
        seen.close()


def only(looking: Forward) -> ForwardChain:
    """The one chain that drops."""
    (chain,) = looking.read()
    return chain


def test_a_policy_of_drop_is_seen(looking: Forward) -> None:
    """In FORWARD, not elsewhere; for IPv6 too; not once it accepts."""
    sh("iptables-nft -P INPUT DROP; iptables-nft -A INPUT -i br0 -j ACCEPT")
    assert looking.read() == ()
    sh(DROPPING)
    chain = only(looking)
    assert (chain.family, chain.table, chain.name) == ("ip", "filter", "FORWARD")
    assert chain.chains == {"FORWARD"}
    assert chain.accepts == frozenset()
    sh(f"iptables-nft -N OTHER; {USERS}")
    assert only(looking).chains == {"FORWARD", "USER"}
    sh("ip6tables-nft -P FORWARD DROP")
    assert {chain.family for chain in looking.read()} == {"ip", "ip6"}
    sh("iptables-nft -P FORWARD ACCEPT; ip6tables-nft -P FORWARD ACCEPT")
    assert looking.read() == ()


@pytest.mark.parametrize(
    ("rules", "accepts"),
    [
        ("iptables-nft -A FORWARD -i br0 -o br0 -j ACCEPT", {"br0"}),
        ("iptables-nft -A FORWARD -o br0 -j ACCEPT", {"br0"}),
        ("iptables-nft -A FORWARD -i br+ -j ACCEPT", {"br+"}),
        ("iptables-nft -A FORWARD -j ACCEPT", {"+"}),
        ("iptables-nft -A FORWARD -m physdev --physdev-is-bridged -j ACCEPT", {"+"}),
        ("iptables-nft -A FORWARD -i br0 -j DROP", set()),
        ("iptables-nft -A FORWARD -s 10.0.0.1 -j ACCEPT", set()),
        ("iptables-nft -A FORWARD -i br0 -m conntrack --ctstate NEW -j ACCEPT", {"br0"}),
        (f"{USERS}; iptables-nft -A USER -i br0 -o br0 -j ACCEPT", {"br0"}),
        (f"{USERS}; iptables-nft -A USER -j ACCEPT", {"+"}),
        (f"{USERS}; iptables-nft -A USER -j RETURN", set()),
        ("iptables-nft -N W; iptables-nft -A W -i br0 -j ACCEPT", set()),  # nobody jumps there
        (
            "iptables-nft -N W; iptables-nft -A FORWARD -i br0 -j W; iptables-nft -A W -j ACCEPT",
            {"br0"},
        ),
        ("iptables-nft -N W; iptables-nft -A W -j ACCEPT; " + SOME_TO_W, set()),
    ],
)
def test_rules_of_iptables_that_let_ports_through(
    looking: Forward, rules: str, accepts: set[str]
) -> None:
    """By name, by how it begins, or all; in chains that are jumped to."""
    sh(f"{DROPPING}; {rules}")
    assert only(looking).accepts == accepts


@pytest.mark.parametrize(
    ("rule", "accepts"),
    [
        ('iifname "br0" oifname "br0" accept;', {"br0"}),
        ('oifname "br*" counter accept;', {"br+"}),
        ('iifname { "br0", "br1" } accept;', {"+"}),
        ("counter accept;", {"+"}),
        ("ct state established accept;", set()),
        ("counter;", set()),
        ("", set()),
    ],
)
def test_rules_of_nft_that_let_ports_through(
    looking: Forward, rule: str, accepts: set[str]
) -> None:
    """As nft writes them."""
    sh(NFT % rule)
    chain = only(looking)
    assert (chain.family, chain.table, chain.name) == ("inet", "t", "c")
    assert chain.accepts == accepts


def test_rules_are_read_only_when_they_changed(looking: Forward) -> None:
    """As nftables' generation tells."""
    sh(DROPPING)
    first = looking.read()
    assert looking.read() == looking.read() == first
    assert looking.looks == 1
    sh("iptables-nft -A FORWARD -i br0 -j ACCEPT")
    assert only(looking).accepts == {"br0"}
    assert looking.looks == 2


def test_many_changes_are_not_read_one_by_one(
    looking: Forward, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A look takes a small part of the time."""
    monkeypatch.setattr(forward, "SHARE", 1e9)
    sh(DROPPING)
    assert only(looking).accepts == frozenset()
    sh("iptables-nft -A FORWARD -i br0 -j ACCEPT")
    assert only(looking).accepts == frozenset()
    assert looking.looks == 1


def test_nothing_is_read_while_the_switches_are_off(looking: Forward) -> None:
    """Each is for its own family; nft's inet is for both."""
    sh(f"{DROPPING}; ip6tables-nft -P FORWARD DROP; {NFT % ''}")
    assert {chain.family for chain in looking.read()} == {"ip", "ip6", "inet"}
    (forward.SWITCHES / forward.CALLS["ip"]).write_text("0\n")
    assert {chain.family for chain in looking.read()} == {"ip6", "inet"}
    (forward.SWITCHES / forward.CALLS["ip6"]).unlink()  # there is no br_netfilter
    before = looking.looks
    sh("iptables-nft -A FORWARD -i br0 -j ACCEPT")
    assert looking.read() == ()
    assert looking.looks == before


def test_the_kernel_tells_it_with_everything_else() -> None:
    """As it is, where this one has br_netfilter."""
    if not forward.SWITCHES.exists():
        pytest.skip("this kernel has no br_netfilter, or its module isn't loaded")
    with fresh_namespace():
        sh(DROPPING)
        with LinuxKernel() as kernel:
            for switch in ("0", "1"):
                for name in forward.CALLS.values():
                    (forward.SWITCHES / name).write_text(switch)
                assert bool(kernel.observe().forward) is (switch == "1")
            assert kernel.observe().forward == kernel.observe().forward
            assert kernel.forward.looks == 1  # and no process
