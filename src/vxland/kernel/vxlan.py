"""A new VXLAN device's own attributes: a template for those that are alike, filled in for each."""

import struct
from functools import lru_cache

from vxland.addresses import NOWHERE, IPAddress, unzoned
from vxland.kernel.encoding import LINK, Attribute, linkinfo
from vxland.model import Vtep
from vxland.settings import VxlanOptions

SUFFIX = {4: "", 6: "6"}
VNI = struct.Struct("=I")
VNI_AT, REMOTE_AT = 24, 32  # in IFLA_LINKINFO, after the kind's name and the headers around


def remote(address: IPAddress) -> Attribute:
    """The VTEP at the other end."""
    return (f"IFLA_VXLAN_GROUP{SUFFIX[address.version]}", str(unzoned(address)))


def local(address: IPAddress) -> Attribute:
    """The address that packets leave from."""
    return (f"IFLA_VXLAN_LOCAL{SUFFIX[address.version]}", str(unzoned(address)))


def info(vtep: Vtep, underlay: int | None) -> bytes:
    """IFLA_LINKINFO of a new device; ``underlay`` is the number of the device it is bound to."""
    far = vtep.remote
    template = _template(
        vtep.local, vtep.port, vtep.options, far.version if far else None, underlay
    )
    filled = bytearray(template)
    VNI.pack_into(filled, VNI_AT, vtep.vni)
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


@lru_cache
def _template(
    near: IPAddress, port: int, options: VxlanOptions, far: int | None, underlay: int | None
) -> bytes:
    """The same encoded."""
    return LINK.attribute(*linkinfo("vxlan", attributes(near, port, options, far, underlay)))
