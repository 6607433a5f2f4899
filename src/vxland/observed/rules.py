"""Rules for frames and packets: the guards', the own tables, and what drops frames."""

from collections.abc import Collection, Mapping
from enum import Enum
from typing import Generic, TypeVar

from msgspec import Struct

from vxland.addresses import IPAddress


class PortRule(Struct, frozen=True):
    """A rule as far as vxland needs to understand it: names of bridge ports, and a verdict.

    ``text`` is what ebtables-save prints after ``-A CHAIN``, or how nft writes it. A rule with
    any other condition has ``known`` false, and no guard may rely on what it does.
    """

    text: str
    source: str | None = None  # a device's name, or a prefix ending in +
    target: str | None = None  # the same for the outgoing port
    verdict: str = ""
    known: bool = True


class EbtablesState(Struct, frozen=True):
    """The filter table of ebtables: vxland's chain, and what stands in FORWARD."""

    chain: tuple[PortRule, ...] | None = None  # None: there is no such chain
    policy: str = "RETURN"  # the chain's
    forward: tuple[PortRule, ...] = ()


class Owner(Enum):
    """Whose a table is by nftables' owner flag: nobody else can change it, or flush it."""

    NOBODY = "nobody"
    SELF = "the one who looks"
    OTHER = "another program"


class NftChain(Struct, frozen=True):
    """A chain of vxland's own table; ``hook`` is how nft declares it, empty for one without."""

    name: str
    hook: str


class OwnTable(Struct, frozen=True, kw_only=True):
    """What any table of nftables' has that is vxland's own."""

    chains: frozenset[NftChain]
    dormant: bool = False  # its chains are hooked nowhere
    owner: Owner = Owner.NOBODY
    persistent: bool = False  # it stays when its owner ends


class NftTable(OwnTable, frozen=True):
    """vxland's own table of nftables' bridge family."""

    rules: tuple[PortRule, ...]  # of the chain that guards


TableT = TypeVar("TableT", bound=OwnTable)


class TableState(Struct, Generic[TableT], frozen=True):
    """An own table, and whether the one who looks stays to own it, and the kernel can."""

    table: TableT | None = None
    keeps: bool = False

    def is_whole(self, chains: Collection[NftChain]) -> bool:
        """Whether there is a table with these chains alone, in force, and kept where it can be."""
        return (
            self.table is not None
            and not self.table.dormant
            and self.table.chains == frozenset(chains)
            and (self.table.persistent or not self.keeps)
        )

    @property
    def is_lost(self) -> bool:
        """Whether who looks should own the table, and nobody does."""
        return self.keeps and self.table is not None and self.table.owner is Owner.NOBODY


class Counted(Struct, frozen=True, gc=False):
    """Packets that a counter counts: from or to this address, with this VNI, to this UDP port."""

    address: IPAddress
    vni: int
    port: int


class TallyTable(OwnTable, frozen=True):
    """vxland's own table of nftables' inet family, which counts what peers send and get."""

    rules: tuple[str, ...]  # sorted, each after its chain's name
    sets: frozenset[str]  # the names of those that are as they should be
    received: frozenset[Counted] = frozenset()  # what there are counters for
    sent: frozenset[Counted] = frozenset()


class Element(Struct, frozen=True, gc=False, cache_hash=True):
    """An element of a set of the table that filters. Thousands go from one set to the next."""

    set: str
    port: int
    vni: int | None = None
    address: IPAddress | None = None


class IngressTable(OwnTable, frozen=True):
    """vxland's own table of nftables' inet family, which lets only peers in."""

    rules: Mapping[str, tuple[str, ...]]  # by chain, in order
    sets: frozenset[str]  # the names of those that are as they should be
    elements: frozenset[Element] = frozenset()


class ForwardChain(Struct, frozen=True):
    """A chain that drops what hosts forward, by policy, and is passed by what bridges forward.

    So br_netfilter has it (net.bridge.bridge-nf-call-iptables).
    """

    family: str  # as nft names it: ip, ip6 or inet
    table: str
    name: str
    chains: frozenset[str] = frozenset()  # itself, and those that it leads to
    accepts: frozenset[str] = frozenset()  # ports, or beginnings ending in +, that pass it

    def lets_through(self, bridge: str) -> bool:
        """Whether some rule accepts what goes through this bridge."""
        return any(
            bridge == name or (name.endswith("+") and bridge.startswith(name[:-1]))
            for name in self.accepts
        )
