"""Operations and deeds in turn, of every class, with what they need and what is in their way."""

from ipaddress import ip_address, ip_interface

from msgspec.structs import replace

from tests.fake import strangers as others
from tests.fake import vandalism as somebody
from tests.fake.drift import ADDRESSES, BRIDGE, DROP, HOME, STRAY, B, C
from tests.fake.tally_drift import VNI
from tests.fake.tunnels import ELSEWHERE
from tests.fake.vandalism import Vandalism
from tests.fake.wishes import led_to
from vxland import operations as ops
from vxland.addresses import NOWHERE
from vxland.guards.nftables import rule
from vxland.identity import CHAIN, FORWARD_RULES, INGRESS_TABLE, TABLE, TALLY_TABLE
from vxland.model import Bridge, Vtep
from vxland.observed import NULL_MAC, PORT_FLAGS, Abroad, Counted, Element, FdbEntry
from vxland.settings import Df, VxlanOptions

Step = ops.Operation | Vandalism

LAN = "lan"
STRANGER = ip_address(STRAY)
JUMP = "-i vxl-+ -o vxl-+ -j VXLAND"
OTHER_JUMP = "-i vxlan+ -o vxlan+ -j VXLAND"
FORMER = "-j VXLAND"  # of an earlier version
SPLIT = ("-i vxlan0 -o vxlan1 -j DROP", "-i vxlan1 -o vxlan0 -j DROP")
LET_IN = (
    Element("peers6", 4789, 9, ip_address("2001:db8::9")),
    Element("senders4", 4790, None, STRANGER),
    Element("common", 4790, 9),
    Element("vnis", 4789, 9),
    Element("exclusive", 4790),
    Element("ports", 4790),
)
MAC = "02:00:00:00:00:66"
GUARDING = ops.Guarding(B, ("isolated",))
OLD = next(vtep for vtep in HOME.vteps() if vtep.device == B)
NEW = replace(OLD, device="new", vni=7, mac=MAC)
NEW6 = led_to(replace(NEW, local=ip_address("2001:db8::1")), "b", "2001:db8::2")
ALL = replace(NEW, peer="*", remotes=())
ALL6 = replace(NEW6, peer="*6", remotes=())
LINK_LOCAL = led_to(replace(NEW, local=ip_address("fe80::1%u0")), "b", "fe80::2%u0")
LINK_LOCAL_1 = led_to(
    replace(NEW, device="new1", local=ip_address("fe80::1%u1")), "b", "fe80::2%u1"
)
ABROAD = Abroad(B, OLD.alias, ELSEWHERE, OLD.vni_key)
NEW_BRIDGE = Bridge("newbr", "vxland-new", "vxland:new", MAC, 1400, frozenset())
UNICAST = FdbEntry("02:00:00:00:fd:b0", STRANGER)
FLOOD = FdbEntry(NULL_MAC, OLD.remotes[0].address)
TABLE_DROP = rule("vxl-+", "vxl-+", "DROP")
COUNTED = tuple(Counted(ip_address(address), VNI, 4789) for address in ("192.0.2.2", "2001:db8::2"))
LET_THROUGH = (rule("vxl-guest", None, "RETURN"), rule(None, "vxl-guest", "RETURN"))


def make(vtep: Vtep, **options: object) -> ops.CreateVtep:
    """A device with these options is made."""
    wanted = replace(VxlanOptions(), **options)
    return ops.CreateVtep(LAN, vtep.device, replace(vtep, options=wanted))


