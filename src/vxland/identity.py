"""Who is who: names, marks, MAC addresses and VNIs, each computed from names alone.

Every value here is a pure function, so that any node, or a person with sha256sum, gets the same.
docs/design.md gives the formulas with an example.
"""

import base64
import hashlib
import re
from collections.abc import Sequence

from vxland.settings import VniScheme

DEVICE_NAME_LENGTH = 15  # IFNAMSIZ - 1 (include/uapi/linux/if.h)
VNI_LIMIT = 1 << 24  # RFC 7348, section 5: the VNI has 24 bits

ALIAS_MARK = "vxland:"
ALTNAME_MARK = "vxland-"
KEPT = "="  # before the MAC address that a bridge keeps
GROUP = 0x76786C64  # "vxld": IFLA_GROUP is the one mark the kernel takes in the creation itself
ADDRESS_PROTOCOL = 0x76  # "v": IFA_PROTO of the addresses that vxland puts on a bridge
CHAIN = "VXLAND"
TABLE = "bridge vxland"  # as nft names it: no device has a space in its name
TALLY_TABLE = "inet vxland"
INGRESS_TABLE = "inet vxland-ingress"
FORWARD_RULES = "ebtables FORWARD"  # what stands there beside the jump is others'
RULE_SETS = (CHAIN, TABLE, INGRESS_TABLE, TALLY_TABLE, FORWARD_RULES)

PAIR_PREFIX = "vxl-"
INDEX_PREFIX = "vxlan"
COMMON_PREFIX = "vxl"  # of an overlay that has both
IPV4, IPV6 = 4, 6
HIGHEST = 0xFE  # first byte of a MAC address: unicast and locally administered
SHARED = {IPV4: "*", IPV6: "*6"}  # for a peer's name, by address family: the VTEP for all peers

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")  # of an overlay or a peer: fits every mark
NAME_LENGTH = 50
SPOKEN, QUIET = "+", "~"  # between overlay and peer: in no name


def _digest(*parts: str) -> bytes:
    return hashlib.sha256("\0".join(parts).encode()).digest()


def pair_vni(overlay: str, one: str, other: str) -> int:
    """The VNI of a pair of peers in an overlay: 1 to 2^24-1, whichever end asks.

    The first eight bytes of SHA-256 over overlay, lesser and greater name, NUL between them, as
    a big-endian number modulo 2^24-1, plus 1.
    """
    first, second = sorted((one, other))
    number = int.from_bytes(_digest(overlay, first, second)[:8], "big")
    return number % (VNI_LIMIT - 1) + 1


def pair_device(overlay: str, peer: str) -> str:
    """The device's name: ``vxl-OVERLAY-PEER`` where it fits, else the peer's and a digest."""
    return _fitting(f"{PAIR_PREFIX}{overlay}-{peer}", peer, overlay, peer)


def shared_device(overlay: str, family: int) -> str:
    """The device's name: ``vxl-OVERLAY``, over IPv6 ``vxl-OVERLAY6``, or a digest in it."""
    whole = f"{PAIR_PREFIX}{overlay}{'6' if family == IPV6 else ''}"
    return _fitting(whole, overlay, overlay, SHARED[family])


def _fitting(whole: str, short: str, *digested: str) -> str:
    """A device's name where it fits into 15 characters, else some of a short one and a digest."""
    if len(whole) <= DEVICE_NAME_LENGTH:
        return whole
    digest = base64.b32encode(_digest("device", *digested)[:5]).decode().lower()[:6]
    room = DEVICE_NAME_LENGTH - len(PAIR_PREFIX) - len(digest) - 1
    return f"{PAIR_PREFIX}{short[:room]}-{digest}"


def index_device(position: int) -> str:
    """The device's name as vxlansetup.sh gives it."""
    return f"{INDEX_PREFIX}{position}"


def prefix(schemes: Sequence[VniScheme]) -> str:
    """What the names of an overlay's devices begin with. Of shared ones, which have no scheme, too.

    With two schemes it is what both kinds have in common, so that guards that go by name keep one
    kind from the other.
    """
    if len(schemes) > 1:
        return COMMON_PREFIX
    return INDEX_PREFIX if VniScheme.INDEX in schemes else PAIR_PREFIX


def vtep_alias(overlay: str, peer: str) -> str:
    """The first mark of a VTEP (IFLA_IFALIAS)."""
    return f"{ALIAS_MARK}{overlay}:{peer}"


def vtep_altname(overlay: str, peer: str, *, quiet: bool = False) -> str:
    """The second mark of a VTEP, and its full name (IFLA_ALT_IFNAME, at most 127 bytes).

    A peer's quiet VTEP has one of its own, since altnames are unique in a namespace.
    """
    return f"{ALTNAME_MARK}{overlay}{QUIET if quiet else SPOKEN}{peer}"


def bridge_alias(overlay: str) -> str:
    """The first mark of a bridge that vxland made."""
    return f"{ALIAS_MARK}{overlay}"


def bridge_altname(overlay: str) -> str:
    """The second mark of a bridge that vxland made."""
    return f"{ALTNAME_MARK}{overlay}"


def kept_altname(overlay: str, mac: str) -> str:
    """The mark of a bridge that was taken over, with the MAC address that it keeps for good.

    ``=`` can't be in a name, and ``:`` can't be in an altname (net/core/dev.c, dev_valid_name).
    """
    return f"{bridge_altname(overlay)}{KEPT}{mac.replace(':', '')}"


def mac(node: str, overlay: str, peer: str = "") -> str:
    """A MAC address of a VTEP, or of the bridge where no peer is named.

    Locally administered and unicast (IEEE 802, the first byte's two lowest bits are 10). It
    differs between nodes even where two were cloned with the same machine-id.

    A VTEP's begins with fe, as those of libvirt's taps do: a bridge whose MAC address nobody set
    has its ports' lowest (net/bridge/br_stp_if.c, br_stp_recalculate_bridge_id), so a tunnel
    doesn't change it where there is any other port.
    """
    octets = bytearray(_digest("mac", node, overlay, peer)[:6])
    octets[0] = HIGHEST if peer else octets[0] & 0xFC | 0x02
    return octets.hex(":")


def is_mac_of(address: str, node: str, overlay: str, peer: str = "") -> bool:
    """Whether this node computed it. Tunnels that are there may still have another first byte."""
    return address[2:] == mac(node, overlay, peer)[2:]
