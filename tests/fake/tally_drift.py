"""What can happen to the table that counts, of a node whose peers share a device."""

from msgspec.structs import replace

from tests.fake import vandalism as somebody
from tests.fake.drift import Deeds
from tests.fake.wishes import LAN, address6, resolved, settings
from vxland.settings import OverlaySettings, VxlanOptions
from vxland.tables.tally import KEYS

VNI = 4711
SHARED_LAN: OverlaySettings = replace(
    LAN, mode="shared", vni=VNI, options=replace(VxlanOptions(), learning=True)
)
_SETTINGS = settings(SHARED_LAN)
SHARED = resolved(  # with peers b and c over IPv4, d over IPv6
    replace(
        _SETTINGS,
        peers=tuple(
            replace(peer, address=address6("d")) if peer.name == "d" else peer
            for peer in _SETTINGS.peers
        ),
    )
)

TABLE = "inet vxland"
RULE4 = f"{KEYS['received4']} @received4"
B4 = f"192.0.2.2 . {VNI:#x} . 4789"
D6 = f"{address6('d')} . {VNI:#x} . 4789"
STRANGER = "192.0.2.66 . 0x7 . 4789"
INPUT = f"{TABLE} input"
HOOK = "type filter hook input priority"

TALLY_LINES = (
    f"delete table {TABLE}",
    f"add table {TABLE}",
    f"add table {TABLE} {{ flags dormant; }}",
    f"flush chain {INPUT}",
    f"delete chain {INPUT}",
    f"add chain {INPUT}",
    f"add chain {INPUT} {{ {HOOK} 300; policy accept; }}",
    f"add chain {INPUT} {{ {HOOK} 300; policy drop; }}",
    f"add rule {INPUT} {RULE4}",
    f"insert rule {INPUT} counter",
    f"flush set {TABLE} sent4",
    f"add element {TABLE} sent4 {{ {B4} }}",
    f"add element {TABLE} received4 {{ {STRANGER} }}",
    f"delete element {TABLE} received4 {{ {B4} }}",
    f"delete element {TABLE} sent6 {{ {D6} }}",
    f"delete set {TABLE} sent4",
)

TALLY: dict[str, Deeds] = {
    "flushed ruleset": (somebody.ruleset_flushed(),),
    "tally deleted": (somebody.nft(f"delete table {TABLE}"),),
    "tally dormant": (somebody.nft(f"add table {TABLE} {{ flags dormant; }}"),),
    "counting rules deleted": (somebody.nft(f"flush chain {INPUT}"),),
    "what is counted is counted twice": (somebody.nft(f"add rule {INPUT} {RULE4}"),),
    "rule of somebody's": (somebody.nft(f"insert rule {INPUT} counter"),),
    "tally's policy changed": (somebody.nft(f"add chain {INPUT} {{ {HOOK} 300; policy drop; }}"),),
    "counting chain hooked elsewhere": (
        somebody.nft(f"flush chain {INPUT}"),
        somebody.nft(f"delete chain {INPUT}"),
        somebody.nft(f"add chain {INPUT} {{ {HOOK} 0; policy accept; }}"),
    ),
    "another chain": (somebody.nft(f"add chain {TABLE} mine"),),
    "counters deleted": (
        somebody.nft(f"delete element {TABLE} received4 {{ {B4} }}"),
        somebody.nft(f"delete element {TABLE} sent6 {{ {D6} }}"),
    ),
    "set emptied": (somebody.nft(f"flush set {TABLE} sent4"),),
    "counter of somebody's": (somebody.nft(f"add element {TABLE} received4 {{ {STRANGER} }}"),),
    "set made otherwise": (
        somebody.nft(f"flush chain {INPUT}"),
        somebody.nft(f"delete set {TABLE} received4"),
        somebody.nft(f"add set {TABLE} received4 {{ type ipv4_addr; }}"),
    ),
}
