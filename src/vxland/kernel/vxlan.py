"""What makes a VXLAN device: a template for those that are alike, filled in for each."""

import struct

from vxland.addresses import NOWHERE, IPAddress, unzoned
from vxland.kernel.encoding import ATTRIBUTES, Attribute, linkinfo, new_link
from vxland.last import Last
from vxland.model import Vtep
from vxland.observed import NULL_MAC
from vxland.settings import VxlanOptions

SUFFIX = {4: "", 6: "6"}
NUMBER = struct.Struct("=I")
MAC_AT, MAC_SIZE = ATTRIBUTES + 12, 6  # after the group
MTU_AT = MAC_AT + 12
INFO_AT = MTU_AT + 4  # IFLA_LINKINFO
VNI_AT, REMOTE_AT = INFO_AT + 24, INFO_AT + 32  # after the kind's name and the headers around


def remote(address: IPAddress) -> Attribute:
    """The VTEP at the other end."""
    return (f"IFLA_VXLAN_GROUP{SUFFIX[address.version]}", str(unzoned(address)))


def local(address: IPAddress) -> Attribute:
    """The address that packets leave from."""
    return (f"IFLA_VXLAN_LOCAL{SUFFIX[address.version]}", str(unzoned(address)))


def creation(vtep: Vtep, underlay: int | None) -> bytes:
    """What makes a device, but for its name; ``underlay`` is the number of what it is bound to."""
    far = vtep.remote
    version = far.version if far else None
    filled = bytearray(_template(vtep.local, vtep.port, vtep.options, version, underlay))
    filled[MAC_AT : MAC_AT + MAC_SIZE] = bytes.fromhex(vtep.mac.replace(":", ""))
    NUMBER.pack_into(filled, MTU_AT, vtep.mtu)
    NUMBER.pack_into(filled, VNI_AT, vtep.vni)
    if far:
        packed = far.packed
        filled[REMOTE_AT : REMOTE_AT + len(packed)] = packed
    return bytes(filled)


def attributes(
    near: IPAddress, port: int, options: VxlanOptions, far: int | None, underlay: int | None
) -> list[Attribute]:
    """A new VXLAN device's own attributes; what is the kernel's default isn't sent.

    ``far`` is the IP version of a remote, ``underlay`` a number. VNI and remote, which differ from
    tunnel to tunnel, come first and are filled in later.
    """
    ttl: list[Attribute] = [("IFLA_VXLAN_TTL", options.ttl)]
    if options.ttl_inherit:
        ttl = [("IFLA_VXLAN_TTL_INHERIT", True)]
    return [
        ("IFLA_VXLAN_ID", 0),
        *([remote(NOWHERE[far])] if far else []),
        local(near),
        ("IFLA_VXLAN_PORT", port),
        *ttl,
        ("IFLA_VXLAN_TOS", options.tos),
        ("IFLA_VXLAN_DF", options.df.value),
        ("IFLA_VXLAN_LEARNING", int(options.learning)),
        ("IFLA_VXLAN_AGEING", options.ageing),
        ("IFLA_VXLAN_UDP_CSUM", int(options.udp_csum)),
        *([("IFLA_VXLAN_LINK", underlay)] if underlay is not None else []),
    ]


def _encoded(
    near: IPAddress, port: int, options: VxlanOptions, far: int | None, underlay: int | None
) -> bytes:
    info = linkinfo("vxlan", attributes(near, port, options, far, underlay))
    return new_link([("IFLA_ADDRESS", NULL_MAC), ("IFLA_MTU", 0), info])


_template = Last(_encoded)  # the tunnels of an overlay come one after the other
