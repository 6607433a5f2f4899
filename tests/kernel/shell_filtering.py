"""Scenarios of the table that lets only peers in."""

from msgspec.structs import replace

from tests.kernel.shell_scenarios import LAN, MESH, NUMBERED, V6, Scenario, mesh
from vxland import operations as ops
from vxland.identity import pair_vni

TABLE = "inet vxland-ingress"
B = f"203.0.113.2 . {pair_vni('lan', 'a', 'b'):#x} . 4789"

DRIFTS: dict[str, tuple[str, tuple[type[ops.Operation], ...]]] = {
    "filter deleted": (f"nft delete table {TABLE}", (ops.MakeIngress,)),
    "filter dormant": (f"nft 'add table {TABLE} {{ flags dormant; }}'", (ops.MakeIngress,)),
    "filtering rules deleted": (f"nft flush chain {TABLE} input", (ops.WriteIngressRules,)),
    "peer kept out, stranger let in": (
        f"""
        nft 'delete element {TABLE} peers4 {{ {B} }}'
        nft 'add element {TABLE} senders4 {{ 192.0.2.66 . 4789 }}'
        nft 'add element {TABLE} vnis {{ 0x7 . 4789 }}'
        """,
        (ops.ChangeIngress, ops.TrimIngress),
    ),
}

FILTERING: dict[str, Scenario] = {
    "filter, index": Scenario((ops.MakeIngress,), before=None, after=mesh(NUMBERED)),
    "filter, IPv6": Scenario((ops.MakeIngress,), before=None, after=mesh(LAN, V6)),
    "filter off": Scenario((ops.RemoveTable,), after=mesh(replace(LAN, ingress=False))),
    "filter, nobody else's port": Scenario(
        (ops.ChangeIngress,), after=mesh(replace(LAN, exclusive=True))
    ),
    "filter of one peer less": Scenario(
        (ops.TrimIngress,), after=replace(MESH, peers=MESH.peers[:-1])
    ),
    **{name: Scenario(expects, drift) for name, (drift, expects) in DRIFTS.items()},
}
