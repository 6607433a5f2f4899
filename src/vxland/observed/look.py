"""One look at the kernel: everything together."""

from collections.abc import Iterator, Mapping

from msgspec import Struct, field

from vxland.observed.claims import Claim
from vxland.observed.devices import Abroad, BridgeAddress, FarEnd, FdbEntry, Link
from vxland.observed.host import Host
from vxland.observed.rules import (
    EbtablesState,
    ForwardChain,
    IngressTable,
    NftTable,
    TableState,
    TallyTable,
)


class Unavailable(Struct, frozen=True):
    """Something that can't be seen or used here, why, and what to do about it."""

    reason: str
    cure: str = ""


class Observed(Struct, frozen=True):
    """One look at the kernel."""

    links: Mapping[str, Link] = field(default_factory=dict)
    fdb: Mapping[str, frozenset[FdbEntry]] = field(default_factory=dict)  # by VXLAN device
    addresses: Mapping[str, frozenset[BridgeAddress]] = field(default_factory=dict)  # by device
    ebtables: EbtablesState | Unavailable = EbtablesState()
    nftables: TableState[NftTable] | Unavailable = TableState()
    ingress: TableState[IngressTable] | Unavailable = TableState()
    tally: TableState[TallyTable] | Unavailable = TableState()
    abroad: tuple[Abroad, ...] | None = None  # None: nobody looked
    host: Host = Host()
    forward: tuple[ForwardChain, ...] = ()  # what drops frames between ports of bridges
    far_ends: Mapping[str, FarEnd] = field(default_factory=dict)  # by port, as far as can be seen
    claims: tuple[Claim, ...] = ()  # of programs that are to do something with its devices, too

    def ports(self, bridge: str) -> Iterator[Link]:
        """The bridge's ports."""
        return (link for link in self.links.values() if link.master == bridge)


class Since(Struct, frozen=True):
    """In what a look may differ from one before it: the devices of these names, and the rules."""

    before: Observed
    names: frozenset[str]
