"""One look at the kernel: everything together."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from vxland.observed.claims import Claim
from vxland.observed.devices import Abroad, BridgeAddress, FarEnd, FdbEntry, Link
from vxland.observed.host import Host
from vxland.observed.rules import (
    EbtablesState,
    ForwardChain,
    IngressState,
    NftablesState,
    TallyState,
)


@dataclass(frozen=True, slots=True)
class Unavailable:
    """Something that can't be seen or used here, why, and what to do about it."""

    reason: str
    cure: str = ""


@dataclass(frozen=True, slots=True)
class Observed:
    """One look at the kernel."""

    links: Mapping[str, Link] = field(default_factory=dict)
    fdb: Mapping[str, frozenset[FdbEntry]] = field(default_factory=dict)  # by VXLAN device
    addresses: Mapping[str, frozenset[BridgeAddress]] = field(default_factory=dict)  # by device
    ebtables: EbtablesState | Unavailable = EbtablesState()  # noqa: RUF009 - frozen
    nftables: NftablesState | Unavailable = NftablesState()  # noqa: RUF009 - frozen
    ingress: IngressState | Unavailable = IngressState()  # noqa: RUF009 - frozen
    tally: TallyState | Unavailable = TallyState()  # noqa: RUF009 - frozen
    abroad: tuple[Abroad, ...] | None = None  # None: nobody looked
    host: Host = Host()  # noqa: RUF009 - frozen
    forward: tuple[ForwardChain, ...] = ()  # what drops frames between ports of bridges
    far_ends: Mapping[str, FarEnd] = field(default_factory=dict)  # by port, as far as can be seen
    claims: tuple[Claim, ...] = ()  # of programs that are to do something with its devices, too

    def ports(self, bridge: str) -> Iterator[Link]:
        """The bridge's ports."""
        return (link for link in self.links.values() if link.master == bridge)


@dataclass(frozen=True, slots=True)
class Since:
    """In what a look may differ from one before it: the devices of these names, and the rules."""

    before: Observed
    names: frozenset[str]
