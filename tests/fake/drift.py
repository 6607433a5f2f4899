"""Everything that the issue says can happen to a node, to the node that HOME describes."""

from ipaddress import ip_interface

from msgspec.structs import replace

from tests.fake import strangers as others
from tests.fake import vandalism as somebody
from tests.fake.vandalism import Vandalism
from tests.fake.wishes import LAN, wish
from vxland.identity import pair_vni
from vxland.observed import PORT_FLAGS
from vxland.settings import SHARED, VxlanOptions

ADDRESSES = ("10.10.10.1/24", "2001:db8:1::1/64")
HOME = wish(replace(LAN, addresses=tuple(map(ip_interface, ADDRESSES))))
CROWDED = replace(LAN, mode=SHARED, vni=4711, options=VxlanOptions(learning=True))
CROWD = wish(CROWDED)
BRIDGE = "vxbr0"
B, C, D = (f"vxl-lan-{peer}" for peer in "bcd")
REMOTE = "192.0.2.2"  # of B
STRAY = "192.0.2.66"
DROP = "-i vxl-+ -o vxl-+ -j DROP"
JUMP = "-i vxl-+ -o vxl-+ -j VXLAND"

Deeds = tuple[Vandalism, ...]

LINKS: dict[str, Deeds] = {
    "link deleted": (somebody.deleted(B),),
    "link set down": (somebody.set_down(B),),
    "link taken out of the bridge": (somebody.taken_out(B),),
    "link moved to another bridge": (others.bridge("fbr"), somebody.put_into(B, "fbr")),
    "link renamed": (somebody.renamed(B, "foo"),),
    "names swapped": (
        somebody.renamed(B, "foo"),
        somebody.renamed(C, B),
        somebody.renamed("foo", C),
    ),
    "name of a deleted link taken by another": (somebody.deleted(B), somebody.renamed(C, B)),
    "isolated cleared": (somebody.isolation(B, on=False),),
    "every other port flag changed": tuple(somebody.flag(B, name) for name in PORT_FLAGS),
    "port flags changed and taken out": (
        somebody.flag(B, "flood"),
        somebody.flag(B, "learning"),
        somebody.taken_out(B),
    ),
    "MTU changed": (somebody.mtu(B, 1300),),
    "MTU below IPv6's minimum": (somebody.mtu(B, 1000),),
    "MAC changed": (somebody.mac(B, "02:00:00:00:00:66"),),
    "alias removed": (somebody.alias(B, ""),),
    "alias of another peer": (somebody.alias(B, "vxland:lan:c"),),
    "altname removed": (somebody.altname_removed(B, "vxland-lan+b"),),
    "altname of nobody added": (somebody.altname_added(B, "vxland-lan+z"),),
    "both marks removed": (
        somebody.alias(B, ""),
        somebody.altname_removed(B, "vxland-lan+b"),
    ),
    "link-local addresses wanted": (somebody.link_local(B),),
    "link-local addresses made": (
        somebody.link_local(B),
        somebody.set_down(B),
        somebody.set_up(B),
    ),
    "group changed": (somebody.group(B, 5),),
    "moved to another namespace": (somebody.moved_abroad(B),),
    "moved and changed": (somebody.mtu(B, 1300), somebody.moved_abroad(B)),
}

TUNNELS: dict[str, Deeds] = {
    "remote changed": (somebody.remote(B, STRAY),),
    "remote removed": (somebody.remote(B, "0.0.0.0"),),
    "local changed": (somebody.local(B, STRAY),),
    "ttl changed": (somebody.option(B, "ttl 7"),),
    "tos changed": (somebody.option(B, "tos 0x8"),),
    "df changed": (somebody.option(B, "df set"),),
    "ageing changed": (somebody.option(B, "ageing 77"),),
    "learning switched on": (somebody.option(B, "learning"),),
    "default flood entry deleted": (somebody.flood_removed(B, REMOTE),),
    "flood entry added": (somebody.flood_added(B, STRAY),),
    "flood entry added and remote led there": (
        somebody.flood_added(B, STRAY),
        somebody.remote(B, STRAY),
    ),
    "default flood entry deleted and remote changed": (
        somebody.flood_removed(B, REMOTE),
        somebody.remote(B, STRAY),
    ),
    "unicast entry added": (somebody.fdb_added(B, STRAY),),
    "unicast entry taught": (somebody.fdb_added(B, STRAY, static=False),),
}

