"""A virtual machine of libvirt's: Debian's kernel, a busybox, and a serial line for commands."""

import contextlib
import re
import socket
from dataclasses import dataclass

from tests.guests.guest import BULK, PIECE
from tests.guests.host import Host
from tests.lab import eventually

PATIENCE = 90.0  # seconds; without hardware virtualisation it takes some
SETTINGS = """\
security_driver = "none"
user = "root"
group = "root"
namespaces = []
cgroup_controllers = []
remember_owner = 0
"""
INIT = """\
#!/bin/sh
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
while read -r module; do insmod "/modules/$module"; done </modules/order
ip link set lo up
ip link set eth0 up
exec </dev/ttyS1 >/dev/ttyS1 2>&1
stty raw -echo
while :; do read -r line && eval "$line"; done
"""
# Debian's package that makes this user wants systemd.
USER = "id libvirt-qemu >/dev/null 2>&1 || useradd --system --user-group libvirt-qemu"
DISK = """
mkdir -p /srv/tree/bin /srv/tree/modules /srv/tree/proc /srv/tree/sys /srv/tree/dev
cd /srv/tree
cp /bin/busybox bin
for name in $(busybox --list | grep -vx busybox); do ln -s busybox "bin/$name"; done
cp /usr/sbin/ethtool bin/ethtool
ldd bin/ethtool | grep -o '/[^ ]*' | while read -r library; do
  mkdir -p ".${library%/*}"
  cp -L "$library" ".$library"
done
release=$(basename /lib/modules/*)
for module in virtio_pci virtio_net; do modprobe -S "$release" --show-depends "$module"; done |
  sed -n 's/^insmod //p' | awk '!seen[$1]++ { print $1 }' | while read -r file; do
    module=$(basename "$file" .xz)
    case $file in
      *.xz) busybox xz -dc "$file" >"modules/$module" ;;
      *) cp "$file" modules ;;
    esac
    echo "$module" >>modules/order
  done
chmod +x init
find . | cpio --quiet -o -H newc | gzip -1 >/srv/initramfs
cp -L /boot/vmlinuz-* /srv/vmlinuz
"""
DOMAIN = """\
<domain type="qemu">
  <name>{name}</name>
  <memory unit="MiB">192</memory>
  <vcpu>1</vcpu>
  <cpu mode="maximum"/>
  <os>
    <type arch="x86_64">hvm</type>
    <kernel>/srv/vmlinuz</kernel>
    <initrd>/srv/initramfs</initrd>
    <cmdline>console=ttyS0 quiet panic=-1 mitigations=off random.trust_cpu=on</cmdline>
  </os>
  <devices>
    {interface}
    <serial type="file"><source path="/run/{name}.console"/></serial>
    <serial type="unix"><source mode="bind" path="/run/{name}.sock"/></serial>
    <memballoon model="none"/>
  </devices>
</domain>
"""


def start_libvirt(host: Host) -> None:
    """Start libvirt, and have what the machines boot from."""
    host.place({"/etc/libvirt/qemu.conf": SETTINGS, "/srv/tree/init": INIT})
    host.typed(f"set -e; {USER}; {DISK}")
    host.start("virtlogd")
    host.start("libvirtd")
    eventually(
        lambda: "QEMU" in host.typed("virsh version", check=False),
        lambda: f"{host.server.name}: libvirt answers; it logged:\n{host.tail()}",
        pause=0.2,
    )


@dataclass
class VirtualMachine:
    """One with an address."""

    host: Host
    name: str
    interface: str  # as its definition has it
    address: str
    _asked: int = 0

    def switch_on(self) -> None:
        """Have libvirt start it."""
        domain = DOMAIN.format(name=self.name, interface=self.interface)
        self.host.place({f"/srv/{self.name}.xml": domain})
        self.host.typed(f"virsh create /srv/{self.name}.xml")
        self._line = socket.socket(socket.AF_UNIX)
        self._line.settimeout(1)
        self._line.connect(str(self.host.path(f"/run/{self.name}.sock")))

    def booted(self) -> None:
        """Wait until it listens, and give it its address."""
        eventually(self._listens, f"{self.name} boots", patience=PATIENCE)
        self.run(f"ip addr add {self.address}/24 dev eth0")

    def switch_off(self) -> None:
        """End it at once."""
        self._line.close()
        self.host.typed(f"virsh destroy {self.name}")

    def _listens(self) -> bool:
        with contextlib.suppress(TimeoutError):
            return self._ask("true", 1) == (0, "")
        return False

    def _ask(self, command: str, patience: float) -> tuple[int, str]:
        self._asked += 1
        number = self._asked
        # What is sent before it listens is lost, or comes late: so each answer has its number.
        line = f"echo begin {number}.; ({command}) 2>&1; echo end {number} $?.\n"
        self._line.settimeout(patience)
        self._line.sendall(line.encode())
        answer = re.compile(rf"begin {number}\.\s+(.*)end {number} (\d+)\.", re.DOTALL)
        text = ""
        while (found := answer.search(text)) is None:
            text += self._line.recv(4096).decode(errors="replace")
        return int(found[2]), found[1].replace("\r", "")

    def run(self, command: str, patience: float = PATIENCE) -> str:
        """What a command shows in the machine; it must succeed."""
        status, said = self._ask(command, patience)
        assert status == 0, f"{self.name}: {command}: exit status {status}\n{said}"
        return said

    @property
    def mac(self) -> str:
        """Its MAC address."""
        return self.run("cat /sys/class/net/eth0/address").strip()

    @property
    def mtu(self) -> int:
        """Its interface's MTU."""
        return int(self.run("cat /sys/class/net/eth0/mtu"))

    def reaches(self, other: "VirtualMachine") -> bool:
        """Whether one ping comes back."""
        return self._ask(f"ping -c1 -W1 {other.address}", PATIENCE)[0] == 0

    def bulk(self, other: "VirtualMachine", patience: float) -> int:
        """How many bytes of many arrive by TCP."""
        other.run("sleep 1000 | nc -l -p 5001 >/arrived & sleep 0.5")
        pieces = f"dd if=/dev/zero bs={len(PIECE)} count={BULK // len(PIECE)} 2>/dev/null"
        self._ask(f"{pieces} | timeout {patience:.0f} nc {other.address} 5001", patience + PATIENCE)
        other.run("killall sleep nc; true")
        return int(other.run("wc -c </arrived"))

    def without_offload(self) -> None:
        """Have it cut its packets itself."""
        self.run("ethtool -K eth0 tx off tso off gso off")

    def raise_mtu(self) -> None:
        """Be a machine that nobody told: it is one from its start, or never."""
        self.switch_off()
        self.interface = re.sub(r"<mtu .*?/>", "", self.interface)
        self.switch_on()
        self.booted()
        assert self.mtu == 1500
