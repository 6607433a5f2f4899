"""Things of other people's on a server, which vxland must never touch."""

from tests.daemon.kernel_view import rules
from tests.lab import Namespace

ELSEWHERE = """\
sysctl -q net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.default.router_solicitations=0
ip link add brother0 address 02:00:00:00:0b:00 type bridge
ip addr add 10.99.0.1/24 dev brother0
ip addr add 2001:db8:99::1/64 dev brother0 nodad
ip link add brother1 type veth peer name brother2
ip link set brother1 master brother0 up
ip link set brother2 up
ip addr add 10.98.0.1/24 dev brother2
ip link add vxforeign type vxlan id 77 remote 192.0.2.200 local 192.0.2.1 dstport 4790
ip link set vxforeign master brother0 up
bridge fdb append 02:00:00:00:77:01 dev vxforeign dst 192.0.2.201
bridge fdb append 00:00:00:00:00:00 dev vxforeign dst 192.0.2.202
ip link set brother0 up
ip link add vxsibling type vxlan id 78 remote 192.0.2.203 local 192.0.2.1 dstport 4789 nolearning
ip link set vxsibling up alias 'the same port as vxland, another VNI'
ip link add type veth
"""
IN_THE_BRIDGE = """\
ip link add guest0 type veth peer name guest1
ip link add vxl-guest0 type veth peer name vxl-guest1
ip link set guest0 master vxbr0 up
ip link set vxl-guest0 master vxbr0 up
ip link set guest1 up
ip link set vxl-guest1 up
"""
RULES = """\
*filter
:ADMIN RETURN
-A ADMIN -p ARP -j ACCEPT
-A ADMIN -s 02:00:00:00:00:0a -j DROP
-A FORWARD -i guest0 -j ADMIN
-A FORWARD -p IPv4 -o brother1 -j DROP
-A INPUT -p 0x88cc -j DROP
COMMIT
"""
NAMES_ELSEWHERE = frozenset(
    {"lo", "eth0", "brother0", "brother1", "brother2", "vxforeign", "vxsibling", "veth0", "veth1"}
)
NAMES_IN_THE_BRIDGE = frozenset({"guest0", "guest1", "vxl-guest0", "vxl-guest1"})
NAMES = NAMES_ELSEWHERE | NAMES_IN_THE_BRIDGE


def write_rules(namespace: Namespace) -> None:
    """The administrator's own rules and chain, after whatever rules there are."""
    _restore(namespace, RULES)


def rewrite_rules(namespace: Namespace) -> None:
    """The same where some of them, and strangers' besides, are there: vxland's stay as they are."""
    own = [line for line in rules(namespace) if "VXLAND" in line]
    script = ["*filter", *(line for line in own if line.startswith(":"))]
    script += ["-F INPUT", "-F FORWARD", *(line for line in own if line.startswith("-A"))]
    _restore(namespace, "\n".join([*script, "COMMIT\n"]))
    namespace.sh("for name in ADMIN MINE; do ebtables -X $name 2>&1 || true; done")
    write_rules(namespace)


def _restore(namespace: Namespace, script: str) -> None:
    namespace.sh(f"ebtables-restore --noflush <<'EOF'\n{script}EOF")