BRIDGES: dict[str, Deeds] = {
    "bridge deleted": (somebody.deleted(BRIDGE),),
    "bridge down": (somebody.set_down(BRIDGE),),
    "bridge renamed": (somebody.renamed(BRIDGE, "foo"),),
    "bridge's MTU changed": (somebody.mtu(BRIDGE, 1300),),
    "bridge's MAC changed": (somebody.mac(BRIDGE, "02:00:00:00:00:66"),),
    "bridge's alias removed": (somebody.alias(BRIDGE, ""),),
    "bridge's altname removed": (somebody.altname_removed(BRIDGE, "vxland-lan"),),
    "bridge's address removed": (somebody.address_removed(BRIDGE, ADDRESSES[0]),),
    "bridge has somebody's address": (somebody.address_added(BRIDGE, "10.10.30.1/24"),),
    "bridge has somebody's address of the same network": (
        somebody.address_added(BRIDGE, "10.10.10.9/24"),
    ),
    "first of two addresses removed": (
        somebody.address_added(BRIDGE, "10.10.10.9/24"),
        somebody.address_removed(BRIDGE, ADDRESSES[0]),
    ),
    "second of two addresses removed": (
        somebody.address_added(BRIDGE, "10.10.10.9/24"),
        somebody.address_removed(BRIDGE, "10.10.10.9/24"),
    ),
    "bridge deleted while a guest is in it": (
        others.veth("g0"),
        somebody.put_into("g0", BRIDGE),
        somebody.deleted(BRIDGE),
    ),
    "bridge is somebody's now": (
        somebody.deleted(BRIDGE),
        others.bridge(BRIDGE),
        somebody.set_up(BRIDGE),
    ),
}

EBTABLES: dict[str, Deeds] = {
    "ebtables -F": (somebody.ebtables("-F"),),
    "ebtables -X refused": (somebody.ebtables("-X"),),
    "ebtables -F and -X": (somebody.ebtables("-F"), somebody.ebtables("-X")),
    "chain emptied": (somebody.ebtables("-F VXLAND"),),
    "chain's rule deleted": (somebody.ebtables(f"-D VXLAND {DROP}"),),
    "rule put before the chain's": (somebody.ebtables("-I VXLAND -i vxl-lan-b -j ACCEPT"),),
    "rule of one port put before the chain's": (somebody.ebtables("-I VXLAND -i eth0 -j ACCEPT"),),
    "chain's policy changed": (somebody.ebtables("-P VXLAND ACCEPT"),),
    "jump deleted": (somebody.ebtables(f"-D FORWARD {JUMP}"),),
    "jump and chain deleted": (
        somebody.ebtables(f"-D FORWARD {JUMP}"),
        somebody.ebtables("-F VXLAND"),
        somebody.ebtables("-X VXLAND"),
    ),
    "jump to no chain": (
        somebody.ebtables("-F"),
        somebody.ebtables("-X"),
        somebody.ebtables(f"-A FORWARD {JUMP}"),
    ),
    "second jump": (somebody.ebtables(f"-I FORWARD {JUMP}"),),
    "second jump after others' rules": (
        somebody.ebtables("-A FORWARD -i eth0 -j ACCEPT"),
        somebody.ebtables(f"-A FORWARD {JUMP}"),
    ),
    "jump of every frame": (somebody.ebtables("-I FORWARD -j VXLAND"),),
    "jump of every frame instead": (
        somebody.ebtables("-I FORWARD -j VXLAND"),
        somebody.ebtables(f"-D FORWARD {JUMP}"),
    ),
    "jump of one port": (somebody.ebtables("-I FORWARD -i eth0 -j VXLAND"),),
    "rule put before the jump": (somebody.ebtables("-I FORWARD -i eth0 -j ACCEPT"),),
    "rule put after the jump": (somebody.ebtables("-A FORWARD -i eth0 -j ACCEPT"),),
    "somebody's chain": (somebody.ebtables("-N OTHER"), somebody.ebtables("-A OTHER -j DROP")),
}

