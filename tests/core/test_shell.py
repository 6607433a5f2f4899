import inspect
import shlex
from ipaddress import ip_address, ip_interface

import pytest
from msgspec.structs import replace

from vxland import operations as ops
from vxland.guards import GUARDS
from vxland.guards.nftables import FORWARD, rule
from vxland.identity import FORWARD_RULES, INGRESS_TABLE, TABLE, TALLY_TABLE
from vxland.kernel.ebtables import SCRIPTS
from vxland.kernel.ingress import BATCHES as INGRESS_BATCHES
from vxland.kernel.messages import MESSAGES
from vxland.kernel.nftables import BATCHES
from vxland.kernel.tally import BATCHES as TALLY_BATCHES
from vxland.model import Bridge, Remote, VniKey, Vtep
from vxland.observed import Abroad, Counted, Element, FdbEntry
from vxland.plan import Plan
from vxland.settings import Df, VxlanOptions
from vxland.shell import COMMANDS, READ_BACK, commands

T = "vxl-lan-b"
VTEP = Vtep(
    overlay="lan",
    peer="b",
    device=T,
    altname="vxland-lan+b",
    alias="vxland:lan:b",
    mac="02:00:00:00:00:0b",
    vni=0,
    port=4789,
    local=ip_address("203.0.113.1"),
    remotes=(Remote("b", ip_address("203.0.113.2")),),
    mtu=1450,
    options=VxlanOptions(),
)
LINK_LOCAL = replace(
    VTEP,
    local=ip_address("fe80::1%eth0"),
    remotes=(Remote("b", ip_address("fe80::2%eth0")),),
)
BRIDGE = Bridge("br0", "vxland-lan", "vxland:lan", "02:00:00:00:00:01", 1450, frozenset())
VXLAN = (
    f"ip link add name {T} address 02:00:00:00:00:0b mtu 1450 group 1987603556"
    " type vxlan id 0 remote 203.0.113.2 local 203.0.113.1 dstport 4789"
)
NEW_BRIDGE = "ip link add name br0 address 02:00:00:00:00:01 group 1987603556 type bridge"
RULE = "-i vxl-+ -o vxl-+ -j DROP"
JUMP = "-i vxl-+ -o vxl-+ -j VXLAND"
MAC = "02:22:22:22:22:22"
REMOTE = ip_address("203.0.113.9")
BOTH = ops.Guarding(T, ("isolated", "ebtables"))
ONE = ops.Guarding(T, ("isolated",))
ABROAD = Abroad(T, "vxland:lan:b", 5, VniKey(0, 4789, 4))


def create(options: VxlanOptions) -> ops.CreateVtep:
    """A device with these options is made."""
    return ops.CreateVtep("lan", T, replace(VTEP, options=options))


def option(name: str, value: int) -> ops.SetOption:
    """An option is changed."""
    return ops.SetOption("lan", T, name, value)


def address(text: str) -> ops.AddAddress:
    """An address is added."""
    return ops.AddAddress("lan", "br0", ip_interface(text))


def added(text: str) -> str:
    """The command for an address, with the mark if it can be had."""
    plain = f"ip address add {text} dev br0"
    return f"{plain} proto 0x76 2>/dev/null || {plain}"


def restore(*script: str) -> str:
    """The command for a transaction of ebtables."""
    return "\n".join(("ebtables-restore --noflush <<'EOF'", "*filter", *script, "COMMIT", "EOF"))


def nft(*script: str) -> str:
    """The command for a transaction of nft."""
    return "\n".join(("nft -f - <<'EOF'", *script, "EOF"))


