"""ebtables-legacy on a kernel that has it: what vxland writes, reads, puts right and removes.

Run by ``scripts/test-kernel --legacy``; see conftest.py.
"""

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import permutations
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.contract.namespace import fresh_namespace
from tests.fake.wishes import DMZ, LAN, wish
from tests.lab import Listener, Namespace, Server, Site, broadcast, eventually
from tests.lab.server import VXLAND
from tests.lab.site import HEAD, config
from vxland.execution import Failure, execute
from vxland.guards.ebtables import Ebtables as Guard
from vxland.guards.ebtables import is_jump
from vxland.identity import CHAIN, FORWARD_RULES
from vxland.kernel.ebtables import Ebtables
from vxland.kernel.ebtables_text import parse
from vxland.kernel.linux import LinuxKernel
from vxland.model import Desired
from vxland.observed import EbtablesState, Unavailable
from vxland.operations import Operation, RemoveChain, RetireRules, TrimChain, WriteChain
from vxland.plan import Memory, plan, plan_teardown
from vxland.settings import VniScheme, VxlanOptions

pytestmark = pytest.mark.kernel

DROP = "-i vxl-+ -o vxl-+ -j DROP"
JUMP = f"-i vxl-+ -o vxl-+ -j {CHAIN}"
JUMPING = f"-A FORWARD {JUMP}"
OWN = (f":{CHAIN} RETURN", JUMPING, f"-A {CHAIN} {DROP}")  # as ebtables-save prints them
GUARDED = replace(LAN, guards=("ebtables",))
HOME = wish(GUARDED)
NUMBERED = replace(
    DMZ, vni=VniScheme.INDEX, guards=("ebtables",), options=VxlanOptions(learning=True)
)
UNLOADED = Path("/etc/modprobe.d/vxland-test.conf")

# An administrator's rules, with all that ebtables prints in its own way: counters, a protocol by
# number, a MAC address that loses its zeros, defaults that are added, quotes with spaces, negation,
# watchers, and targets with options.
ADMINISTRATOR = """\
ebtables -N OTHER -P DROP
ebtables -A OTHER -p IPv4 --ip-proto udp --ip-dport 53 -c 9 999 -j ACCEPT
ebtables -A OTHER --log-prefix 'a  *filter :VXLAND' --log-level info --log -j CONTINUE
ebtables -A FORWARD -p ARP -i eth+ --arp-op Request -c 5 10 -j ACCEPT
ebtables -A FORWARD -s 02:00:00:00:00:01 --limit 5/sec -j OTHER
ebtables -A FORWARD -i ! eth0 -o vxl-lan-b -p 0x88b5 -j mark --mark-set 1 --mark-target CONTINUE
ebtables -A INPUT -p 802_1Q --vlan-id 7 -j DROP
ebtables -P OUTPUT DROP
"""


class Node:
    """A server whose kernel is this thread's, in a namespace of its own."""

    def __init__(self, kernel: LinuxKernel) -> None:
        self.kernel = kernel

    def planned(self, desired: Desired = HOME) -> tuple[Operation, ...]:
        """What there is to do."""
        return plan(self.kernel.observe(), desired, Memory()).operations

    def turn(self, desired: Desired = HOME) -> tuple[Operation, ...]:
        """Look, plan, carry out; nothing fails, and nothing is left to do."""
        wanted = plan(self.kernel.observe(), desired, Memory())
        assert [o for o in execute(wanted, self.kernel) if o.failure is not None] == []
        assert self.planned(desired) == ()
        return wanted.operations

    def state(self) -> EbtablesState:
        """The rules as vxland sees them."""
        state = self.kernel.ebtables.read()
        assert isinstance(state, EbtablesState), state
        return state


