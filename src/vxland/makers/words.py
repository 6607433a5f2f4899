"""What is said of claims, and what ends them."""

from collections.abc import Iterable, Iterator
from shlex import quote

from msgspec import Struct

from vxland.culprits import CURES
from vxland.identity import ALTNAME_MARK, PAIR_PREFIX
from vxland.listing import some
from vxland.observed import Claim
from vxland.observed.claims import IFUPDOWN, NETPLAN, NETWORK_MANAGER, NETWORKD, PROXMOX, UDEV

NAMED = 3
IN_FULL = 12  # files in a command; more are left to whoever reads it


class Words(Struct, frozen=True):
    """One thing that is said, of an overlay's devices."""

    overlay: str
    text: str
    cure: str


def words(claims: Iterable[Claim]) -> Iterator[Words]:
    """What is said of claims: once for each overlay and program, and apart for what that makes."""
    grouped: dict[tuple[str, str, bool], list[Claim]] = {}
    for claim in claims:
        grouped.setdefault((claim.overlay, claim.program, claim.makes), []).append(claim)
    for (overlay, program, makes), group in grouped.items():
        text, cure = SAID[program, makes]
        devices = list(dict.fromkeys(claim.device for claim in group))
        files = list(dict.fromkeys(claim.where for claim in group))
        told = {
            "what": _what(group),
            "devices": some(devices, NAMED),
            "device": quote(devices[0]),
            "files": " ".join(
                [*map(quote, files[:IN_FULL]), *(["..."] if files[IN_FULL:] else ())]
            ),
            "patterns": quote(" ".join(_patterns(devices))),
        }
        yield Words(overlay, text.format(**told), cure.format(**told))


def is_said(text: str) -> bool:
    """Whether this is about what programs are to do."""
    return text.startswith(tuple(f"{program} is to " for program, _ in SAID))


def _what(group: Iterable[Claim]) -> str:
    """The devices, each with the place; those of one place together."""
    places: dict[str, list[str]] = {}
    for claim in group:
        place = f"{claim.where}:{claim.line}" if claim.line else claim.where
        places.setdefault(place, []).append(claim.device)
    return some([f"{some(names, NAMED)} ({place})" for place, names in places.items()], NAMED)


def _patterns(devices: Iterable[str]) -> list[str]:
    """As networkd's Name= has them: one for all the tunnels of meshes, and one for altnames."""
    names = (f"{PAIR_PREFIX}*" if name.startswith(PAIR_PREFIX) else name for name in devices)
    return list(dict.fromkeys((*names, f"{ALTNAME_MARK}*")))


FIRST = "Once the device is vxland's (vxland apply --adopt, if it isn't): "
LET_GO = "udevadm trigger --subsystem-match=net; networkctl reload"
UNMANAGED = (
    r"printf '[Match]\nName=%s\n\n[Link]\nUnmanaged=yes\n' {patterns}"
    " > /etc/systemd/network/00-vxland.network; networkctl reload. Or make that file's [Match]"
    " narrower"
)
NO_NETDEV = (
    f"{FIRST}for file in {{files}}; do mv $file $file.before-vxland; done; {LET_GO}."
    " One in /usr or /run is hidden by an empty file of its name in /etc/systemd/network"
)
STANZA = (
    f"{FIRST}take its stanza out of {{files}}. If that is ifupdown2's, rm"
    " /var/tmp/network/ifstatenew at once: else the next ifreload deletes the device. Addresses of"
    " a bridge go into addresses in [[overlay]]"
)
VNET = (
    f"{FIRST}rm /var/tmp/network/ifstatenew on each node, delete the VNet (Datacenter, SDN), and"
    " Apply. In the other order, applying deletes the bridge under its guests. See"
    " docs/migrating.md"
)
PROFILE = (
    f"{FIRST}nmcli device set {{device}} managed no, for each; then rm {{files}}; nmcli connection"
    " reload. In the other order, NetworkManager deletes the device"
)
DEFINITION = f"{FIRST}take it out of netplan's files ({{files}}); netplan generate; {LET_GO}"
UNKNOWN = (
    "udev doesn't know {devices} as vxland's, and may change the MAC address"
    " (MACAddressPolicy=persistent) or let others manage it"
)
RULES = (
    "With 79-vxland.rules of vxland's package in /usr/lib/udev/rules.d: udevadm control --reload;"
    " udevadm trigger --subsystem-match=net"
)
SAID = {  # by program and whether it makes the device: what it is, and what ends it
    (NETWORKD, True): ("systemd-networkd is to make {what}", NO_NETDEV),
    (NETWORKD, False): ("systemd-networkd is to manage {what}", UNMANAGED),
    (NETPLAN, True): ("netplan is to have {what} made", DEFINITION),
    (NETPLAN, False): ("netplan is to have {what} managed", DEFINITION),
    (IFUPDOWN, False): ("ifupdown is to configure {what}", STANZA),
    (PROXMOX, False): ("Proxmox SDN is to make {what}", VNET),
    (NETWORK_MANAGER, True): ("NetworkManager is to make {what}", PROFILE),
    (NETWORK_MANAGER, False): ("NetworkManager manages {devices}", CURES["NetworkManager"]),
    (UDEV, False): (UNKNOWN, RULES),
}