NFT_RULES = (rule("g0", None, "RETURN"), rule("vxl-+", "vxl-+", "DROP"))
NFT_LINES = (
    'add rule bridge vxland forward iifname "g0" return',
    'add rule bridge vxland forward iifname "vxl-*" oifname "vxl-*" drop',
)
MADE = (
    "create table bridge vxland",
    f"create chain bridge vxland forward {{ {FORWARD.hook} }}",
    *NFT_LINES,
)
FILLED = ("flush chain bridge vxland forward", *NFT_LINES)
COUNTED = tuple(
    Counted(ip_address(address), 5, 4789) for address in ("192.0.2.2", "192.0.2.3", "2001:db8::2")
)
IN, OUT = "inet vxland input", "inet vxland output"
KEY = "@th,96,24 . udp dport"
TALLY = (
    "create table inet vxland",
    f"create set inet vxland received4 {{ typeof ip saddr . {KEY}; counter; }}",
    f"create set inet vxland sent4 {{ typeof ip daddr . {KEY}; counter; }}",
    f"create set inet vxland received6 {{ typeof ip6 saddr . {KEY}; counter; }}",
    f"create set inet vxland sent6 {{ typeof ip6 daddr . {KEY}; counter; }}",
    f"create chain {IN} {{ type filter hook input priority 300; policy accept; }}",
    f"create chain {OUT} {{ type filter hook output priority 300; policy accept; }}",
)
RULES = (
    f"add rule {IN} ip saddr . {KEY} @received4",
    f"add rule {IN} ip6 saddr . {KEY} @received6",
    f"add rule {OUT} ip daddr . {KEY} @sent4",
    f"add rule {OUT} ip6 daddr . {KEY} @sent6",
)
FOUR, SIX = "{ 192.0.2.2 . 0x5 . 4789, 192.0.2.3 . 0x5 . 4789 }", "{ 2001:db8::2 . 0x5 . 4789 }"
ADDED = (
    f"add element inet vxland received4 {FOUR}",
    f"add element inet vxland sent4 {FOUR}",
    f"add element inet vxland received6 {SIX}",
    f"add element inet vxland sent6 {SIX}",
)
DOOR = "inet vxland-ingress"
LET_IN = (
    Element("peers4", 4789, 5, ip_address("192.0.2.2")),
    Element("peers6", 4789, 5, ip_address("2001:db8::2")),
    Element("senders4", 4789, None, ip_address("192.0.2.3")),
    Element("vnis", 4789, 5),
    Element("exclusive", 4789),
    Element("ports", 4789),
)
INGRESS = (
    f"create table {DOOR}",
    *(
        f"create set {DOOR} {name} {{ typeof {key} }}"
        for name, key in (
            ("peers4", f"ip saddr . {KEY};"),
            ("peers6", f"ip6 saddr . {KEY};"),
            ("senders4", "ip saddr . udp dport;"),
            ("senders6", "ip6 saddr . udp dport;"),
            ("ends4", f"ip daddr . {KEY};"),
            ("ends6", f"ip6 daddr . {KEY};"),
            ("ways4", f"ip daddr . {KEY};"),
            ("ways6", f"ip6 daddr . {KEY};"),
            ("common", f"{KEY};"),
            ("vnis", f"{KEY}; counter;"),
            ("exclusive", "udp dport;"),
            ("ports", "udp dport; counter;"),
        )
    ),
    *(
        f"create chain {DOOR} {hook} {{ type filter hook {hook} priority {at}; policy accept; }}"
        for hook, at in (("prerouting", -300), ("output", -300), ("input", 200))
    ),
)
GUARDED = (
    f"add rule {DOOR} prerouting meta l4proto != udp accept",
    f"add rule {DOOR} prerouting ip daddr . {KEY} @ends4 notrack accept",
    f"add rule {DOOR} prerouting ip6 daddr . {KEY} @ends6 notrack accept",
    f"add rule {DOOR} output ip daddr . {KEY} @ways4 notrack accept",
    f"add rule {DOOR} output ip6 daddr . {KEY} @ways6 notrack accept",
    f"add rule {DOOR} input meta l4proto != udp accept",
    f"add rule {DOOR} input ip saddr . {KEY} @peers4 accept",
    f"add rule {DOOR} input ip6 saddr . {KEY} @peers6 accept",
    f"add rule {DOOR} input udp dport != @ports accept",
    f"add rule {DOOR} input {KEY} @common ip saddr . udp dport @senders4 accept",
    f"add rule {DOOR} input {KEY} @common ip6 saddr . udp dport @senders6 accept",
    f"add rule {DOOR} input {KEY} @vnis drop",
    f"add rule {DOOR} input {KEY} != @vnis udp dport != @exclusive accept",
    f"add rule {DOOR} input udp dport @ports drop",
    f"add rule {DOOR} input meta l4proto udp accept",
    f"add rule {DOOR} input meta nfproto ipv6 drop",
)
ENTERED = (
    f"add element {DOOR} peers4 {{ 192.0.2.2 . 0x5 . 4789 }}",
    f"add element {DOOR} peers6 {{ 2001:db8::2 . 0x5 . 4789 }}",
    f"add element {DOOR} senders4 {{ 192.0.2.3 . 4789 }}",
    f"add element {DOOR} vnis {{ 0x5 . 4789 }}",
    f"add element {DOOR} exclusive {{ 4789 }}",
    f"add element {DOOR} ports {{ 4789 }}",
)
PLAIN = "ttl auto tos 0x0 df unset nolearning ageing 300 udpcsum"
OTHER = "ttl inherit tos inherit df set learning ageing 100 noudpcsum"
DIFFERENT = VxlanOptions(
    ttl_inherit=True, tos=1, df=Df.SET, learning=True, ageing=100, udp_csum=False
)

