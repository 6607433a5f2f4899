"""What must be as it was before, once the vandals are gone."""

from collections.abc import Mapping

from tests.chaos.node import BRIDGE, TABLES, Node
from tests.daemon import strangers
from tests.daemon.kernel_view import Snapshot, snapshot
from tests.lab import Server

Lasting = Mapping[str, object]
FILTER = "nft --stateless list table inet vxland-ingress"
GUESTS = strangers.NAMES_IN_THE_BRIDGE | {f"veth{number}" for number in TABLES}


def all_of(node: Node, server: Server) -> Lasting:
    """vxland's own things, and other people's: those with the indexes that they had."""
    seen = snapshot(server)
    own = [line for line in seen.rules if "VXLAND" in line]
    first = [line for line in seen.rules if line.startswith("-A FORWARD")][:1]
    return {
        **_foreign(node, server, seen),
        "links": seen.links,
        "fdb": seen.fdb,
        "filter": sorted(server.sh(FILTER, check=False).split()),
        "chain": (own, first) if TABLES[node.number] == "ebtables" else (),
    }


def _foreign(node: Node, server: Server, seen: Snapshot) -> Lasting:
    names = strangers.NAMES | GUESTS | (set() if node.owns_bridge else {BRIDGE})
    links, addresses, fdb, indexes, rules = seen.of(names)
    admin = server.sh("nft list table inet admin", check=False)
    kept = {} if node.loses_rules else {"rules": rules, "admin": admin}  # else the vandals' doing
    return {"strangers": (links, addresses, fdb, indexes), **kept}
