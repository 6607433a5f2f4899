"""What the checks judge: values that ``vxland.probe`` gathers, without a judgement of their own."""

from collections.abc import Mapping

from msgspec import Struct, field

from vxland.addresses import IPAddress
from vxland.diagnosis.targets import Ends, Target
from vxland.observed import Claim, Observed
from vxland.status.shape import NodeStatus


class Told(Struct, frozen=True):
    """A router's, or the peer's own word about a packet of ours (ICMP, RFC 792 and 4443)."""

    by: IPAddress
    what: str  # "port unreachable", "administratively prohibited", …
    closed: bool = False  # the machine is there, and nothing listens
    filtered: bool = False  # somebody's rule


class Path(Struct, frozen=True):
    """How echo requests with DF fared between two underlay addresses. Sizes are of IP packets."""

    wanted: int  # bytes: the largest that was tried
    size: int = 0  # bytes: the largest that was answered; 0: none
    told: Told | None = None  # why others weren't
    narrow: tuple[IPAddress, int] | None = (
        None  # who said that larger ones don't fit, and what does
    )
    ahead: float | None = None  # seconds that the other clock is ahead (ICMP timestamp)


class Through(Struct, frozen=True):
    """How frames fared that were sent straight into a tunnel.

    None is what wasn't tried: without an answer to the small ones there is no use in the others.
    """

    sent: bool = True  # False: the device takes nothing
    wire: bool = False  # an answer came to this machine, tunnel or not
    answered: bool = False  # an answer came out of the tunnel
    macs: frozenset[str] = frozenset()  # of whoever answered
    full: bool | None = None  # an echo of the largest packet that leaves in one piece
    fits: int = 0  # bytes: what the kernel said instead that passes; 0: it said nothing
    pieces: bool | None = None  # what leaves in pieces, which gets there or doesn't
    plain: bool | None = None  # TCP, with checksums that are complete
    checksum: bool | None = None  # TCP, with checksums for the network card to complete
    segments: bool | None = None  # TCP, for the network card to cut


class Stray(Struct, frozen=True):
    """A VXLAN packet that came to one of the ports with a VNI that no device here has."""

    source: IPAddress
    vni: int


class Place(Struct, frozen=True):
    """Where a MAC address is: for a bridge at a port, for a shared tunnel at a peer's address."""

    by: str  # the bridge's or tunnel's device
    at: str


class InputChain(Struct, frozen=True):
    """A chain of a firewall's that may drop what comes to this machine."""

    family: str  # as nft names it: ip, ip6 or inet
    table: str
    name: str


class Facts(Struct, frozen=True):
    """Everything."""

    status: NodeStatus
    observed: Observed
    targets: tuple[Target, ...]
    digest: str = ""  # of the configuration files as they are now
    denied: str = ""  # why nothing could be probed
    synchronized: bool | None = None  # the clock, as the kernel knows it
    checksum_errors: int = 0  # UDP packets that came meanwhile with a wrong checksum
    features: Mapping[str, Mapping[str, bool]] = field(default_factory=dict)  # by underlay device
    kept_out: Mapping[str, int] = field(default_factory=dict)  # packets, by overlay, meanwhile
    inputs: tuple[InputChain, ...] = ()
    claims: tuple[Claim, ...] = ()
    seen: Mapping[str, frozenset[Place]] = field(default_factory=dict)  # by MAC, meanwhile
    heard: frozenset[str] = frozenset()  # tunnels' devices out of which something came meanwhile
    paths: Mapping[Ends, Path] = field(default_factory=dict)
    ports: Mapping[tuple[Ends, int], Told] = field(default_factory=dict)  # what is refused
    through: Mapping[tuple[str, str], Through] = field(default_factory=dict)  # by overlay, peer
    strays: frozenset[Stray] = frozenset()
