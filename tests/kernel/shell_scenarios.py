"""What happens to a mesh, and what it is to become: the scenarios of the commands' tests."""

from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_interface
from typing import Any

from msgspec.structs import replace

from vxland import operations as ops
from vxland.identity import FORWARD_RULES
from vxland.observed import Observed
from vxland.plan import Plan
from vxland.settings import Df, OverlaySettings, PeerSettings, Settings, VniScheme, VxlanOptions

ELSEWHERE = "@elsewhere@"  # stands for the name of another network namespace

LAN = OverlaySettings(
    "lan", "vxbr0", addresses=(ip_interface("10.1.0.1/24"), ip_interface("fd00:1::1/64"))
)
NUMBERED = replace(LAN, vni=VniScheme.INDEX, options=VxlanOptions(learning=True))
HEARS_PAIR = replace(NUMBERED, heard=VniScheme.PAIR)
HEARS_INDEX = replace(LAN, heard=VniScheme.INDEX)
SHARED = replace(LAN, mode="shared", vni=4711, options=VxlanOptions(learning=True))
SECOND = OverlaySettings("two", "vxbr2", vni=VniScheme.INDEX)
V4 = tuple(PeerSettings(name, f"203.0.113.{n}") for n, name in enumerate("abcd", 1))
V6 = tuple(PeerSettings(name, f"2001:db8::{n}") for n, name in enumerate("abcd", 1))
MESH = Settings(overlays=(LAN,), peers=V4)
MESH6 = Settings(overlays=(LAN,), peers=V6)
TWO = Settings(overlays=(LAN, SECOND), peers=V4)
JUMP = "-i vxl-+ -o vxl-+ -j VXLAND"
SPLIT = ("-i vxlan0 -o vxlan1 -j DROP", "-i vxlan1 -o vxlan0 -j DROP")  # vxlansetup.sh's
MADE_BY_SCRIPT = """
    ip link add vxbr0 address 02:77:77:77:77:77 type bridge
    ip link set vxbr0 up
    for i in 0 1 2; do
        ip link add vxlan$i address 02:77:77:77:77:0$i type vxlan id $i dstport 4789 \\
            local 203.0.113.1 remote 203.0.113.$((i + 2)) dev u0
        ip link set vxlan$i master vxbr0 up
    done
    ip link set vxlan2 down
    ip link set vxlan2 name vxother
    ip link set vxother up
    """ + "".join(f"ebtables -A FORWARD {rule}\n" for rule in SPLIT)
TAKEOVER = (ops.PinMac, ops.Isolate, ops.AdoptBridge, ops.Adopt)
FLOOD = "00:00:00:00:00:00"


@dataclass(frozen=True)
class Scenario:
    """From a mesh that was made, through what somebody does to it, to what it should be."""

    expects: tuple[type[ops.Operation], ...]  # is planned, among others
    drift: str = ""
    before: Settings | None = MESH  # None: there is nothing
    after: Settings | None = MESH  # None: teardown
    planner: Callable[[Observed], Plan] | None = None


def mesh(overlay: OverlaySettings, peers: tuple[PeerSettings, ...] = V4) -> Settings:
    """A configuration with one overlay."""
    return Settings(overlays=(overlay,), peers=peers)


def options(**values: Any) -> Settings:  # noqa: ANN401 - VxlanOptions' own types
    """The mesh with other options."""
    return mesh(replace(LAN, options=VxlanOptions(**values)))


def guards(*names: str) -> Settings:
    """The mesh with these guards."""
    return mesh(replace(LAN, guards=names))


ANEW = (ops.CreateVtep, ops.SetAlias, ops.AddAltname, ops.NoLinkLocal, ops.Attach, ops.Isolate)
FRESH = (ops.CreateBridge, ops.AddAddress, ops.RaiseBridge, *ANEW, ops.WriteChain, ops.BringUp)
MOVED = (ops.TakeDown, ops.Attach, ops.Isolate, ops.BringUp)
NON_DEFAULT = {
    "ttl": options(ttl=64),
    "ttl_inherit": options(ttl_inherit=True),
    "tos": options(tos=0x10),
    "tos_inherit": options(tos=1),
    "df": options(df=Df.SET),
    "df_inherit": options(df=Df.INHERIT),
    "udp_csum": options(udp_csum=False),
    "ageing": options(ageing=100),
    "learning": options(learning=True),
}
OTHERS = VxlanOptions(ttl=64, tos=1, df=Df.SET, ageing=100, learning=True)

