"""Which chains drop what bridges forward, as the real kernel tells, and as it does."""

import errno
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.contract.namespace import fresh_namespace
from tests.kernel.forward_rules import (
    BOTH,
    BRIDGE,
    BRIDGES,
    DOUBTFUL,
    DROPPING,
    NEITHER,
    NFT,
    OF_DOCKER,
    OF_IPTABLES,
    OF_NFT,
    USERS,
)
from tests.lab import eventually
from vxland.kernel import forward
from vxland.kernel.forward import GETCHAIN, GETRULE, Forward
from vxland.kernel.linux import LinuxKernel
from vxland.kernel.netlink import Netlink
from vxland.kernel.wire import HEADER
from vxland.observed import ForwardChain

pytestmark = pytest.mark.kernel

ETH_P_ALL = 3


def sh(script: str) -> str:
    """Run a shell script in this thread's namespace."""
    done = subprocess.run(["sh", "-ec", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{script}: {done.stderr}"
    return done.stdout


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


@pytest.fixture
def bridging() -> Iterator[None]:
    """In a new namespace, with a bridge between two hosts, and br_netfilter at work."""
    if not forward.SWITCHES.exists():
        pytest.skip("this kernel has no br_netfilter, or its module isn't loaded")
    with fresh_namespace():
        sh(BRIDGE + " forward_delay 0 mcast_snooping 0; ip link set br0 up")
        for host in ("h1", "h2"):
            sh(f"ip link add {host} up type veth peer name to-{host}")
            sh(f"ip link set to-{host} master br0 up")
        eventually(lambda: sh("bridge link").count("state forwarding") == 2, "the bridge forwards")
        for switch in forward.CALLS.values():
            (forward.SWITCHES / switch).write_text("1")
        yield


def only(looking: Forward) -> ForwardChain:
    """The one chain that drops."""
    (chain,) = looking.read(BRIDGES)
    return chain


def test_a_policy_of_drop_is_seen(looking: Forward) -> None:
    """In FORWARD, not elsewhere; for IPv6 too; not once it accepts."""
    sh("iptables-nft -P INPUT DROP; iptables-nft -A INPUT -i br0 -j ACCEPT")
    assert looking.read(BRIDGES) == ()
    sh(DROPPING)
    chain = only(looking)
    assert (chain.family, chain.table, chain.name) == ("ip", "filter", "FORWARD")
    assert chain.chains == {"FORWARD"}
    assert chain.accepts == NEITHER
    sh(f"iptables-nft -N OTHER; {USERS}")
    assert only(looking).chains == {"FORWARD", "USER"}
    sh("ip6tables-nft -P FORWARD DROP")
    assert {chain.family for chain in looking.read(BRIDGES)} == {"ip", "ip6"}
    sh("iptables-nft -P FORWARD ACCEPT; ip6tables-nft -P FORWARD ACCEPT")
    assert looking.read(BRIDGES) == ()


@pytest.mark.parametrize(("rules", "through"), OF_IPTABLES)
def test_bridges_that_rules_of_iptables_let_through(
    looking: Forward, rules: str, through: set[str]
) -> None:
    """By name, by how it begins, or all; in chains that are jumped to."""
    sh(f"{DROPPING}; iptables-nft {rules}")
    assert only(looking).accepts == through


@pytest.mark.parametrize(("chains", "rules", "through"), OF_NFT)
def test_bridges_that_rules_of_nft_let_through(
    looking: Forward, chains: str, rules: str, through: set[str]
) -> None:
    """As nft writes them; what can't be read may let all through."""
    sh(f"{BRIDGE}; {NFT % (chains, rules)}")
    chain = only(looking)
    assert (chain.family, chain.table, chain.name) == ("inet", "t", "c")
    assert chain.accepts == through


def reach() -> bool:
    """Whether an IPv4 frame goes through the bridge: what isn't IP, sent after it, does."""
    to = b"\x02\0\0\0\0\x0b\x02\0\0\0\0\x0a"  # nobody that the bridge knows
    packet = "4500001c 00000000 401166cd 0a000002 0a000003 00090009 00080000"  # UDP, 10.0.0.2 to .3
    after = b"\x88\xb5" + bytes(48)
    with (
        socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as sender,
        socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as receiver,
    ):
        receiver.bind(("h2", ETH_P_ALL))
        receiver.settimeout(10)
        sender.bind(("h1", 0))
        sender.send(to + b"\x08\0" + bytes.fromhex(packet))
        sender.send(to + after)
        arrived = iter(lambda: receiver.recv(100)[12:], after)
        return any(frame.startswith(b"\x08\0") for frame in list(arrived))


@pytest.mark.parametrize(
    "script",
    [
        *(f"{DROPPING}; iptables-nft {rules}" for rules, _ in OF_IPTABLES),
        *(NFT % (chains, rules) for chains, rules, _ in OF_NFT),
    ],
)
@pytest.mark.usefixtures("bridging")
def test_it_is_as_packets_fare(script: str) -> None:
    """No alarm while they pass; silence while they are dropped only where that can't be told."""
    sh(script)
    with LinuxKernel() as kernel:
        kernel.observe()
        (chain,) = kernel.read_forward()
    through = chain.lets_through("br0")
    assert through == reach() or (through and any(word in script for word in DOUBTFUL))


@pytest.mark.parametrize("version", OF_DOCKER)
def test_a_host_with_docker(looking: Forward, version: str) -> None:
    """Drops what vxland's bridge passes on, until the administrator's chain accepts it."""
    rules = [rule for rule in OF_DOCKER[version].splitlines() if rule]
    sh(";".join([DROPPING, *(f"iptables-nft {rule}" for rule in rules)]))
    assert only(looking).accepts == NEITHER
    assert "DOCKER-USER" in only(looking).chains
    sh("iptables-nft -I DOCKER-USER -i br0 -o br0 -j ACCEPT")
    assert only(looking).accepts == {"br0"}


def test_rules_are_read_only_when_they_changed(looking: Forward) -> None:
    """As nftables' generation tells; another bridge is another answer, from what was read."""
    sh(DROPPING)
    first = looking.read(BRIDGES)
    assert looking.read(BRIDGES) == looking.read(BRIDGES) == first
    assert looking.looks == 1
    sh("iptables-nft -A FORWARD -i br0 -j ACCEPT")
    assert only(looking).accepts == {"br0"}
    assert [chain.accepts for chain in looking.read({"other": 8})] == [NEITHER]
    assert looking.looks == 2


def test_many_changes_are_not_read_one_by_one(
    looking: Forward, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A look takes a small part of the time."""
    monkeypatch.setattr(forward, "SHARE", 1e9)
    sh(DROPPING)
    assert only(looking).accepts == NEITHER
    sh("iptables-nft -A FORWARD -i br0 -j ACCEPT")
    assert only(looking).accepts == NEITHER
    assert looking.looks == 1


class Dumps:
    """Counts what is asked of nftables, and may do something before the answer."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.kinds: list[int] = []
        self.before: Callable[[], object] = lambda: None
        ask = Netlink.dump

        def dump(netlink: Netlink, request: bytes) -> list[bytes]:
            self.kinds.append(HEADER.unpack_from(request)[1])
            self.before()
            return ask(netlink, request)

        monkeypatch.setattr(Netlink, "dump", dump)


def test_what_could_not_be_read_is_read_again(
    looking: Forward, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though no rule has changed; what was seen before holds so long."""
    dumps = Dumps(monkeypatch)

    def fails() -> object:
        raise OSError(errno.ENOBUFS, "")

    sh(DROPPING)
    dumps.before = fails
    assert looking.read(BRIDGES) == ()
    dumps.before = lambda: None
    assert only(looking).accepts == NEITHER
    sh("iptables-nft -A FORWARD -i br0 -j ACCEPT")
    dumps.before = fails
    assert only(looking).accepts == NEITHER
    dumps.before = lambda: None
    assert only(looking).accepts == {"br0"}


def test_rules_that_change_while_they_are_read(
    looking: Forward, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A table that went away between two answers had no rules, but drops nothing."""
    dumps = Dumps(monkeypatch)
    sh(NFT % ("", "accept;"))
    dumps.before = lambda: sh("nft flush ruleset") if dumps.kinds[-1] == GETRULE else None
    assert looking.read(BRIDGES) == ()
    assert looking.read(BRIDGES) == ()
    assert dumps.kinds == [GETCHAIN, GETRULE, GETCHAIN]


def test_a_table_is_read_once(looking: Forward, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many chains in it drop."""
    dumps = Dumps(monkeypatch)
    another = "chain b { type filter hook forward priority 1; policy drop; }"
    sh(NFT % (another, "accept;"))
    assert {chain.name: chain.accepts for chain in looking.read(BRIDGES)} == {
        "b": NEITHER,
        "c": BOTH,
    }
    assert dumps.kinds == [GETCHAIN, GETRULE]


def test_too_many_rules_are_not_read(looking: Forward, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody knows then, and nobody is alarmed; those of other tables don't count."""
    monkeypatch.setattr(forward, "MOST", 20)
    dumps = Dumps(monkeypatch)
    sh(NFT % ("", "counter;" * 20))
    sh(f"nft 'add table ip o {{ chain c {{ {'counter;' * 50} }} ; }}'")
    assert only(looking).accepts == NEITHER
    read: list[bytes] = []
    monkeypatch.setattr(forward, "read_rule", read.append)
    for rules, kinds in ((1, [GETCHAIN, GETRULE]), (20, [GETCHAIN])):
        dumps.kinds.clear()
        sh(f"nft add rule inet t c counter;{'nft add rule inet t c counter;' * (rules - 1)}")
        assert looking.read(BRIDGES) == looking.read(BRIDGES) == ()
        assert (dumps.kinds, read) == (kinds, [])


def test_nothing_is_read_while_the_switches_are_off(looking: Forward) -> None:
    """Each is for its own family; nft's inet is for both."""
    sh(f"{DROPPING}; ip6tables-nft -P FORWARD DROP; {NFT % ('', '')}")
    assert {chain.family for chain in looking.read(BRIDGES)} == {"ip", "ip6", "inet"}
    (forward.SWITCHES / forward.CALLS["ip"]).write_text("0\n")
    assert {chain.family for chain in looking.read(BRIDGES)} == {"ip6", "inet"}
    (forward.SWITCHES / forward.CALLS["ip6"]).unlink()  # there is no br_netfilter
    before = looking.looks
    sh("iptables-nft -A FORWARD -i br0 -j ACCEPT")
    assert looking.read(BRIDGES) == ()
    assert looking.looks == before


@pytest.mark.usefixtures("looking")
def test_the_kernel_tells_it_apart_from_everything_else() -> None:
    """Of the bridges that are there; who looks before a repair doesn't wait for it."""
    sh(f"{BRIDGE}; {NFT % ('', 'iif br0 accept;')}")
    with LinuxKernel() as kernel:
        assert kernel.observe().forward == ()
        assert kernel.forward.looks == 0
        assert [chain.accepts for chain in kernel.read_forward()] == [{"br0"}]
        sh("ip link del br0; ip link add br0 index 70 type bridge")
        kernel.observe()
        assert [chain.accepts for chain in kernel.read_forward()] == [NEITHER]
        assert kernel.forward.looks == 1  # and no process


@pytest.mark.usefixtures("bridging")
def test_the_switches_are_the_kernels() -> None:
    """Of this network namespace."""
    sh(DROPPING)
    with LinuxKernel() as kernel:
        for switch in ("0", "1"):
            for name in forward.CALLS.values():
                (forward.SWITCHES / name).write_text(switch)
            assert bool(kernel.read_forward()) is (switch == "1")
            assert reach() is (switch == "0")
