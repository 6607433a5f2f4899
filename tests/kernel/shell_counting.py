"""Scenarios of a node whose peers share a device, and are counted by a table."""

from msgspec.structs import replace

from tests.kernel.shell_scenarios import LAN, V4, V6, Scenario, mesh
from vxland import operations as ops

SHARED_LAN = replace(LAN, mode="shared", vni=4711)
BOTH = (*V4[:3], *V6[3:])
SHARED = mesh(SHARED_LAN, BOTH)
B = "203.0.113.2 . 0x1267 . 4789"

DRIFTS: dict[str, tuple[str, tuple[type[ops.Operation], ...]]] = {
    "tally deleted": ("nft delete table inet vxland", (ops.MakeTally,)),
    "tally with another chain": ("nft add chain inet vxland mine", (ops.MakeTally,)),
    "rules that count deleted": ("nft flush chain inet vxland output", (ops.WriteTallyRules,)),
    "counter deleted, another added": (
        f"""
        nft 'delete element inet vxland sent4 {{ {B} }}'
        nft 'add element inet vxland received4 {{ 192.0.2.66 . 0x7 . 4789 }}'
        """,
        (ops.AddCounters, ops.RemoveCounters),
    ),
}

COUNTING: dict[str, Scenario] = {
    "fresh, shared": Scenario((ops.MakeTally,), before=None, after=SHARED),
    "shared, ends": Scenario((ops.RemoveTable,), before=SHARED, after=mesh(LAN)),
    **{
        name: Scenario(expects, drift, before=SHARED, after=SHARED)
        for name, (drift, expects) in DRIFTS.items()
    },
}
