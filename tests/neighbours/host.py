"""A server where udev and a network manager run: a Debian root around a network namespace."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Self

from tests.lab import Server, eventually
from tests.lab.namespaces import RUN
from tests.lab.server import BOUND
from tests.system.roots import PROJECT

PACKAGED = {  # as the package installs them
    "udev/79-vxland.rules": "usr/lib/udev/rules.d/79-vxland.rules",
    "systemd/vxland.link": "usr/lib/systemd/network/05-vxland.link",
    "systemd/vxland.network": "usr/lib/systemd/network/05-vxland.network",
    "systemd/vxland-names.network": "usr/lib/systemd/network/05-vxland-names.network",
    "networkmanager/vxland.conf": "usr/lib/NetworkManager/conf.d/vxland.conf",
}

# The process that holds the namespaces is their init: with it everything inside ends.
HOLD = """
mount -t overlay overlay -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/work" "$2/root"
cd "$2/root"
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t tmpfs tmpfs run
mount -t tmpfs tmpfs dev  # udev must not find this machine's
for device in null zero random urandom; do cp -a "/dev/$device" dev; done
mkdir run/dbus run/old
pivot_root . run/old
umount -l run/old
rmdir run/old
install -d -o systemd-network run/systemd/netif  # what units do: make folders for their daemons
echo ready
exec sleep infinity
"""

CONFIG = """
[[overlay]]
name = "lan"
bridge = "vxbr0"
addresses = ["10.10.10.1/24"]

[[overlay]]
name = "old"
bridge = "br0"
vni = "index"
port = 4790

[[overlay]]
name = "all"
bridge = "vxbr1"
mode = "shared"
vni = 7
port = 4791

[[peer]]
name = "a"
address = "192.0.2.1"

[[peer]]
name = "b"
address = "192.0.2.2"
"""
WITH_ANOTHER_PEER = (
    CONFIG
    + """
[[peer]]
name = "c"
address = "192.0.2.3"
"""
)
OWN = ("vxbr0", "vxl-lan-b", "vxl-lan-c", "vxlan0", "vxlan1", "vxbr1", "vxl-all")


class Host(Server):
    """A server that has vxland, and a bridge and a tunnel of somebody else's.

    vxland and ``ip`` run outside the root, in its network namespace.
    """

    def __init__(self, folder: Path, root: Path) -> None:
        super().__init__("beside", folder)
        self._daemons: list[subprocess.Popen[bytes]] = []
        self._disk = RUN / self.name
        for part in ("upper", "work", "root"):
            (self._disk / part).mkdir(parents=True)
        hold = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--propagation=private")
        script = ("sh", "-ec", HOLD, "sh", str(root), str(self._disk))
        self._holder = subprocess.Popen(
            [*BOUND, *self.command(*hold, *script)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
        )
        assert self._holder.stdout is not None
        with self._holder.stdout as said:
            assert said.readline() == b"ready\n", f"{self.name}: its root can't be had"
        self.place("etc/machine-id", f"{1:032x}\n")  # a persistent MAC address is made of it
        self.sh("ip addr add 192.0.2.1 dev lo; ip link add br0 type bridge")
        self.sh("ip addr add 10.9.9.1/24 dev br0; ip link set br0 up")
        # Where the peers would be: what is sent there goes nowhere. By the loopback it would come
        # back, and of another kind the managers would take it, and its routes.
        self.sh("ip tuntap add underlay mode tap; ip link set underlay up")
        self.sh("ip route add 192.0.2.0/24 dev underlay metric 9999")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.delete()

    def place(self, path: str, text: str) -> None:
        """Write a file into the root."""
        file = Path(f"/proc/{self._holder.pid}/root", path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def install(self) -> None:
        """Put the package's files where they belong."""
        for source, path in PACKAGED.items():
            self.place(path, (PROJECT / "packaging" / source).read_text(encoding="utf-8"))

    def inside(self, words: str) -> list[str]:
        """A command line that, run outside, runs these words in the root."""
        own = f"/proc/{self._holder.pid}/ns"
        enter = ("nsenter", f"--mount={own}/mnt", f"--pid={own}/pid_for_children", "--")
        return [*enter, *words.split()]

    def ask_inside(self, words: str, *, check: bool = True) -> str:
        """What a program in the root prints."""
        return self.run(self.inside(words), check=check).stdout

    def start_inside(self, daemon: str) -> None:
        """Start a program in the root."""
        with self.log.open("ab") as log:
            self._daemons.append(
                subprocess.Popen(
                    self.command(*self.inside(daemon)),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                )
            )

    def end_inside(self, daemon: str) -> None:
        """End what was started in the root by these words."""
        (process,) = (p for p in self._daemons if p.args[-1] == daemon and p.poll() is None)  # type: ignore[index]
        inner = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        os.kill(int(inner[0]) if inner else process.pid, signal.SIGTERM)
        process.wait(timeout=30)

    def start_udev(self) -> None:
        """Start udev, and have it look at what is there already, as at boot."""
        self.start_inside("/usr/lib/systemd/systemd-udevd")
        eventually(
            lambda: self.run(self.inside("udevadm control --ping"), check=False).returncode == 0,
            lambda: f"{self.name}: udev answers; it logged:\n{self.tail()}",
        )
        self.trigger("add")

    def go_without_udev(self) -> None:
        """Be a container, where /sys is read-only: by that, network managers tell one."""
        self.ask_inside("mount -o remount,bind,ro /sys")

    def trigger(self, action: str) -> None:
        """Have udev look at all devices again, and wait until it has."""
        self.ask_inside(f"udevadm trigger --action={action} --subsystem-match=net")
        self.settle()

    def settle(self) -> None:
        """Wait until udev has nothing left to do."""
        self.ask_inside("udevadm settle --timeout=20")

    def start_bus(self) -> None:
        """Start D-Bus, by which the network managers are asked."""
        self.start_inside("dbus-daemon --system --nofork --nopidfile")
        eventually(lambda: self.ask_inside("ls /run/dbus"), "D-Bus is there")

    def apply(self, config: str) -> None:
        """Let vxland make everything true once: what others do later stays to be seen."""
        self.write(config)
        self.vxland("apply", check=True)

    def add_tunnel(self, name: str) -> None:
        """A tunnel of somebody else's, up and in their bridge."""
        self.sh(
            f"ip link add {name} type vxlan id 9 remote 192.0.2.9 dstport 4799;"
            f"ip link set {name} master br0 up"
        )

    def undisturbed(self) -> dict[str, dict[str, Any]]:
        """How vxland makes its devices while nobody else is there; they are gone again."""
        self.apply(WITH_ANOTHER_PEER)
        seen = self.look()
        assert set(seen) == set(OWN)
        self.vxland("down", check=True)
        return seen

    def look(self, devices: Iterable[str] = OWN) -> dict[str, dict[str, Any]]:
        """What others might change about devices."""
        shown = {link["ifname"]: link for link in self.json("ip -d -j addr show")}
        return {name: _looks(shown[name]) for name in devices if name in shown}

    def delete(self) -> None:
        """End everything that was started here; the mounts go with it."""
        self._holder.kill()
        for process in (self._holder, *self._daemons):
            process.wait(timeout=30)
        shutil.rmtree(self._disk)
        super().delete()


def _looks(link: dict[str, Any]) -> dict[str, Any]:
    seen = {key: link.get(key) for key in ("address", "mtu", "ifalias", "master", "group")}
    addresses = {a["local"] for a in link["addr_info"] if a["scope"] != "link"}
    return {**seen, "up": "UP" in link["flags"], "addresses": addresses}
