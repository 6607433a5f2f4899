"""The configuration once it is known to be valid: plain values, whatever files they came from."""

from enum import Enum

from msgspec import Struct
from msgspec.structs import replace

from vxland.addresses import IPAddress, IPInterface

MESH, SHARED = "mesh", "shared"  # modes


class VniScheme(Enum):
    """How the tunnels of a mesh get their VNIs."""

    PAIR = "pair"  # both ends compute the same VNI from the overlay's and the two peers' names
    INDEX = "index"  # position in this node's own list of remotes, as vxlansetup.sh numbers them

    @property
    def learning(self) -> bool:
        """Whether a device must learn who is behind it: with positions it may be anybody."""
        return self is VniScheme.INDEX


class Df(Enum):
    """The outer header's don't-fragment bit, by the kernel's numbers (``enum ifla_vxlan_df``)."""

    UNSET = 0
    SET = 1
    INHERIT = 2


class VxlanOptions(Struct, frozen=True):
    """What a tunnel's device is told of its outer packets, by the kernel's names (ip-link(8))."""

    ttl: int = 0  # 0: the route's own
    ttl_inherit: bool = False
    tos: int = 0  # 1: inherit
    df: Df = Df.UNSET
    ageing: int = 300  # seconds
    udp_csum: bool = True
    learning: bool = False


class NodeSettings(Struct, frozen=True):
    """``[node]``: which machine this is. Everything may be left to be found out."""

    name: str | None = None
    address: IPAddress | None = None
    interface: str | None = None


class OverlaySettings(Struct, frozen=True):
    """One ``[[overlay]]``."""

    name: str
    bridge: str
    mode: str = MESH
    vni: VniScheme | int = VniScheme.PAIR  # what is spoken; in shared mode the number
    heard: VniScheme | None = None  # what is heard besides, on the way from one scheme to the other
    port: int = 4789
    guards: tuple[str, ...] = ("isolated", "ebtables")
    mtu: int | None = None  # None: "auto"
    addresses: tuple[IPInterface, ...] = ()
    allow_tunnel_ports: frozenset[str] = frozenset()
    ingress: bool = True  # packets with its VNIs are taken from its peers alone
    exclusive: bool = False  # so are all others that come to its UDP port
    reattach: bool = False
    adopt: bool = False
    options: VxlanOptions = VxlanOptions()
    vnis: tuple[tuple[frozenset[str], int], ...] = ()  # explicit VNIs, by unordered pair of peers

    @property
    def schemes(self) -> tuple[VniScheme, ...]:
        """How a mesh numbers: the scheme that is spoken first; none in shared mode."""
        return tuple(each for each in (self.vni, self.heard) if isinstance(each, VniScheme))


class PeerSettings(Struct, frozen=True):
    """One ``[[peer]]``, this machine among them."""

    name: str
    address: str  # as written; a peer source makes an address of it
    overlays: frozenset[str] | None = None  # None: all
    disabled: bool = False

    def takes_part_in(self, overlay: str) -> bool:
        """Whether this peer is listed for the overlay, disabled or not."""
        return self.overlays is None or overlay in self.overlays


class HttpSettings(Struct, frozen=True):
    """``[http]``: where the daemon answers, and by which certificates. Files by absolute path."""

    listen: tuple[str, int] | None = ("127.0.0.1", 9788)  # host and port; None: no HTTP
    tls_cert: str | None = None  # with tls_key; None: without TLS
    tls_key: str | None = None
    tls_client_ca: str | None = None  # None: clients need no certificate


class Settings(Struct, frozen=True):
    """The whole configuration."""

    node: NodeSettings = NodeSettings()
    overlays: tuple[OverlaySettings, ...] = ()
    peers: tuple[PeerSettings, ...] = ()
    interval: float = 30.0  # seconds
    http: HttpSettings = HttpSettings()
    digest: str = ""  # of the files' bytes, to tell one configuration from another

    def adopting(self) -> "Settings":
        """The same with ``adopt = true`` in every overlay."""
        overlays = (replace(overlay, adopt=True) for overlay in self.overlays)
        return replace(self, overlays=tuple(overlays))
