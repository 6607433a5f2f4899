"""What other programs' files say about devices that are vxland's."""

from msgspec import Struct

# The programs.
IFUPDOWN, NETPLAN, PROXMOX, UDEV = "ifupdown", "netplan", "Proxmox SDN", "udev"
NETWORKD, NETWORK_MANAGER = "systemd-networkd", "NetworkManager"


class Claim(Struct, frozen=True):
    """Another program that manages a device, or will, and how that is known."""

    program: str
    device: str
    where: str  # a file
    line: int = 0  # of that file, from 1; 0 where there is none to point at
    makes: bool = False  # by this, it makes the device
    overlay: str = ""
