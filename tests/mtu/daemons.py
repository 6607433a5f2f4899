"""Running daemons, their devices' MTUs, and guests that nobody told of theirs."""

from typing import Any

from tests.daemon.daemon_view import problems
from tests.lab import Container, Server, eventually
from tests.lab.waiting import PATIENCE

ETHERNET = 1500
SWITCHES = "tx off tso off gso off gro off"  # left on, they hide for TCP what is too large


def mtu(server: Server, device: str) -> int:
    """A device's MTU; 0 where there is no device."""
    link = server.link(device)
    return int(link["mtu"]) if link else 0


def becomes(server: Server, size: int, *devices: str) -> None:
    """Wait until these devices have this MTU, and the daemon is content."""
    for device in devices:
        eventually(
            lambda device=device: mtu(server, device) == size,  # type: ignore[misc]
            lambda device=device: f"{device} has {size}, not {mtu(server, device)}",  # type: ignore[misc]
        )
    server.settled()


def hint(server: Server, words: str) -> dict[str, Any]:
    """Wait for the one hint with these words."""
    eventually(
        lambda: [p for p in problems(server, "hint") if words in p["text"]],
        lambda: f"a hint of {words}; there are {server.status()['problems']}",
    )
    (found,) = (p for p in problems(server, "hint") if words in p["text"])
    return found


def no_hint(server: Server) -> None:
    """Wait until nothing is hinted at."""
    eventually(lambda: not problems(server, "hint"), lambda: f"{server.status()['problems']}")


def set_guest(guest: Container, size: int) -> None:
    """Be a guest with this MTU that cuts its packets itself, as a virtual machine may."""
    guest.sh(f"ip link set eth0 mtu {size}; ethtool -K eth0 {SWITCHES}")
    guest.server.sh(f"ip link set {guest.port} mtu {size}; ethtool -K {guest.port} {SWITCHES}")


WORKS, HANGS = PATIENCE, 1.5  # seconds that a transfer is waited for
