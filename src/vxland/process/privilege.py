"""Who vxland runs as, and what the process may do (capabilities(7))."""

from pathlib import Path

SERVICE = "vxland"  # the user as whom the unit runs it
CAP_NET_ADMIN = 12
CURE = "Run it as root (sudo vxland …); a service needs AmbientCapabilities=CAP_NET_ADMIN"


def may_change_network() -> bool:
    """Whether the process has CAP_NET_ADMIN."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        name, _, value = line.partition(":")
        if name == "CapEff":
            return bool(int(value, 16) >> CAP_NET_ADMIN & 1)
    return False