# What somebody may do to a mesh, and what mends it.
DRIFTS: dict[str, tuple[str, tuple[type[ops.Operation], ...]]] = {
    "alias": ('ip link set dev vxl-lan-b alias "it\'s mine"', (ops.SetAlias,)),
    "altname": ("ip link property del dev vxl-lan-b altname vxland-lan+b", (ops.AddAltname,)),
    "other's altname": (
        "ip link property add dev vxl-lan-b altname 'vxland-lan+$x'",
        (ops.RemoveAltname,),
    ),
    "mac": ("ip link set dev vxl-lan-b address 02:11:11:11:11:11", (ops.SetMac,)),
    "mtu": ("ip link set dev vxl-lan-b mtu 1400", (ops.SetMtu,)),
    "link-local": ("ip link set dev vxl-lan-b addrgenmode eui64", (ops.NoLinkLocal,)),
    "remote": (
        "ip link set dev vxl-lan-b type vxlan remote 203.0.113.77",
        (ops.SetRemote, ops.AppendFlood, ops.RemoveFdb),
    ),
    "local": ("ip link set dev vxl-lan-b type vxlan local 203.0.113.77", (ops.SetLocal,)),
    "options": (
        "ip link set dev vxl-lan-b type vxlan ttl 7 tos 0x20 df set learning ageing 77",
        (ops.SetOption,),
    ),
    "flood lost": (
        f"bridge fdb del {FLOOD} dev vxl-lan-b dst 203.0.113.2 self",
        (ops.AppendFlood,),
    ),
    "flood added": (
        f"""
        bridge fdb append {FLOOD} dev vxl-lan-b dst 203.0.113.9 self
        bridge fdb append {FLOOD} dev vxl-lan-b dst 203.0.113.9 port 77 vni 7 via u0 self
        """,
        (ops.RemoveFdb,),
    ),
    "static entries": (
        """
        bridge fdb add 02:22:22:22:22:22 dev vxl-lan-b dst 203.0.113.9 self static
        bridge fdb add 02:22:22:22:22:23 dev vxl-lan-b dst 203.0.113.9 self dynamic
        """,
        (ops.RemoveFdb,),
    ),
    "down": ("ip link set dev vxl-lan-b down", (ops.BringUp,)),
    "not in the bridge": ("ip link set dev vxl-lan-b nomaster", MOVED),
    "in another bridge": (
        """
        ip link add other address 02:33:33:33:33:33 type bridge
        ip link set dev vxl-lan-b master other
        """,
        MOVED,
    ),
    "hairpin": (
        "ip link set vxl-lan-b type bridge_slave hairpin on flood off",
        (ops.ResetFlag,),
    ),
    "not isolated": ("bridge link set dev vxl-lan-b isolated off", (ops.Isolate,)),
    "renamed": (
        """
        ip link set dev vxl-lan-b down
        ip link set dev vxl-lan-b name 'a$b'
        ip link set dev 'a$b' up
        """,
        (ops.Rename,),  # with its guard, and a kernel from 6.2 on, it stays up meanwhile
    ),
    "deleted": ("ip link del vxl-lan-b", ANEW),
    "moved away": (
        f"""
        ip netns add {ELSEWHERE}
        ip link set vxl-lan-b netns {ELSEWHERE}
        """,
        (ops.DeleteAbroad, *ANEW),
    ),
    "other VNI": (
        """
        ip link del vxl-lan-b
        ip link add vxl-lan-b type vxlan id 5 remote 203.0.113.2 dstport 4789
        ip link set vxl-lan-b alias vxland:lan:b
        """,
        (ops.DeleteLink, *ANEW),
    ),
    "half made": (
        "ip link add odd group 1987603556 type vxlan id 6 remote 203.0.113.6 dstport 4789",
        (ops.DeleteLink,),
    ),
    "someone's tunnel": (
        """
        ip link add vx9 address 02:44:44:44:44:44 type vxlan id 9 dstport 4789
        ip link set vx9 master vxbr0 up
        """,
        (ops.TakeDown,),
    ),
    "bridge down": ("ip link set dev vxbr0 down", (ops.RaiseBridge,)),
    "bridge renamed": (
        """
        ip link set dev vxbr0 down
        ip link set dev vxbr0 name br9
        ip link set dev br9 up
        """,
        (ops.TakeDown, ops.Rename, ops.RaiseBridge),
    ),
    "bridge deleted": ("ip link del vxbr0", (ops.CreateBridge, *MOVED)),
    "bridge's marks": (
        """
        ip link set dev vxbr0 alias ''
        ip link set dev vxbr0 address 02:55:55:55:55:55 mtu 1300
        """,
        (ops.SetAlias, ops.SetMac, ops.SetMtu),
    ),
    "bridge's altname": ("ip link property del dev vxbr0 altname vxland-lan", (ops.AddAltname,)),
    "address": ("ip address del 10.1.0.1/24 dev vxbr0", (ops.AddAddress,)),
    "chain emptied": ("ebtables -F", (ops.WriteChain,)),
    "chain deleted": ("ebtables -F\nebtables -X", (ops.WriteChain,)),
    "chain's policy": ("ebtables -P VXLAND ACCEPT", (ops.WriteChain,)),
    "jump second": ("ebtables -I FORWARD -p ARP -j ACCEPT", (ops.WriteChain,)),
    "jump doubled": (f"ebtables -A FORWARD {JUMP}", (ops.WriteChain,)),
    "jump of an earlier version": (
        f"ebtables -I FORWARD -j VXLAND\nebtables -D FORWARD {JUMP}",
        (ops.WriteChain,),
    ),
    "guest named alike": (
        """
        ip link set g0 name vxl-guest
        ip link set vxl-guest master vxbr0 up
        """,
        (ops.WriteChain,),
    ),
}

