"""What can happen to the table that lets only peers in, of a node with a mesh."""

from tests.fake import vandalism as somebody
from tests.fake.drift import Deeds
from vxland.identity import pair_vni
from vxland.tables.ingress import RULES

VNI_B = pair_vni("lan", "a", "b")
TABLE = "inet vxland-ingress"
INPUT = f"{TABLE} input"
B4 = f"192.0.2.2 . {VNI_B:#x} . 4789"
STRANGER = f"192.0.2.66 . {VNI_B:#x} . 4789"
HOOK = "type filter hook input priority"

INGRESS_LINES = (
    f"delete table {TABLE}",
    f"add table {TABLE}",
    f"add table {TABLE} {{ flags dormant; }}",
    f"flush chain {INPUT}",
    f"flush chain {TABLE} output",
    f"delete chain {INPUT}",
    f"add chain {INPUT}",
    f"add chain {INPUT} {{ {HOOK} 200; policy accept; }}",
    f"add chain {INPUT} {{ {HOOK} 200; policy drop; }}",
    f"insert rule {INPUT} accept",
    f"add rule {INPUT} {RULES['input'][-1]}",
    f"flush set {TABLE} peers4",
    f"flush set {TABLE} vnis",
    f"add element {TABLE} peers4 {{ {STRANGER} }}",
    f"add element {TABLE} vnis {{ 0x7 . 4789 }}",
    f"delete element {TABLE} peers4 {{ {B4} }}",
    f"delete element {TABLE} ports {{ 4789 }}",
    f"delete set {TABLE} senders4",
    f"add element {TABLE} exclusive {{ 4789 }}",
    f"flush set {TABLE} exclusive",
)

INGRESS: dict[str, Deeds] = {
    "flushed ruleset": (somebody.ruleset_flushed(),),
    "filter deleted": (somebody.nft(f"delete table {TABLE}"),),
    "filter dormant": (somebody.nft(f"add table {TABLE} {{ flags dormant; }}"),),
    "filtering rules deleted": (somebody.nft(f"flush chain {INPUT}"),),
    "all let in": (somebody.nft(f"insert rule {INPUT} accept"),),
    "filter's policy changed": (somebody.nft(f"add chain {INPUT} {{ {HOOK} 200; policy drop; }}"),),
    "filtering chain hooked elsewhere": (
        somebody.nft(f"flush chain {INPUT}"),
        somebody.nft(f"delete chain {INPUT}"),
        somebody.nft(f"add chain {INPUT} {{ {HOOK} 0; policy accept; }}"),
    ),
    "another chain": (somebody.nft(f"add chain {TABLE} mine"),),
    "peer kept out": (somebody.nft(f"delete element {TABLE} peers4 {{ {B4} }}"),),
    "peers kept out": (somebody.nft(f"flush set {TABLE} peers4"),),
    "stranger let in": (somebody.nft(f"add element {TABLE} peers4 {{ {STRANGER} }}"),),
    "VNIs not filtered": (somebody.nft(f"flush set {TABLE} vnis"),),
    "another VNI filtered": (somebody.nft(f"add element {TABLE} vnis {{ 0x7 . 4789 }}"),),
    "others' VNIs dropped": (somebody.nft(f"add element {TABLE} exclusive {{ 4789 }}"),),
    "set made otherwise": (
        somebody.nft(f"flush chain {INPUT}"),
        somebody.nft(f"flush chain {TABLE} prerouting"),
        somebody.nft(f"delete set {TABLE} peers4"),
        somebody.nft(f"add set {TABLE} peers4 {{ type ipv4_addr; }}"),
    ),
}
