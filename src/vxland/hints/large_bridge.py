"""A bridge of somebody's whose MTU is larger than the overlay's: vxland leaves it as it is."""

import re
from collections.abc import Iterator
from shlex import quote

from vxland.model import Overlay
from vxland.observed import Observed
from vxland.ownership import is_own
from vxland.ports import leads_to_peers
from vxland.problems import Kind, Problem

# How bridges of such names get another MTU for good. ``{bridge}`` and ``{mtu}`` stand for theirs.
WAYS = (
    (
        re.compile(r"(incus|lxd)br\d+"),
        "incus network set {bridge} bridge.mtu={mtu} (or lxc in its place)",
    ),
    (
        re.compile(r"br-[0-9a-f]{12}"),
        "docker network create -o com.docker.network.driver.mtu={mtu} … (a new network)",
    ),
    (re.compile(r"virbr\d+"), "<mtu size='{mtu}'/> in libvirt's network (virsh net-edit)"),
    (re.compile(r"vmbr\d+"), "mtu {mtu} in its stanza in /etc/network/interfaces (Proxmox)"),
)
ELSE = "set it where the bridge is configured"


def for_good(bridge: str, mtu: int) -> str:
    """How a bridge of such a name gets this MTU whenever it is made."""
    way = next((way for pattern, way in WAYS if pattern.fullmatch(bridge)), ELSE)
    return way.format(bridge=bridge, mtu=mtu)


def large_bridge(overlay: Overlay, observed: Observed) -> Iterator[Problem]:
    """One hint for an overlay's bridge."""
    bridge = observed.links.get(overlay.bridge.device)
    mtu = overlay.bridge.mtu
    if bridge is None or is_own(bridge) or bridge.mtu <= mtu:
        return
    if leads_to_peers(bridge.name, observed):
        return  # what the outer packets need
    if all(port.mtu >= bridge.mtu for port in observed.ports(bridge.name)):
        return  # one whose MTU nobody has set follows its smallest port: a tunnel is to come
    yield Problem(
        Kind.HINT,
        f"bridge {bridge.name}, which isn't vxland's, has an MTU of {bridge.mtu}, larger than the"
        f" {mtu} of overlay {overlay.name}. Large packets that this server itself sends or routes"
        " into it vanish on the way to other servers, and guests may take its MTU over",
        f"ip link set {quote(bridge.name)} mtu {mtu}. For good: {for_good(bridge.name, mtu)}",
        overlay=overlay.name,
        about="bridge mtu",
    )