SCENES: dict[str, tuple[Step, ...]] = {
    "down, up, and again": (
        ops.TakeDown(LAN, B),
        ops.TakeDown(LAN, B),
        ops.BringUp(LAN, B, GUARDING),
        ops.BringUp(LAN, B, GUARDING),
    ),
    "a tunnel deleted": (ops.DeleteLink(LAN, B), ops.DeleteLink(LAN, B)),
    "a bridge deleted": (ops.DeleteLink(LAN, BRIDGE),),
    "deleted abroad": (
        somebody.moved_abroad(B),
        ops.CreateVtep(LAN, B, OLD),
        ops.DeleteAbroad(LAN, B, ABROAD),
        ops.DeleteAbroad(LAN, B, ABROAD),
        ops.CreateVtep(LAN, B, OLD),
    ),
    "altnames": (
        ops.RemoveAltname(LAN, C, OLD.altname),
        ops.AddAltname(LAN, C, OLD.altname),
        ops.RemoveAltname(LAN, B, OLD.altname),
        ops.RemoveAltname(LAN, B, OLD.altname),
        ops.AddAltname(LAN, C, B),
        ops.AddAltname(LAN, C, OLD.altname),
        ops.AddAltname(LAN, C, OLD.altname),
    ),
    "taken over": (
        others.bridge("fbr"),
        others.vxlan("fvx0", 7),
        ops.PinMac(LAN, "fbr", others.mac("fbr")),
        ops.PinMac(LAN, "fbr", MAC),
        ops.AdoptBridge(LAN, "fbr", "vxland-new=020000000066"),
        ops.AdoptBridge(LAN, "fbr", "vxland-new=020000000066"),
        ops.Adopt(LAN, "fvx0", "vxland-new+b", "b", "fbr", ()),
        ops.Adopt(LAN, "fvx0", OLD.altname, "b", "fbr", ()),
        ops.Adopt(LAN, "nothing", "vxland-new+c", "c", "fbr", ()),
    ),
    "renamed while it is up": (
        ops.Rename(LAN, B, "foo"),
        ops.Rename(LAN, "foo", C),
        ops.SetMtu(LAN, "foo", 1300),
    ),
    "bound to the underlay": (
        others.veth("u0"),
        others.tunnel(replace(OLD, vni=7), "fvx0", dev="u0"),
        ops.SetMtu(LAN, "fvx0", 1451),
        ops.SetMtu(LAN, "fvx0", 1400),
        ops.SetLocal(LAN, "fvx0", STRANGER),
        ops.SetOption(LAN, "fvx0", "learning", 0),
        ops.SetRemote(LAN, "fvx0", STRANGER),
        ops.SetRemote(LAN, "fvx0", OLD.remotes[0].address),
        ops.AppendFlood(LAN, "fvx0", OLD.remotes[0].address),
        ops.RemoveFdb(LAN, "fvx0", FLOOD),
        ops.AppendFlood(LAN, "fvx0", STRANGER),
        ops.Attach(LAN, "fvx0", BRIDGE),
        ops.Isolate(LAN, "fvx0"),
        ops.Rename(LAN, "fvx0", "foo"),
        somebody.deleted("u0"),
    ),
    "renamed": (
        ops.TakeDown(LAN, B),
        ops.Rename(LAN, B, C),
        ops.Rename(LAN, B, OLD.altname),
        ops.Rename(LAN, B, "foo"),
        ops.SetMtu(LAN, "foo", 1300),
        ops.SetMtu(LAN, B, 1301),
        ops.Rename(LAN, "foo", B),
        ops.BringUp(LAN, B, GUARDING),
    ),
    "a bridge made": (
        ops.CreateBridge(LAN, "newbr", NEW_BRIDGE),
        ops.CreateBridge(LAN, "newbr", NEW_BRIDGE),
        ops.SetAlias(LAN, "newbr", NEW_BRIDGE.alias),
        ops.SetMtu(LAN, "newbr", 1400),
        ops.RaiseBridge(LAN, "newbr"),
        ops.Attach(LAN, B, "newbr"),
    ),
    "a bridge that follows its ports' MTU": (
        ops.CreateBridge(LAN, "newbr", NEW_BRIDGE),
        ops.SetMtu(LAN, "newbr", 1500),
        ops.Attach(LAN, B, "newbr"),
        ops.SetMtu(LAN, B, 1200),
        ops.SetMtu(LAN, B, 1350),
        ops.SetMtu(LAN, "newbr", 1400),
        ops.SetMtu(LAN, B, 1300),
    ),
    "a tunnel made": (
        make(NEW),
        make(NEW),
        ops.NoLinkLocal(LAN, "new"),
        ops.Isolate(LAN, "new"),
        ops.Attach(LAN, "new", BRIDGE),
        ops.Isolate(LAN, "new"),
        ops.BringUp(LAN, "new", ops.Guarding("new", ("isolated",))),
    ),
    "a tunnel whose VNI is taken": (ops.CreateVtep(LAN, "new", replace(OLD, device="new")),),
    "a tunnel whose VNI is taken on another port": (
        ops.CreateVtep(LAN, "new", replace(OLD, device="new", port=4790)),
    ),
    "a tunnel whose VNI is taken over IPv4": (make(replace(NEW6, vni=OLD.vni)),),
    "a tunnel whose name is an altname": (
        somebody.altname_added(C, "new"),
        make(NEW),
    ),
    "a tunnel over IPv6": (
        make(NEW6, df=Df.SET),
        ops.SetRemote(LAN, "new", ip_address("2001:db8::3")),
        ops.SetLocal(LAN, "new", ip_address("2001:db8::4")),
        ops.BringUp(LAN, "new", GUARDING),
    ),
    "a tunnel to all": (
        make(ALL, learning=True),
        ops.AppendFlood(LAN, "new", STRANGER),
        ops.AppendFlood(LAN, "new", OLD.remotes[0].address),
        ops.SetRemote(LAN, "new", STRANGER),
        ops.SetRemote(LAN, "new", NOWHERE[4]),
        ops.SetRemote(LAN, "new", NOWHERE[4]),
        ops.SetLocal(LAN, "new", STRANGER),
        ops.BringUp(LAN, "new", GUARDING),
    ),
    "a tunnel to all over IPv6": (
        make(ALL6),
        make(replace(ALL, vni=ALL6.vni, device="other")),
        ops.AppendFlood(LAN, "new", STRANGER),
        ops.AppendFlood(LAN, "new", ip_address("2001:db8::2")),
        ops.SetRemote(LAN, "new", ip_address("2001:db8::3")),
        ops.SetRemote(LAN, "new", NOWHERE[4]),
        ops.SetRemote(LAN, "new", NOWHERE[6]),
    ),
    "a tunnel over link-local addresses": (
        make(LINK_LOCAL),
        others.veth("u0"),
        others.veth("u1"),
        make(LINK_LOCAL),
        make(LINK_LOCAL_1),
        ops.SetRemote(LAN, "new", ip_address("fe80::3%u0")),
        ops.SetLocal(LAN, "new", ip_address("fe80::4%u0")),
        ops.SetLocal(LAN, "new", ip_address("2001:db8::4")),
        ops.AppendFlood(LAN, "new", ip_address("fe80::5%u0")),
        ops.AppendFlood(LAN, "new", ip_address("fe80::6%gone")),
        somebody.flood_added("new", "fe80::7"),
        ops.RemoveFdb(LAN, "new", FdbEntry(NULL_MAC, ip_address("fe80::5%u0"))),
        ops.RemoveFdb(LAN, "new", FdbEntry(NULL_MAC, ip_address("fe80::7"))),
        ops.BringUp(LAN, "new", GUARDING),
        somebody.deleted("u0"),
        ops.SetMtu(LAN, "new1", 1300),
    ),
    "a tunnel with other options": (
        make(NEW, ttl=5, tos=1, df=Df.INHERIT, ageing=400, udp_csum=False, learning=True),
    ),
    "a tunnel that inherits its TTL": (
        make(NEW, ttl=5, ttl_inherit=True),
        ops.SetOption(LAN, "new", "ttl", 7),
    ),
    "a tunnel too small for IPv6": (
        make(replace(NEW, mtu=1200)),
        ops.NoLinkLocal(LAN, "new"),
        ops.SetMtu(LAN, "new", 1280),
        ops.NoLinkLocal(LAN, "new"),
    ),
    "marks and addresses": (
        ops.SetAlias(LAN, B, "vxland:lan:z"),
        ops.SetMac(LAN, B, MAC),
        ops.SetMac(LAN, BRIDGE, MAC),
    ),
    "a bridge that follows its ports' MAC addresses": (
        others.own_bridge("fbr", "n0"),
        ops.Attach(LAN, B, "fbr"),
        ops.Attach(LAN, C, "fbr"),
        ops.SetMac(LAN, B, "0a:00:00:00:00:00"),
        ops.SetMac(LAN, B, "fe:ff:00:00:00:00"),
        ops.SetMac(LAN, B, "06:00:00:00:00:00"),
        ops.TakeDown(LAN, B),
        ops.DeleteLink(LAN, B),
        ops.DeleteLink(LAN, "n0"),
        ops.DeleteLink(LAN, C),
        ops.Attach(LAN, "vxl-lan-d", "fbr"),
        ops.PinMac(LAN, "fbr", MAC),
        ops.SetMac(LAN, "vxl-lan-d", "02:00:00:00:00:00"),
    ),
    "MTUs": (
        ops.SetMtu(LAN, B, 1000),
        ops.NoLinkLocal(LAN, B),
        ops.SetMtu(LAN, B, 1450),
        ops.NoLinkLocal(LAN, B),
        ops.SetMtu(LAN, B, 67),
    ),
    "remote and local": (
        ops.SetRemote(LAN, B, STRANGER),
        ops.SetRemote(LAN, B, STRANGER),
        ops.SetLocal(LAN, B, STRANGER),
        ops.SetRemote(LAN, BRIDGE, STRANGER),
    ),
    "options": (
        ops.SetOption(LAN, B, "ttl", 9),
        ops.SetOption(LAN, B, "tos", 1),
        ops.SetOption(LAN, B, "df", Df.INHERIT.value),
        ops.SetOption(LAN, B, "ageing", 500),
        ops.SetOption(LAN, B, "learning", 1),
        ops.SetOption(LAN, B, "learning", 0),
    ),
    "addresses": (
        ops.AddAddress(LAN, BRIDGE, ip_interface("10.10.20.1/24")),
        ops.AddAddress(LAN, BRIDGE, ip_interface("10.10.20.1/24")),
        ops.AddAddress(LAN, BRIDGE, ip_interface("10.10.20.1/32")),
        ops.AddAddress(LAN, BRIDGE, ip_interface("2001:db8:2::1/64")),
        ops.AddAddress(LAN, BRIDGE, ip_interface("2001:db8:2::1/48")),
        ops.AddAddress(LAN, BRIDGE, ip_interface("10.10.20.2/24")),
        ops.RemoveAddress(LAN, BRIDGE, ip_interface("10.10.20.1/24")),
        ops.RemoveAddress(LAN, BRIDGE, ip_interface(ADDRESSES[1])),
        ops.RemoveAddress(LAN, BRIDGE, ip_interface(ADDRESSES[1])),
    ),
    "IPv6 addresses of a bridge that goes down": (
        ops.TakeDown(LAN, BRIDGE),
        ops.AddAddress(LAN, BRIDGE, ip_interface("2001:db8:2::1/64")),
        ops.RaiseBridge(LAN, BRIDGE),
        ops.TakeDown(LAN, BRIDGE),
    ),
    "IPv6 addresses of a bridge too small for IPv6": (
        ops.SetMtu(LAN, BRIDGE, 1200),
        ops.AddAddress(LAN, BRIDGE, ip_interface("2001:db8:2::1/64")),
        ops.AddAddress(LAN, BRIDGE, ip_interface("10.10.20.1/24")),
    ),
    "ports": (
        others.bridge("fbr"),
        ops.Attach(LAN, B, BRIDGE),
        ops.Attach(LAN, B, "fbr"),
        ops.Isolate(LAN, B),
        ops.Attach(LAN, B, BRIDGE),
        ops.Attach(LAN, "fbr", BRIDGE),
        ops.Attach(LAN, B, "nothing"),
        ops.Attach(LAN, B, C),
        ops.Isolate(LAN, B),
        *(somebody.flag(B, name) for name in PORT_FLAGS),
        *(ops.ResetFlag(LAN, B, name) for name in PORT_FLAGS),
        ops.Unisolate(LAN, B, GUARDING),
        ops.Unisolate(LAN, B, GUARDING),
    ),
    "port flags": (
        *(somebody.flag(B, flag) for flag in PORT_FLAGS),
        *(ops.ResetFlag(LAN, B, flag) for flag in PORT_FLAGS),
        ops.ClearFlag(LAN, B, "flood"),
        ops.ClearFlag(LAN, B, "learning"),
        ops.ResetFlag(LAN, B, "flood"),
        somebody.taken_out(B),
        ops.ResetFlag(LAN, B, "flood"),
    ),
    "others' ports": (
        others.veth("g0"),
        ops.Reattach(LAN, "g0", BRIDGE),
        ops.Reattach(LAN, "g0", BRIDGE),
        ops.Reattach(LAN, "nothing", BRIDGE),
    ),
    "forwarding": (
        ops.AppendFlood(LAN, B, STRANGER),
        ops.AppendFlood(LAN, B, STRANGER),
        ops.RemoveFdb(LAN, B, FLOOD),
        ops.RemoveFdb(LAN, B, FLOOD),
        somebody.fdb_added(B, STRAY),
        ops.RemoveFdb(LAN, B, UNICAST),
        somebody.fdb_added(B, STRAY, static=False),
        ops.RemoveFdb(LAN, B, replace(UNICAST, static=False)),
    ),
    "the chain": (
        ops.WriteChain("", CHAIN, (DROP, "-i eth0 -j RETURN"), (JUMP, FORMER), (JUMP,)),
        ops.WriteChain("", CHAIN, (DROP,), (JUMP,), (JUMP, JUMP)),
        ops.WriteChain("", CHAIN, (DROP,), (JUMP, OTHER_JUMP), (FORMER, JUMP)),
        ops.TrimChain("", CHAIN, (DROP,), (OTHER_JUMP,), ()),
        ops.TrimChain("", CHAIN, (), (OTHER_JUMP,), ()),
        ops.RemoveChain("", CHAIN, (), ()),
        ops.RemoveChain("", CHAIN, (JUMP,), ()),
        ops.RemoveChain("", CHAIN, (), ()),
        ops.TrimChain("", CHAIN, (DROP,), (), ()),
        ops.WriteChain("", CHAIN, (), (JUMP,), ()),
    ),
    "others' rules": (
        somebody.ebtables(f"-A FORWARD {SPLIT[0]}"),
        somebody.ebtables(f"-A FORWARD {SPLIT[1]}"),
        somebody.ebtables("-A FORWARD -i eth0 -j ACCEPT"),
        somebody.ebtables(f"-A FORWARD {SPLIT[0]}"),
        somebody.ebtables(f"-A FORWARD {SPLIT[1]}"),
        somebody.ebtables(f"-A FORWARD {SPLIT[0]}"),
        ops.RetireRules("", FORWARD_RULES, (SPLIT[1], SPLIT[0]), ()),
        ops.RetireRules("", FORWARD_RULES, (SPLIT[1], SPLIT[1], SPLIT[0]), ()),
        ops.RetireRules("", FORWARD_RULES, (SPLIT[1],), ()),
        ops.RetireRules("", FORWARD_RULES, (), ()),
        ops.RetireRules("", FORWARD_RULES, (SPLIT[0],), ()),
    ),
    "the table": (
        ops.FillTable("", TABLE, (TABLE_DROP,)),
        ops.TrimTable("", TABLE, (), ()),
        ops.MakeTable("", TABLE, (TABLE_DROP,), replaces=True),
        ops.MakeTable("", TABLE, (*LET_THROUGH, TABLE_DROP), replaces=False),
        ops.MakeTable("", TABLE, (TABLE_DROP,), replaces=False),
        ops.FillTable("", TABLE, (TABLE_DROP,)),
        ops.FillTable("", TABLE, LET_THROUGH),
        ops.TrimTable("", TABLE, (), ()),
        ops.MakeTable("", TABLE, (TABLE_DROP,), replaces=True),
        ops.RemoveTable("", TABLE, ()),
        ops.RemoveTable("", TABLE, ()),
        ops.ClaimTable("", TABLE),
        ops.FillTable("", TABLE, (TABLE_DROP,)),
        ops.ClaimTable("", TABLE),
    ),
    "the filter": (
        ops.ChangeIngress("", INGRESS_TABLE, LET_IN, ()),
        ops.ChangeIngress("", INGRESS_TABLE, LET_IN[:1], LET_IN[1:]),
        ops.TrimIngress("", INGRESS_TABLE, LET_IN[1:]),
        ops.WriteIngressRules("", INGRESS_TABLE),
        ops.MakeIngress("", INGRESS_TABLE, LET_IN, replaces=True),
        ops.MakeIngress("", INGRESS_TABLE, LET_IN, replaces=False),
        ops.ChangeIngress("", INGRESS_TABLE, LET_IN, LET_IN[::-1]),
        ops.ClaimTable("", INGRESS_TABLE),
        ops.RemoveTable("", INGRESS_TABLE, ()),
        ops.RemoveTable("", INGRESS_TABLE, ()),
        ops.WriteIngressRules("", INGRESS_TABLE),
        ops.MakeIngress("", INGRESS_TABLE, (), replaces=False),
    ),
    "the tally": (
        ops.AddCounters("", TALLY_TABLE, COUNTED, COUNTED),
        ops.WriteTallyRules("", TALLY_TABLE),
        ops.RemoveCounters("", TALLY_TABLE, COUNTED, COUNTED),
        ops.MakeTally("", TALLY_TABLE, COUNTED, replaces=True),
        ops.MakeTally("", TALLY_TABLE, COUNTED[:1], replaces=False),
        ops.MakeTally("", TALLY_TABLE, COUNTED, replaces=False),
        ops.AddCounters("", TALLY_TABLE, COUNTED, COUNTED[1:]),
        ops.RemoveCounters("", TALLY_TABLE, COUNTED[1:], ()),
        ops.RemoveCounters("", TALLY_TABLE, COUNTED, ()),
        ops.WriteTallyRules("", TALLY_TABLE),
        ops.MakeTally("", TALLY_TABLE, (), replaces=True),
        ops.ClaimTable("", TALLY_TABLE),
        ops.RemoveTable("", TALLY_TABLE, ()),
        ops.RemoveTable("", TALLY_TABLE, ()),
        ops.ClaimTable("", TALLY_TABLE),
        ops.WriteTallyRules("", TALLY_TABLE),
    ),
    "a UDP port that somebody has": (
        ops.TakeDown(LAN, B),
        ops.TakeDown(LAN, C),
        somebody.deleted("vxl-lan-d"),
        others.external_vxlan("fvx0", 7),
        somebody.set_up("fvx0"),
        ops.BringUp(LAN, B, GUARDING),
    ),
}

# What the plan knows of may be gone, or be something else, when its turn comes.
OVERTAKEN: dict[str, tuple[Vandalism, ops.Operation]] = {
    "a tunnel that was deleted": (somebody.deleted(B), ops.SetMtu(LAN, B, 1300)),
    "a tunnel that was renamed": (somebody.renamed(B, "foo"), ops.SetMtu(LAN, B, 1300)),
    "a bridge that was deleted": (somebody.deleted(BRIDGE), ops.Attach(LAN, B, BRIDGE)),
    "a bridge that was renamed": (somebody.renamed(BRIDGE, "foo"), ops.Attach(LAN, B, BRIDGE)),
    "an entry of a tunnel that was deleted": (somebody.deleted(B), ops.RemoveFdb(LAN, B, FLOOD)),
    "an address of a bridge that was deleted": (
        somebody.deleted(BRIDGE),
        ops.RemoveAddress(LAN, BRIDGE, ip_interface(ADDRESSES[0])),
    ),
    "a name that somebody took": (others.veth("new"), make(NEW)),
}