OPERATIONS: tuple[tuple[ops.Operation, str], ...] = (
    (ops.TakeDown("lan", T), f"ip link set dev {T} down"),
    (ops.DeleteLink("lan", T), f"ip link del dev {T}"),
    (
        ops.DeleteAbroad("lan", T, ABROAD),
        r"""ip -n "$(ip netns list-id nsid 5 | sed 's/.*name: \(.*\))/\1/')" link del dev """ + T,
    ),
    (
        ops.RemoveAltname("lan", T, "vxland-$x"),
        f"ip link property del dev {T} altname 'vxland-$x'",
    ),
    (
        ops.RemoveAddress("lan", "br0", ip_interface("10.0.0.1/24")),
        "ip address del 10.0.0.1/24 dev br0 || true",
    ),
    (
        ops.WriteChain("", "VXLAND", (RULE,), (JUMP, "-j A"), ("-j VXLAND", JUMP)),
        restore(
            ":VXLAND RETURN",
            f"-A VXLAND {RULE}",
            "-D FORWARD -j VXLAND",
            f"-D FORWARD {JUMP}",
            "-I FORWARD -j A",
            f"-I FORWARD {JUMP}",
        ),
    ),
    (ops.PinMac("lan", "br0", "02:aa"), "ip link set dev br0 address 02:aa"),
    (
        ops.AdoptBridge("lan", "br0", "vxland-lan=02aa"),
        "ip link property add dev br0 altname vxland-lan=02aa",
    ),
    (
        ops.Adopt("lan", T, "vxland-lan+b", "b", "br0", ()),
        f"ip link property add dev {T} altname vxland-lan+b",
    ),
    (ops.Rename("lan", "a$b", T), f"ip link set dev 'a$b' name {T}"),
    (
        ops.CreateBridge("lan", "br0", BRIDGE),
        f"{NEW_BRIDGE} stp_state 0 forward_delay 0 mcast_snooping 0",
    ),
    (create(VxlanOptions()), f"{VXLAN} {PLAIN}"),
    (create(DIFFERENT), f"{VXLAN} {OTHER}"),
    (create(VxlanOptions(ttl=64)), f"{VXLAN} {PLAIN}".replace("ttl auto", "ttl 64")),
    (ops.SetAlias("lan", T, "it's"), f"ip link set dev {T} alias " + shlex.quote("it's")),
    (ops.AddAltname("lan", T, "vxland-x"), f"ip link property add dev {T} altname vxland-x"),
    (ops.SetMac("lan", T, MAC), f"ip link set dev {T} address {MAC}"),
    (ops.SetMtu("lan", T, 1400), f"ip link set dev {T} mtu 1400"),
    (ops.NoLinkLocal("lan", T), f"ip link set dev {T} addrgenmode none"),
    (ops.SetRemote("lan", T, REMOTE), f"ip link set dev {T} type vxlan remote {REMOTE}"),
    (ops.SetLocal("lan", T, REMOTE), f"ip link set dev {T} type vxlan local {REMOTE}"),
    (option("ttl", 0), f"ip link set dev {T} type vxlan ttl auto"),
    (option("ttl", 64), f"ip link set dev {T} type vxlan ttl 64"),
    (option("tos", 16), f"ip link set dev {T} type vxlan tos 0x10"),
    (option("tos", 1), f"ip link set dev {T} type vxlan tos inherit"),
    (option("df", 2), f"ip link set dev {T} type vxlan df inherit"),
    (option("ageing", 100), f"ip link set dev {T} type vxlan ageing 100"),
    (option("learning", 1), f"ip link set dev {T} type vxlan learning"),
    (option("learning", 0), f"ip link set dev {T} type vxlan nolearning"),
    (address("10.0.0.1/24"), added("10.0.0.1/24 broadcast 10.0.0.255")),
    (address("10.0.0.0/31"), added("10.0.0.0/31")),
    (address("fd00::1/64"), added("fd00::1/64")),
    (ops.RaiseBridge("lan", "br0"), "ip link set dev br0 up"),
    (ops.Attach("lan", T, "br0"), f"ip link set dev {T} master br0"),
    (ops.Reattach("lan", "tap0", "br0"), "ip link set dev tap0 master br0"),
    (ops.ResetFlag("lan", T, "flood"), f"ip link set dev {T} type bridge_slave flood on"),
    (ops.ClearFlag("lan", T, "flood"), f"ip link set dev {T} type bridge_slave flood off"),
    (
        ops.ClearFlag("lan", T, "learning"),
        f"ip link set dev {T} type bridge_slave learning off fdb_flush",
    ),
    (ops.ResetFlag("lan", T, "locked"), f"ip link set dev {T} type bridge_slave locked off"),
    (ops.Isolate("lan", T), f"ip link set dev {T} type bridge_slave isolated on"),
    (
        ops.AppendFlood("lan", T, REMOTE),
        f"bridge fdb append 00:00:00:00:00:00 dev {T} dst {REMOTE} self permanent",
    ),
    (ops.BringUp("lan", T, BOTH), f"ip link set dev {T} up"),
    (
        ops.RemoveFdb("lan", T, FdbEntry(MAC, REMOTE)),
        f"bridge fdb del {MAC} dev {T} dst {REMOTE} self || true",
    ),
    (
        ops.RemoveFdb("lan", T, FdbEntry(MAC, REMOTE, port=77, vni=0, via=3)),
        f"bridge fdb del {MAC} dev {T} dst {REMOTE} port 77 vni 0 via if3 self || true",
    ),
    (ops.Unisolate("lan", T, BOTH), f"ip link set dev {T} type bridge_slave isolated off"),
    (
        ops.TrimChain("", "VXLAND", (RULE,), (JUMP,), ()),
        restore(":VXLAND RETURN", f"-A VXLAND {RULE}", f"-D FORWARD {JUMP}"),
    ),
    (
        ops.RemoveChain("", "VXLAND", (JUMP, JUMP), ()),
        restore(f"-D FORWARD {JUMP}", f"-D FORWARD {JUMP}", "-F VXLAND", "-X VXLAND"),
    ),
    (
        ops.RetireRules("", FORWARD_RULES, (RULE, RULE), ()),
        restore(f"-D FORWARD {RULE}", f"-D FORWARD {RULE}"),
    ),
    (ops.MakeTable("", TABLE, NFT_RULES, replaces=False), nft(*MADE)),
    (
        ops.MakeTable("", TABLE, NFT_RULES, replaces=True),
        nft("delete table bridge vxland", *MADE),
    ),
    (ops.FillTable("", TABLE, NFT_RULES), nft(*FILLED)),
    (ops.TrimTable("", TABLE, NFT_RULES, ()), nft(*FILLED)),
    (ops.RemoveTable("", TABLE, ()), nft("delete table bridge vxland")),
    (ops.ClaimTable("", TABLE), "true"),
    (
        ops.CreateVtep("lan", T, LINK_LOCAL),
        VXLAN.replace("203.0.113.", "fe80::")
        + " dev eth0 ttl auto tos 0x0 df unset nolearning ageing 300 udpcsum",
    ),
    (
        ops.SetRemote("lan", T, ip_address("fe80::3%eth0")),
        f"ip link set dev {T} type vxlan remote fe80::3",
    ),
    (
        ops.SetLocal("lan", T, ip_address("fe80::4%eth0")),
        f"ip link set dev {T} type vxlan local fe80::4",
    ),
    (
        ops.AppendFlood("lan", T, ip_address("fe80::3%eth0")),
        f"bridge fdb append 00:00:00:00:00:00 dev {T} dst fe80::3 via eth0 self permanent",
    ),
    (
        ops.RemoveFdb("lan", T, FdbEntry(MAC, ip_address("fe80::3%eth0"))),
        f"bridge fdb del {MAC} dev {T} dst fe80::3 via eth0 self || true",
    ),
    (
        ops.MakeIngress("", INGRESS_TABLE, LET_IN, replaces=True),
        nft(f"delete table {DOOR}", *INGRESS, *GUARDED, *ENTERED),
    ),
    (
        ops.WriteIngressRules("", INGRESS_TABLE),
        nft(*(f"flush chain {DOOR} {c}" for c in ("prerouting", "output", "input")), *GUARDED),
    ),
    (
        ops.ChangeIngress("", INGRESS_TABLE, LET_IN, LET_IN[::-1]),
        nft(*(line.replace("add", "delete") for line in ENTERED[::-1]), *ENTERED),
    ),
    (
        ops.TrimIngress("", INGRESS_TABLE, LET_IN[::-1]),
        nft(*(line.replace("add", "delete") for line in ENTERED[::-1])),
    ),
    (ops.RemoveTable("", TALLY_TABLE, ()), nft("delete table inet vxland")),
    (ops.MakeTally("", TALLY_TABLE, COUNTED, replaces=False), nft(*TALLY, *RULES, *ADDED)),
    (
        ops.MakeTally("", TALLY_TABLE, COUNTED, replaces=True),
        nft("delete table inet vxland", *TALLY, *RULES, *ADDED),
    ),
    (
        ops.WriteTallyRules("", TALLY_TABLE),
        nft("flush chain inet vxland input", "flush chain inet vxland output", *RULES),
    ),
    (ops.AddCounters("", TALLY_TABLE, COUNTED, COUNTED), nft(*ADDED)),
    (
        ops.RemoveCounters("", TALLY_TABLE, (), COUNTED[:2]),
        nft("delete element inet vxland sent4 { 192.0.2.2 . 0x5 . 4789, 192.0.2.3 . 0x5 . 4789 }"),
    ),
)