BY_TABLE = replace(LAN, guards=("nftables",))
TABLED = mesh(BY_TABLE)
TABLE_DRIFTS: dict[str, tuple[str, tuple[type[ops.Operation], ...]]] = {
    "table's rules deleted": ("nft flush chain bridge vxland forward", (ops.FillTable,)),
    "table's drop comes too late": (
        "nft insert rule bridge vxland forward accept",
        (ops.FillTable,),
    ),
    "table deleted": ("nft delete table bridge vxland", (ops.MakeTable,)),
    "table dormant": ("nft 'add table bridge vxland { flags dormant; }'", (ops.MakeTable,)),
    "table with another chain": ("nft add chain bridge vxland mine", (ops.MakeTable,)),
    "table, and a guest named alike": (
        """
        ip link set g0 name vxl-guest
        ip link set vxl-guest master vxbr0 up
        """,
        (ops.FillTable,),
    ),
}

SCENARIOS: dict[str, Scenario] = {
    "fresh, IPv4": Scenario(FRESH, before=None),
    "fresh, IPv6": Scenario(FRESH, before=None, after=MESH6),
    "fresh, by index": Scenario(FRESH, before=None, after=mesh(NUMBERED)),
    "fresh, in others' bridge": Scenario(
        (ops.AddAddress, *ANEW, ops.BringUp),
        """
        ip link add vxbr0 address 02:66:66:66:66:66 type bridge
        ip link set vxbr0 up
        """,
        before=None,
    ),
    **{
        f"fresh, {name}": Scenario(FRESH, before=None, after=after)
        for name, after in NON_DEFAULT.items()
    },
    **{name: Scenario(expects, drift) for name, (drift, expects) in DRIFTS.items()},
    "remote, IPv6": Scenario(
        (ops.SetRemote, ops.SetLocal, ops.AppendFlood, ops.RemoveFdb),
        "ip link set dev vxl-lan-b type vxlan remote 2001:db8::77 local 2001:db8::78",
        before=MESH6,
        after=MESH6,
    ),
    "options changed": Scenario((ops.SetOption,), after=mesh(replace(LAN, options=OTHERS))),
    "options changed back": Scenario((ops.SetOption,), before=mesh(replace(LAN, options=OTHERS))),
    "ttl no longer inherited": Scenario((ops.DeleteLink, *ANEW), before=options(ttl_inherit=True)),
    "shared, fresh": Scenario((*FRESH, ops.AppendFlood), before=None, after=mesh(SHARED)),
    "shared, a remote": Scenario(
        (ops.SetRemote, ops.AppendFlood),
        "ip link set dev vxl-lan type vxlan remote 203.0.113.2",
        before=mesh(SHARED),
        after=mesh(SHARED),
    ),
    "shared, peer removed": Scenario(
        (ops.RemoveFdb,),
        "bridge fdb add 02:22:22:22:22:23 dev vxl-lan dst 203.0.113.4 self dynamic",
        before=mesh(SHARED),
        after=mesh(SHARED, V4[:3]),
    ),
    "shared, from a mesh": Scenario((ops.DeleteLink, *ANEW), after=mesh(SHARED)),
    "shared, to a mesh": Scenario((ops.DeleteLink, *ANEW), before=mesh(SHARED)),
    "other family": Scenario((ops.DeleteLink, *ANEW), after=MESH6),
    "peer removed": Scenario((ops.DeleteLink,), after=mesh(LAN, V4[:3])),
    "peer removed, by index": Scenario(
        (ops.DeleteLink, *ANEW), before=mesh(NUMBERED), after=mesh(NUMBERED, (V4[0], *V4[2:]))
    ),
    "pair is heard": Scenario(
        (*ANEW, ops.ClearFlag), before=mesh(NUMBERED), after=mesh(HEARS_PAIR)
    ),
    "pair is spoken": Scenario(
        (ops.RemoveAltname, ops.AddAltname, ops.ResetFlag, ops.ClearFlag),
        before=mesh(HEARS_PAIR),
        after=mesh(HEARS_INDEX),
    ),
    "index is heard no more": Scenario((ops.DeleteLink,), before=mesh(HEARS_INDEX)),
    "overlay removed": Scenario((ops.DeleteLink,), before=TWO),
    "bridge renamed in the file": Scenario((ops.Rename,), after=mesh(replace(LAN, bridge="vxbr1"))),
    "addresses removed": Scenario(
        (ops.RemoveAddress,),
        before=mesh(replace(LAN, addresses=(*LAN.addresses, ip_interface("10.1.0.2/24")))),
        after=mesh(replace(LAN, addresses=())),
    ),
    "guard ebtables ends": Scenario((ops.RemoveChain,), after=guards("isolated")),
    "guard ebtables comes": Scenario((ops.WriteChain,), before=guards("isolated")),
    "guard isolated ends": Scenario((ops.Unisolate,), after=guards("ebtables")),
    "guard isolated comes": Scenario((ops.Isolate,), before=guards("ebtables")),
    "guards swap": Scenario(
        (ops.Isolate, ops.RemoveChain), before=guards("ebtables"), after=guards("isolated")
    ),
    "guard ebtables ends for one of two": Scenario(
        (ops.TrimChain,),
        before=TWO,
        after=Settings(overlays=(LAN, replace(SECOND, guards=("isolated",))), peers=V4),
    ),
    "guard nftables ends": Scenario((ops.RemoveTable,), before=TABLED, after=guards("isolated")),
    "guard nftables comes": Scenario((ops.MakeTable,), before=guards("isolated"), after=TABLED),
    "guard nftables ends for one of two": Scenario(
        (ops.TrimTable,),
        before=Settings(overlays=(BY_TABLE, replace(SECOND, guards=("nftables",))), peers=V4),
        after=Settings(overlays=(BY_TABLE, replace(SECOND, guards=("isolated",))), peers=V4),
    ),
    "fresh, nftables": Scenario((ops.MakeTable, ops.BringUp), before=None, after=TABLED),
    **{
        name: Scenario(expects, drift, before=TABLED, after=TABLED)
        for name, (drift, expects) in TABLE_DRIFTS.items()
    },
    "guest put back": Scenario(
        (ops.Reattach,), planner=lambda _: Plan((ops.Reattach("lan", "g0", "vxbr0"),))
    ),
    "others' rules replaced": Scenario(
        (ops.RetireRules,),
        "".join(f"ebtables -A FORWARD {rule}\n" for rule in (*SPLIT, "-i g0 -j DROP", *SPLIT)),
        planner=lambda _: Plan((ops.RetireRules("", FORWARD_RULES, SPLIT * 2, ()),)),
    ),
    "taken over": Scenario(
        (ops.WriteChain, *TAKEOVER, ops.Rename, ops.RetireRules),
        MADE_BY_SCRIPT,
        before=None,
        after=mesh(replace(NUMBERED, adopt=True)),
    ),
    "teardown": Scenario((ops.DeleteLink, ops.RemoveChain), before=TWO, after=None),
    "teardown, with a guest": Scenario(
        (ops.DeleteLink, ops.RemoveAddress, ops.RemoveChain),
        "ip link set g0 master vxbr0",
        after=None,
    ),
}
