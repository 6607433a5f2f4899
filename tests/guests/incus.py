"""Incus or LXD on a server, and its instances."""

import re
from dataclasses import dataclass

from tests.guests.guest import Guest
from tests.guests.host import Host
from tests.lab import eventually
from tests.system.quickstart import Step

# A Debian that nobody has to download: busybox under all its names, which asks for an address.
METADATA = "architecture: x86_64\ncreation_date: 1700000000\nproperties: {}\n"
BEGIN = """\
#!/bin/sh
ip link set lo up
ip link set eth0 up
udhcpc -i eth0 -b -s /etc/bound
"""
BOUND = """\
#!/bin/sh
[ "$1" != bound ] || ip address add "$ip/$mask" dev eth0
"""
IMAGE = """
cd /tmp/image
mkdir -p rootfs/bin rootfs/sbin rootfs/dev rootfs/proc rootfs/sys rootfs/root rootfs/tmp rootfs/run
cp /bin/busybox rootfs/bin
for name in $(busybox --list | grep -vx busybox); do ln -s busybox "rootfs/bin/$name"; done
ln -s ../bin/busybox rootfs/sbin/init
chmod +x rootfs/etc/begin rootfs/etc/bound
tar -czf ../image.tar.gz metadata.yaml rootfs
"""


@dataclass(frozen=True)
class Kind:
    """What the two call the same things."""

    release: str
    name: str
    client: str
    daemon: str
    ready: str

    def start(self, host: Host) -> None:
        """Start the daemon, with a pool for disks and no network, and have an image."""
        host.start(self.daemon)
        eventually(
            lambda: (
                host.typed(f"{self.ready} --timeout=20 && echo ready", check=False)[-6:]
                == "ready\n"
            ),
            lambda: f"{host.server.name}: {self.name} answers; it logged:\n{host.tail()}",
            pause=0.1,
        )
        host.typed(f"{self.client} storage create default dir")
        host.typed(f"{self.client} profile device add default root disk path=/ pool=default")
        image = "/tmp/image"  # noqa: S108 - in the host's own root
        host.place(
            {
                f"{image}/metadata.yaml": METADATA,
                f"{image}/rootfs/etc/inittab": "::sysinit:/etc/begin\n",
                f"{image}/rootfs/etc/begin": BEGIN,
                f"{image}/rootfs/etc/bound": BOUND,
            }
        )
        host.typed(IMAGE)
        host.typed(f"{self.client} image import {image}.tar.gz --alias busybox")

    def translated(self, text: str) -> str:
        """What the document says for Incus, as it is for this one."""
        return re.sub(r"\bincus\b", self.client, text).replace("incusbr0", f"{self.name}br0")

    def typed(self, host: Host, step: Step) -> str:
        """What a command of the document shows."""
        said = host.typed(self.translated(step.command))
        return said.replace(f"{self.name}br0", "incusbr0")

    def guest(self, host: Host, name: str) -> Guest:
        """An instance that runs."""
        told = host.typed(f"{self.client} info {name}")
        found = re.search(r"^PID: (\d+)$", told, re.MULTILINE | re.IGNORECASE)
        assert found, told
        return host.guest(name, found[1])


KINDS = (
    Kind("bookworm", "lxd", "lxc", "lxd --group root", "lxd waitready"),
    Kind(
        "trixie",
        "incus",
        "incus",
        "/usr/libexec/incus/incusd --group root",
        "incus admin waitready",
    ),
)
