"""What the kernel holds: the actual state, as plain values without interface indexes."""

from vxland.observed.claims import Claim
from vxland.observed.devices import (
    FLOOD_FLAGS,
    GUEST_KINDS,
    NULL_MAC,
    PORT_FLAGS,
    TUNNEL_KINDS,
    Abroad,
    BridgeAddress,
    FarEnd,
    FdbEntry,
    Link,
    VxlanState,
)
from vxland.observed.host import Following, Host, LocalAddress, Route, Standing
from vxland.observed.look import Observed, Unavailable
from vxland.observed.rules import (
    Counted,
    EbtablesState,
    ForwardChain,
    NftablesState,
    NftChain,
    NftTable,
    Owner,
    PortRule,
    TallyState,
    TallyTable,
)

__all__ = [
    "FLOOD_FLAGS",
    "GUEST_KINDS",
    "NULL_MAC",
    "PORT_FLAGS",
    "TUNNEL_KINDS",
    "Abroad",
    "BridgeAddress",
    "Claim",
    "Counted",
    "EbtablesState",
    "FarEnd",
    "FdbEntry",
    "Following",
    "ForwardChain",
    "Host",
    "Link",
    "LocalAddress",
    "NftChain",
    "NftTable",
    "NftablesState",
    "Observed",
    "Owner",
    "PortRule",
    "Route",
    "Standing",
    "TallyState",
    "TallyTable",
    "Unavailable",
    "VxlanState",
]