CHAIN = "bridge vxland forward"
LIKE_VXLANDS = (  # what nft leaves of a table as vxland makes it, but for its rules
    somebody.nft("add table bridge vxland"),
    somebody.nft(f"add chain {CHAIN} {{ type filter hook forward priority -210; policy accept; }}"),
)
NFT_DROP = 'iifname "vxl-*" oifname "vxl-*" drop'
NFTABLES: dict[str, Deeds] = {
    "ruleset flushed": (somebody.ruleset_flushed(),),
    "table deleted": (somebody.nft("delete table bridge vxland"),),
    "nft chain emptied": (somebody.nft(f"flush chain {CHAIN}"),),
    "nft chain deleted": (
        somebody.nft(f"flush chain {CHAIN}"),
        somebody.nft(f"delete chain {CHAIN}"),
    ),
    "chain hooked later": (
        somebody.nft(f"delete chain {CHAIN}"),
        somebody.nft(
            f"add chain {CHAIN} {{ type filter hook forward priority 10; policy accept; }}"
        ),
        somebody.nft(f"add rule {CHAIN} {NFT_DROP}"),
    ),
    "chain without a hook": (
        somebody.nft(f"delete chain {CHAIN}"),
        somebody.nft(f"add chain {CHAIN}"),
        somebody.nft(f"add rule {CHAIN} {NFT_DROP}"),
    ),
    "nft chain's policy changed": (
        somebody.nft(
            f"add chain {CHAIN} {{ type filter hook forward priority -210; policy drop; }}"
        ),
    ),
    "rule put before the drop": (somebody.nft(f"insert rule {CHAIN} accept"),),
    "rule of one port put before the drop": (
        somebody.nft(f'insert rule {CHAIN} iifname "vxl-lan-b" return'),
    ),
    "rule with more conditions put before the drop": (
        somebody.nft(f'insert rule {CHAIN} ether type arp iifname "vxl-lan-b" return'),
    ),
    "rule put after the drop": (somebody.nft(f"add rule {CHAIN} drop"),),
    "second chain": (
        somebody.nft("add chain bridge vxland mine"),
        somebody.nft("add rule bridge vxland mine drop"),
        somebody.nft(f"insert rule {CHAIN} jump mine"),
    ),
    "table dormant": (somebody.nft("add table bridge vxland { flags dormant; }"),),
    "table deleted and made by somebody": (
        somebody.nft("delete table bridge vxland"),
        *LIKE_VXLANDS,
        somebody.nft(f"add rule {CHAIN} {NFT_DROP}"),
    ),
}

OTHERS: dict[str, Deeds] = {
    "VNI taken": (
        somebody.deleted(B),
        others.vxlan("fvx0", pair_vni("lan", "a", "b")),
    ),
    "VNI taken on another port": (
        somebody.deleted(B),
        others.vxlan("fvx0", pair_vni("lan", "a", "b"), port=4790),
    ),
    "VNI refused": (others.vxlan("fvx0", pair_vni("lan", "a", "b")),),
    "name taken": (somebody.deleted(B), others.veth(B)),
    "altname taken": (
        somebody.altname_removed(B, "vxland-lan+b"),
        others.veth("g0"),
        somebody.altname_added("g0", "vxland-lan+b"),
    ),
    "bridge's name taken": (somebody.deleted(BRIDGE), others.veth(BRIDGE)),
    "guest in the bridge": (
        others.veth("g0"),
        somebody.put_into("g0", BRIDGE),
        somebody.set_up("g0"),
    ),
    "guest named alike in the bridge": (
        others.veth("vxl-guest"),
        somebody.put_into("vxl-guest", BRIDGE),
        somebody.set_up("vxl-guest"),
    ),
    "guest with a small MTU": (
        others.veth("g0"),
        somebody.mtu("g0", 1280),
        somebody.put_into("g0", BRIDGE),
    ),
    "device on the bridge": (others.macvlan("m0", BRIDGE),),
    "tunnel in the bridge": (
        others.vxlan("fvx0", 7),
        somebody.put_into("fvx0", BRIDGE),
        somebody.set_up("fvx0"),
    ),
    "isolated tunnel in the bridge": (
        others.vxlan("fvx0", 7),
        somebody.put_into("fvx0", BRIDGE),
        somebody.isolation("fvx0", on=True),
        somebody.set_up("fvx0"),
    ),
    "device looks like vxland's": (
        others.vxlan("imp", 7),
        somebody.alias("imp", "vxland:lan:b"),
        somebody.put_into("imp", BRIDGE),
        somebody.set_up("imp"),
    ),
    "device that sends without checksums": (
        somebody.deleted(B),
        others.zero_csum6_vxlan(B, pair_vni("lan", "a", "b"), "192.0.2.2"),
        somebody.alias(B, "vxland:lan:b"),
    ),
    "UDP port taken": (
        somebody.set_down(B),
        somebody.set_down(C),
        somebody.set_down(D),
        others.external_vxlan("fvx0", 7),
        somebody.set_up("fvx0"),
    ),
}

DRIFT: dict[str, Deeds] = {**LINKS, **TUNNELS, **BRIDGES, **EBTABLES, **OTHERS}
assert len(DRIFT) == sum(map(len, (LINKS, TUNNELS, BRIDGES, EBTABLES, OTHERS)))

GUARDED = wish(  # the same node with the table for a guard, too; drift is EBTABLES and NFTABLES
    replace(
        LAN,
        addresses=tuple(map(ip_interface, ADDRESSES)),
        guards=("isolated", "ebtables", "nftables"),
    )
)