def known() -> set[type[ops.Operation]]:
    """Every class of operation."""
    return {
        kind
        for _, kind in inspect.getmembers(ops, inspect.isclass)
        if issubclass(kind, ops.Operation) and kind is not ops.Operation
    }


@pytest.mark.parametrize(
    ("operation", "expected"),
    OPERATIONS,
    ids=[f"{number}-{type(op).__name__}" for number, (op, _) in enumerate(OPERATIONS)],
)
def test_operation_as_a_command(operation: ops.Operation, expected: str) -> None:
    """Each operation is printed as the one command that does it."""
    actual = [line for line in commands(Plan((operation,))) if not line.startswith("#")]
    assert [expected] == actual


def test_every_operation_has_a_handler() -> None:
    """Each class has a line in the table of commands, and in one of the kernel's tables."""
    assert known() == COMMANDS.keys()
    tables = [
        MESSAGES.keys(),
        SCRIPTS.keys(),
        BATCHES.keys() | INGRESS_BATCHES.keys() | TALLY_BATCHES.keys(),
    ]
    assert sorted(map(str, known())) == sorted(str(kind) for table in tables for kind in table)
    assert known() == {type(operation) for operation, _ in OPERATIONS}


def test_every_guard_can_be_read_back_by_hand() -> None:
    """For each guard there is a command that shows it."""
    assert GUARDS.keys() == READ_BACK.keys()


def test_what_must_hold_first_is_a_comment() -> None:
    """Before a port comes up the guards to look for are named, once where several need the same."""
    plan = Plan(
        (
            ops.BringUp("lan", "t1", BOTH),
            ops.BringUp("lan", "t2", BOTH),
            ops.BringUp("dmz", "t3", ONE),
            ops.RemoveChain("", "VXLAND", (JUMP,), (ONE, BOTH)),
        )
    )
    both = (
        "# only once these guards are seen to hold: isolated (see bridge -d link),"
        " ebtables (see ebtables-save)"
    )
    expected = (
        both,
        "ip link set dev t1 up",
        "ip link set dev t2 up",
        "# only once these guards are seen to hold: isolated (see bridge -d link)",
        "ip link set dev t3 up",
        both,
        restore(f"-D FORWARD {JUMP}", "-F VXLAND", "-X VXLAND"),
    )
    assert expected == commands(plan)


def test_nothing_to_do_is_no_command() -> None:
    """An empty plan prints nothing."""
    expected: tuple[str, ...] = ()
    assert expected == commands(Plan())
