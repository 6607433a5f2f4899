"""Who holds a UDP port that a VXLAN device can't have."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from vxland.kernel.processes import name_of
from vxland.observed import Link

# Not /proc/net, which isn't there where /proc shows processes alone (ProcSubset=pid).
TABLES = ("/proc/self/net/udp", "/proc/self/net/udp6")


def port_holders(device: str, links: Mapping[str, Link]) -> str:
    """A sentence naming what holds the device's UDP port, as far as that can be seen."""
    link = links.get(device)
    if link is None or link.vxlan is None:
        return "its UDP port is taken"
    port = link.vxlan.port
    holders = [
        f"VXLAN device {other.name}, with other settings"
        for other in links.values()
        if other.vxlan and other.up and other.vxlan.port == port and other.name != device
    ]
    holders += sorted(_processes(port))
    unseen = f"a program that can't be seen from here (ss -ulnp 'sport = :{port}' as root shows it)"
    return f"UDP port {port} is held by {' and '.join(holders) or unseen}"


def _processes(port: int) -> Iterator[str]:
    inodes = {f"socket:[{inode}]" for inode in _inodes(port)}
    if not inodes:
        return
    for process in Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        try:
            holds = any(
                str(descriptor.readlink()) in inodes for descriptor in (process / "fd").iterdir()
            )
        except OSError:  # it ended, or isn't ours to look at
            continue
        if holds and (name := name_of(int(process.name))) is not None:
            yield f"{name} (process {process.name})"


def _inodes(port: int) -> Iterator[str]:
    for table in TABLES:
        try:
            lines = Path(table).read_text(encoding="ascii").splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            if int(fields[1].rpartition(":")[2], 16) == port and fields[9] != "0":
                yield fields[9]