def sh(script: str) -> str:
    """Run a shell script in this thread's namespace; returns what it printed."""
    done = subprocess.run(["sh", "-ec", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{script}: {done.stderr}"
    return done.stdout


def saved() -> tuple[str, ...]:
    """The lines of ebtables-save, without comments and empty ones."""
    lines = sh("ebtables-save").splitlines()
    return tuple(line for line in lines if line and not line.startswith("#"))


def own(lines: tuple[str, ...]) -> tuple[str, ...]:
    """Those of vxland."""
    mine = (f":{CHAIN} ", f"-A {CHAIN} ")
    return tuple(line for line in lines if line.startswith(mine) or line.endswith(f"-j {CHAIN}"))


def others() -> str:
    """Other people's chains, rules, policies and counters, in ebtables' own words."""
    mine = ""
    kept = []
    for line in sh("ebtables -L --Lc").splitlines():
        if line.startswith("Bridge chain: "):
            mine = line.split()[2].rstrip(",")
            line = line.split(" entries: ")[0] + line[line.index("policy") :]  # noqa: PLW2901
        if line and mine != CHAIN and f"-j {CHAIN}" not in line:
            kept.append(line)
    return "\n".join(kept)


@pytest.fixture(scope="module", autouse=True)
def _legacy() -> None:
    """All of this is about ebtables-legacy."""
    assert "legacy" in sh("ebtables --version")


@pytest.fixture
def node() -> Iterator[Node]:
    """A node with nothing on it."""
    with fresh_namespace(), LinuxKernel() as kernel:
        yield Node(kernel)


@contextmanager
def without_module(*, loadable: bool) -> Iterator[None]:
    """Have the kernel's table unloaded, and perhaps kept so."""
    # Namespaces end in the background, and the table with them.
    eventually(
        lambda: subprocess.run(["modprobe", "-r", "ebtable_filter"], check=False).returncode == 0,
        "nobody uses the table",
    )
    UNLOADED.write_text("" if loadable else "install ebtable_filter /bin/false\n", encoding="ascii")
    try:
        yield
    finally:
        UNLOADED.unlink()


def test_module_not_loaded_yet() -> None:
    """Before anybody used ebtables-legacy, there are no rules: and that is seen, not guessed."""
    with without_module(loadable=True), fresh_namespace(), LinuxKernel() as kernel:
        assert kernel.ebtables.read() == EbtablesState()


def test_module_missing() -> None:
    """A kernel that can't load it has no such guard, and the reason and the cure are said."""
    with without_module(loadable=False), fresh_namespace(), LinuxKernel() as kernel:
        state = kernel.ebtables.read()
        assert isinstance(state, Unavailable)
        assert "this kernel has no ebtables-legacy" in state.reason
        assert "modprobe ebtable_filter" in state.cure
        failure = kernel.ebtables.begin(WriteChain("", CHAIN, (DROP,), (JUMP,), ()))()
        assert failure is not None
        assert "this kernel has no ebtables-legacy" in failure.text
        wanted = plan(kernel.observe(), HOME, Memory())
        assert wanted.operations == ()
        assert any("ebtables-legacy" in problem.text for problem in wanted.problems)


def test_chain_is_written(node: Node) -> None:
    """The chain has policy RETURN and is jumped to first; after that there is nothing to do."""
    sh("ebtables -A FORWARD -p ARP -j ACCEPT")
    assert any(isinstance(operation, WriteChain) for operation in node.turn())
    state = node.state()
    assert state.policy == "RETURN"
    assert [rule.text for rule in state.chain or ()] == [DROP]
    assert [is_jump(rule) for rule in state.forward] == [True, False]
    assert saved() == (
        "*filter",
        ":INPUT ACCEPT",
        ":FORWARD ACCEPT",
        ":OUTPUT ACCEPT",
        f":{CHAIN} RETURN",
        JUMPING,
        "-A FORWARD -p ARP -j ACCEPT",
        f"-A {CHAIN} {DROP}",
    )
    assert all(link.up for link in node.kernel.observe().links.values() if link.vxlan)


def test_other_ports_named_alike(node: Node) -> None:
    """The rules that let others' ports through are read as they were written."""
    node.turn()
    sh("ip link add vxl-guest.1 type veth peer name p0; ip link set vxl-guest.1 master vxbr0")
    node.turn()
    assert [rule.text for rule in node.state().chain or ()] == [
        "-i vxl-guest.1 -j RETURN",
        "-o vxl-guest.1 -j RETURN",
        DROP,
    ]
    sh("ip link del vxl-guest.1")
    node.turn()
    assert own(saved()) == OWN


def test_counters_are_not_asked_for(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment that makes ebtables-save print counters doesn't reach it."""
    monkeypatch.setenv("EBTABLES_SAVE_COUNTER", "yes")
    node.turn()
    assert f"-A {CHAIN} {DROP} -c 0 0" in saved()
    assert [rule.text for rule in node.state().chain or ()] == [DROP]


DRIFT = {
    "rule before the jump": "ebtables -I FORWARD -i eth0 -j ACCEPT",
    "rule with options before the jump": "ebtables -I FORWARD -p ARP --arp-op 1 -c 3 4 -j ACCEPT",
    "emptied": "ebtables -F",
    "emptied and deleted": "ebtables -F; ebtables -X",
    "table initialised": "ebtables --init-table",
    "chain emptied": f"ebtables -F {CHAIN}",
    "rule deleted": f"ebtables -D {CHAIN} {DROP}",
    "rule deleted by number": f"ebtables -D {CHAIN} 1",
    "rule put before": f"ebtables -I {CHAIN} -i vxl-lan-b -j ACCEPT",
    "rule with a match put before": f"ebtables -I {CHAIN} -p ARP -j ACCEPT",
    "rule put behind": f"ebtables -A {CHAIN} -i eth0 -j DROP",
    "policy": f"ebtables -P {CHAIN} ACCEPT",
    "jump deleted": f"ebtables -D FORWARD {JUMP}",
    "jump doubled": f"ebtables -A FORWARD {JUMP}",
    "jump doubled twice": f"for i in 1 2; do ebtables -I FORWARD {JUMP}; done",
    "jump of every frame": f"ebtables -D FORWARD {JUMP}; ebtables -I FORWARD -j {CHAIN}",
    "jump conditional": (f"ebtables -D FORWARD {JUMP}; ebtables -I FORWARD -p ARP -j {CHAIN}"),
    "chain renamed": f"ebtables -E {CHAIN} ELSE",
}


@pytest.mark.parametrize("name", DRIFT)
def test_drift(node: Node, name: str) -> None:
    """What is done to the rules is put right in one turn, and others' stay as they were left."""
    sh(ADMINISTRATOR)
    node.turn()
    first = saved()
    assert set(OWN) <= set(first)
    sh(DRIFT[name])
    left = [line for line in others().splitlines() if CHAIN not in line]
    assert [type(operation) for operation in node.turn()] == [WriteChain]
    assert next(line for line in saved() if line.startswith("-A FORWARD")) == JUMPING
    state = node.state()
    assert [rule.text for rule in state.chain or ()] == [DROP]
    assert (state.policy, sum(map(is_jump, state.forward))) == ("RETURN", 1)
    assert left == [line for line in others().splitlines() if CHAIN not in line]


def test_rule_after_the_jump(node: Node) -> None:
    """Behind the jump others may do as they like."""
    node.turn()
    sh("ebtables -A FORWARD -i eth0 -j ACCEPT; ebtables -N MORE; ebtables -A MORE -j DROP")
    assert node.planned() == ()


def test_others_stay(node: Node) -> None:
    """An administrator's chains, rules, policies and counters outlive all that vxland does."""
    sh(ADMINISTRATOR)
    before = others()
    for mark in ("pcnt = 9 -- bcnt = 999", "pcnt = 5 -- bcnt = 10", '"a  *filter :VXLAND"'):
        assert mark in before
    both = wish(GUARDED, NUMBERED)
    one = wish(GUARDED, replace(NUMBERED, guards=("isolated",)))
    assert WriteChain in map(type, node.turn(both))
    assert before == others()
    assert [rule.text for rule in node.state().chain or ()] == [DROP, Guard().drop("vxlan").text]
    assert TrimChain in map(type, node.turn(one))
    assert before == others()
    assert [rule.text for rule in node.state().chain or ()] == [DROP]
    assert RemoveChain in map(type, node.turn(wish(LAN_ISOLATED)))
    assert before == others()
    assert own(saved()) == ()
    node.turn()
    sh(f"ebtables -A FORWARD -j {CHAIN}")  # teardown removes all of the jumps
    wanted = plan_teardown(node.kernel.observe())
    assert RemoveChain in map(type, wanted.operations)
    assert [o for o in execute(wanted, node.kernel) if o.failure is not None] == []
    assert plan_teardown(node.kernel.observe()).operations == ()
    assert before == others()
    assert own(saved()) == ()


def test_rules_that_are_replaced_go_at_once(node: Node) -> None:
    """The script's, run twice, as many as twenty peers make; and nobody else's."""
    sh(ADMINISTRATOR)
    before = others()
    split = tuple(f"-i vxlan{i} -o vxlan{j} -j DROP" for i, j in permutations(range(20), 2))
    added = "".join(f"-A FORWARD {rule}\n" for rule in split * 2)
    sh(f"ebtables-restore --noflush <<'EOF'\n*filter\n{added}EOF")
    assert [rule.text for rule in node.state().forward[-len(split) :]] == [*split]
    runs = node.kernel.ebtables.runs
    gone = "-i vxlan77 -o vxlan78 -j DROP"
    operation = RetireRules("", FORWARD_RULES, (gone, *split[::-1], *split), ())
    assert node.kernel.ebtables.begin(operation)() is None
    assert node.kernel.ebtables.runs == runs + 2
    assert before == others()


LAN_ISOLATED = replace(LAN, guards=("isolated",))


@pytest.mark.parametrize(
    "operation",
    [
        WriteChain("", CHAIN, (DROP,), (JUMP,), (JUMP, JUMP)),  # a jump more than there is
        WriteChain("", CHAIN, (Guard().drop("other-").text, "-j NOWHERE"), (JUMP,), (JUMP,)),
        TrimChain("", CHAIN, (Guard().drop("other-").text, "--no-such-option"), (JUMP,), ()),
        RemoveChain("", CHAIN, (JUMP, JUMP), ()),
    ],
)
def test_all_or_nothing(node: Node, operation: Operation) -> None:
    """A script that fails at any line leaves the rules as they were."""
    sh(ADMINISTRATOR)
    node.turn()
    before = sh("ebtables -L --Lc")
    assert node.kernel.ebtables.begin(operation)() is not None
    assert before == sh("ebtables -L --Lc")


def test_at_the_same_moment(node: Node, tmp_path: Path) -> None:
    """The kernel refuses what was read before somebody else wrote: that is said, and mended."""
    sh("ebtables -N MORE")
    node.turn()
    enough = tmp_path / "enough"
    loop = f"until [ -e {enough} ]; do ebtables -A MORE -p ARP -j CONTINUE; done"
    failures: list[Failure] = []

    def collides() -> bool:
        failure = node.kernel.ebtables.begin(WriteChain("", CHAIN, (DROP,), (JUMP,), (JUMP,)))()
        failures.extend([failure] if failure else [])
        return bool(failures)

    with subprocess.Popen(["sh", "-c", loop], stderr=subprocess.DEVNULL):
        try:
            eventually(collides, "two write at the same moment")
        finally:
            enough.touch()
    assert "somebody else changed the rules at the same moment" in failures[0].text
    node.turn()
    assert own(saved()) == OWN


def test_parse_sees_what_ebtables_lists(node: Node) -> None:
    """What vxland reads has as many rules as ebtables counts, and takes no text for another."""
    sh(ADMINISTRATOR)
    node.turn()
    state = parse(sh("ebtables-save"))
    assert state == node.state()
    assert f"Bridge chain: FORWARD, entries: {len(state.forward)}," in sh("ebtables -L FORWARD")
    assert [rule.known for rule in state.forward] == [True, False, False, False]


def test_without_net_raw(laboratory: None, tmp_path: Path) -> None:
    """Without CAP_NET_RAW the guard can't be had: nothing is touched, and it is said why."""
    del laboratory
    with Site(tmp_path, 1) as site:
        (server,) = site.servers
        server.write(config((1, 2), f'{HEAD}guard = ["isolated", "ebtables"]\n'))
        allowed = ["setpriv", "--bounding-set=-net_raw", "--inh-caps=-net_raw", str(VXLAND)]
        done = server.run([*allowed, "apply", "--config", str(server.config)], check=False)
        said = " ".join((done.stdout + done.stderr).split())
        assert done.returncode == 1, said
        assert "ebtables may not be used: Problem getting a socket" in said
        assert "CAP_NET_RAW" in said
        assert server.link("vxl-lan-lxd2") is None
        allowed[1] = "--bounding-set=-all,+net_admin,+net_raw"
        done = server.run([*allowed, "apply", "--config", str(server.config)], check=False)
        assert done.returncode == 0, done.stderr
        assert set(OWN) <= set(server.sh("ebtables-save").splitlines())


PORTS = {"vxl-a": "a", "vxl-b": "b", "guest": "c"}


def test_frames_are_dropped(laboratory: None) -> None:
    """Between two ports with the prefix nothing passes; to and from others everything does."""
    del laboratory
    server = Namespace("server")
    hosts = {port: Namespace(name) for port, name in PORTS.items()}
    try:
        server.sh("ip link add br0 type bridge mcast_snooping 0; ip link set br0 up")
        for port, host in hosts.items():
            server.sh(f"ip link add {port} type veth peer name eth0 netns {host.path}")
            server.sh(f"ip link set {port} master br0 up")
            host.sh("ip link set eth0 up")
        everybody = {"ab", "ac", "ba", "bc", "ca", "cb"}
        eventually(lambda: passing(server, hosts) == everybody, "the bridge forwards")
        write(server, WriteChain("", CHAIN, (DROP,), (JUMP,), ()))
        assert passing(server, hosts) == {"ac", "bc", "ca", "cb"}
        exempt = ("-i vxl-a -j RETURN", "-o vxl-a -j RETURN")
        write(server, TrimChain("", CHAIN, (*exempt, DROP), (), ()))
        assert passing(server, hosts) == everybody
        server.sh("ebtables -A FORWARD -o guest -j DROP")  # RETURN lets the administrator's go on
        assert passing(server, hosts) == {"ab", "ba", "ca", "cb"}
        write(server, WriteChain("", CHAIN, (DROP,), (JUMP,), (JUMP,)))
        assert passing(server, hosts) == {"ca", "cb"}
        write(server, RemoveChain("", CHAIN, (JUMP,), ()))
        assert passing(server, hosts) == {"ab", "ba", "ca", "cb"}
    finally:
        for namespace in (server, *hosts.values()):
            namespace.delete()


def write(server: Namespace, operation: Operation) -> None:
    """Carry out one of the chain's operations there."""
    with server.entered():
        ebtables = Ebtables()
        assert ebtables.begin(operation)() is None
        ebtables.close()


def passing(server: Namespace, hosts: dict[str, Namespace]) -> set[str]:
    """Who gets broadcasts from whom: pairs of names, the sender's first.

    What is sent out of each port afterwards passes no bridge, and shows that nothing else comes.
    """
    found = set()
    for sender in hosts.values():
        with ExitStack() as stack:
            listeners = {p: stack.enter_context(Listener(host)) for p, host in hosts.items()}
            flow = broadcast(sender)
            for port, listener in listeners.items():
                last = broadcast(server, port)
                eventually(lambda to=listener, n=last: to.arrived(n), f"{port} works")  # type: ignore[misc]
        found |= {sender.name + hosts[p].name for p, o in listeners.items() if o.arrived(flow)}
    return found


INTERVAL = f'[reconcile]\ninterval = "2s"\n\n{HEAD}guard = ["ebtables"]\n'


@pytest.fixture
def site(laboratory: None, tmp_path: Path) -> Iterator[Site]:
    """Three servers with daemons, guarded by ebtables-legacy alone."""
    del laboratory
    with Site(tmp_path, 3) as made:
        made.start(config((1, 2, 3), INTERVAL))
        made.add_containers()
        yield made


def guarded(server: Server) -> bool:
    """Whether the chain is there and first."""
    lines = server.sh("ebtables-save").splitlines()
    first = next((line for line in lines if line.startswith("-A FORWARD")), "")
    return first == JUMPING and set(OWN) <= set(lines)


@pytest.mark.daemon
def test_mesh(site: Site) -> None:
    """A mesh works and doesn't loop; rules are put right at the interval, for no event tells."""
    one, *rest = site.containers
    with Listener(rest[0]) as second, Listener(rest[1]) as third:
        flows = [broadcast(one) for _ in range(20)]
        for listener in (second, third):
            eventually(lambda to=listener: to.arrived(flows[-1]), "it arrives")  # type: ignore[misc]
        assert {o.copies(flow) for flow in flows for o in (second, third)} == {1}
    server = site.servers[0]
    assert guarded(server)
    for deed in ("ebtables -F", "ebtables -F; ebtables -X", f"ebtables -P {CHAIN} ACCEPT"):
        server.sh(deed)
        eventually(lambda: guarded(server), lambda: f"{deed} is mended: {server.tail()}")  # noqa: B023
        server.settled()
    assert server.vxland("plan").returncode == 0
    assert server.stop() == 0
    assert guarded(server)
    assert server.vxland("down").returncode == 0
    assert CHAIN not in server.sh("ebtables-save")
