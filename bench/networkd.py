"""systemd-networkd as a reference: Debian 13's, booted, with a file for each tunnel."""

import io
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager

from bench.place import address
from tests.lab import Namespace
from tests.system.machine import Machine
from tests.system.roots import unpacked

FOLDER = "/run/systemd/network"
BRIDGE = {
    "10-vxbr0.netdev": "[NetDev]\nName=vxbr0\nKind=bridge\n",
    "10-vxbr0.network": "[Match]\nName=vxbr0\n[Network]\nLinkLocalAddressing=no\n",
    # Tunnels are bound to no device, so that networkd makes them with whatever comes first.
    "20-ports.network": (
        "[Match]\nName=vx*\nKind=vxlan\n[Network]\nBridge=vxbr0\nLinkLocalAddressing=no\n"
        "[Bridge]\nIsolated=yes\n"
    ),
}
UP = "ip -br link show type vxlan | grep -c LOWER_UP || true"
PAUSE = 0.05  # seconds


class Networkd:
    """A booted machine whose networkd makes meshes."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    def __call__(self, peers: int) -> float:
        """Have a mesh made from nothing; returns the seconds until all tunnels are up."""
        self._clean()
        self._machine.run(f"mkdir -p {FOLDER}; tar -xC {FOLDER}", given=_archive(peers))
        started = time.perf_counter()
        self._machine.run("systemctl restart systemd-networkd")
        while int(self._machine.run(UP)) < peers:
            time.sleep(PAUSE)
        return time.perf_counter() - started

    def _clean(self) -> None:
        names = "$(ip -o link show type vxlan | cut -d: -f2)"
        self._machine.run(
            f"systemctl stop systemd-networkd.socket systemd-networkd; rm -rf {FOLDER};"
            f" for name in {names}; do echo link del $name; done | ip -batch -;"
            " ip link del vxbr0 2>/dev/null || true"
        )


@contextmanager
def booted() -> Iterator[Networkd]:
    """The machine, for as long as it is entered."""
    underlay = Namespace("networkd-underlay")
    underlay.sh("ip link add br0 type bridge; ip link set br0 up")
    with Machine("networkd", unpacked("trixie"), underlay) as machine:
        machine.boot()
        yield Networkd(machine)
    underlay.delete()


def _archive(peers: int) -> bytes:
    files = dict(BRIDGE)
    for number in range(2, peers + 2):
        files[f"30-vx{number}.netdev"] = (
            f"[NetDev]\nName=vx{number}\nKind=vxlan\n[VXLAN]\nVNI={number}\n"
            f"Remote={address(number)}\nLocal={address(1)}\nDestinationPort=4789\n"
            "MacLearning=no\nIndependent=yes\n"
        )
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(text), 0o644
            archive.addfile(entry, io.BytesIO(text.encode()))
    return packed.getvalue()
