"""Rules for frames and packets: the guards', the own tables, and what drops frames."""

from collections.abc import Mapping
from enum import Enum

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


class NftTable(Struct, frozen=True):
    """vxland's own table of nftables' bridge family."""

    chains: frozenset[NftChain]
    rules: tuple[PortRule, ...]  # of the chain that guards
    dormant: bool = False  # its chains are hooked nowhere
    owner: Owner = Owner.NOBODY
    persistent: bool = False  # it stays when its owner ends


class NftablesState(Struct, frozen=True):
    """vxland's own table, and whether the one who looks stays to own it, and the kernel can."""

    table: NftTable | None = None
    keeps: bool = False


class Counted(Struct, frozen=True, gc=False):
    """Packets that a counter counts: from or to this address, with this VNI, to this UDP port."""

    address: IPAddress
    vni: int
    port: int


class TallyTable(Struct, frozen=True):
    """vxland's own table of nftables' inet family, which counts what peers send and get."""

    chains: frozenset[NftChain]
    rules: tuple[str, ...]  # sorted, each after its chain's name
    sets: frozenset[str]  # the names of those that are as they should be
    received: frozenset[Counted] = frozenset()  # what there are counters for
    sent: frozenset[Counted] = frozenset()
    dormant: bool = False  # its chains are hooked nowhere
    owner: Owner = Owner.NOBODY
    persistent: bool = False  # it stays when its owner ends


class TallyState(Struct, frozen=True):
    """The table that counts, and whether the one who looks stays to own it, and the kernel can."""

    table: TallyTable | None = None
    keeps: bool = False


class Element(Struct, frozen=True, gc=False):
    """An element of a set of the table that filters."""

    set: str
    port: int
    vni: int | None = None
    address: IPAddress | None = None


class IngressTable(Struct, frozen=True):
    """vxland's own table of nftables' inet family, which lets only peers in."""

    chains: frozenset[NftChain]
    rules: Mapping[str, tuple[str, ...]]  # by chain, in order
    sets: frozenset[str]  # the names of those that are as they should be
    elements: frozenset[Element] = frozenset()
    dormant: bool = False  # its chains are hooked nowhere
    owner: Owner = Owner.NOBODY
    persistent: bool = False  # it stays when its owner ends


class IngressState(Struct, frozen=True):
    """The table that filters, and whether the one who looks stays to own it, and the kernel can."""

    table: IngressTable | None = None
    keeps: bool = False


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
