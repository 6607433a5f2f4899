"""A server's programs: a Debian root around its network namespace, where guests' daemons run.

It isn't booted, since a guest would then be a guest's guest; whoever starts something here says so.
"""

import contextlib
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.guests.guest import Guest
from tests.lab import Server
from tests.lab.namespaces import RUN
from tests.lab.server import BOUND
from tests.system import cgroup
from tests.system.machine import CLEAN

PATIENCE = 100.0  # seconds for one command

# The process that holds the namespaces is their init: with it everything inside ends.
HOLD = """
mount -t tmpfs tmpfs "$2"
mkdir "$2/upper" "$2/work" "$2/root"
mount -t overlay overlay -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/work" "$2/root"
cd "$2/root"
[ -z "$3" ] || mount --bind -o ro "$3" mnt
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs tmpfs run
mount -t tmpfs tmpfs tmp
mount -t tmpfs tmpfs dev
mkdir dev/net dev/pts dev/shm run/lock run/old
for device in null zero full random urandom tty fuse kmsg net/tun; do
  [ ! -e "/dev/$device" ] || cp -a "/dev/$device" "dev/$device"
done
mount -t devpts -o newinstance,ptmxmode=666 devpts dev/pts
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
uuid=$(cat proc/sys/kernel/random/uuid)
echo "$uuid" | tr -d - >etc/machine-id  # MAC addresses of guests are made of it
hostname "$4"
pivot_root . run/old
umount -l run/old
rmdir run/old
echo ready
trap : TERM  # once nobody's child is left, it would end
while :; do sleep infinity & wait; done
"""
UNSHARED = ("mount", "pid", "cgroup", "ipc", "uts")
ENTERED = {"mount": "mnt", "pid": "pid_for_children"}  # where a name in /proc/PID/ns differs


class Host:
    """What runs on a server, apart from vxland, which runs outside of the root.

    ``mounted`` is a folder that is seen at /mnt. Whatever is started here ends with ``close``, or
    with the run of the tests, however that ends.
    """

    def __init__(self, server: Server, root: Path, mounted: Path | None = None) -> None:
        self.server = server
        self._log = server.log.with_name("host.log")
        self._daemons: list[subprocess.Popen[bytes]] = []
        self._disk = RUN / f"{server.name}-disk"
        self._disk.mkdir()
        with contextlib.ExitStack() as stack:
            stack.callback(self._disk.rmdir)
            self._group = cgroup.Cgroup()
            unshare = ("unshare", *(f"--{name}" for name in UNSHARED))
            hold = (*unshare, "--fork", "--kill-child", "--propagation=private", "sh", "-ec", HOLD)
            words = (str(root), str(self._disk), str(mounted or ""), server.name)
            inside = server.command(*hold, "sh", *words)
            self._holder = subprocess.Popen(
                [*BOUND, *cgroup.joining(self._group.path, *inside)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
            )
            stack.callback(self._reap)
            stack.callback(self._group.remove)
            assert self._holder.stdout is not None
            with self._holder.stdout as said:
                assert said.readline() == b"ready\n", f"{server.name}: its root can't be had"
            self._end = stack.pop_all()

    def close(self) -> None:
        """End everything that runs here; the mounts go with it."""
        self._end.close()

    def _reap(self) -> None:
        for process in (self._holder, *self._daemons):
            process.wait(timeout=30)

    def _command(self, *words: str) -> list[str]:
        own = f"/proc/{self._holder.pid}/ns"
        enter = (f"--{name}={own}/{ENTERED.get(name, name)}" for name in UNSHARED)
        inside = self.server.command("nsenter", *enter, "--", *CLEAN, *words)
        return cgroup.joining(self._group.path, *inside)

    def typed(self, script: str, *, check: bool = True) -> str:
        """What a script shows where root has just logged in; it must succeed unless told."""
        done = subprocess.run(
            self._command("bash", "-c", f"cd; {script}"),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
            timeout=PATIENCE,
        )
        if check and done.returncode != 0:
            message = f"{self.server.name}: {script}: exit status {done.returncode}\n{done.stdout}"
            raise AssertionError(f"{message}\nits daemons logged:\n{self.tail()}")
        return done.stdout

    def start(self, daemon: str) -> None:
        """Start a program that stays."""
        with self._log.open("ab") as log:
            self._daemons.append(
                subprocess.Popen(
                    self._command("bash", "-c", f"exec {daemon}"),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                )
            )

    def tail(self, lines: int = 30) -> str:
        """The end of what the programs that stay have printed."""
        text = self._log.read_text(errors="replace") if self._log.exists() else ""
        return "\n".join(text.splitlines()[-lines:])

    def place(self, files: Mapping[str, str]) -> None:
        """Write files into the root."""
        for path, text in files.items():
            file = self.path(path)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")

    def path(self, inside: str) -> Path:
        """Where a path of the root is outside; links on it are followed outside, too."""
        children = Path(f"/proc/{self._holder.pid}/task/{self._holder.pid}/children")
        return Path(f"/proc/{children.read_text().split()[0]}/root", inside.lstrip("/"))

    def guest(self, name: str, process: str, interface: str = "eth0") -> Guest:
        """A guest, by a process of its as it is numbered here."""
        number = int(process)
        return Guest(self.server, name, self.path(f"/proc/{number}/ns/net"), interface)
