"""A machine that is switched on: from nspawn's start to its end."""

import contextlib
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

from tests.lab.namespaces import Namespace
from tests.system import cgroup

PATIENCE = 90.0  # seconds for a boot or a shutdown; one takes a second or two
POWER_OFF = signal.SIGRTMIN + 4  # systemd(1), SIGNALS

# A mount namespace of its own, which goes with its last process and takes these mounts along.
# Without the filter's bpf, systemd couldn't enforce IPAddressDeny=.
SCRIPT = """
mount -t overlay overlay -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/work" "$2/root"
mount --bind "$3" /sys/fs/cgroup
export NOTIFY_SOCKET="$2/notify" SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1
exec systemd-nspawn --quiet --register=no --keep-unit --notify-ready=yes --console=pipe \
  --machine="$0" --directory="$2/root" --link-journal=no --resolv-conf=off --timezone=off \
  --network-bridge=br0 --system-call-filter=bpf --boot
"""


class Boot:
    """Process 1 (``leader``) and all that it starts, in a control group of their own."""

    def __init__(self, name: str, lower: Path, folder: Path, underlay: Namespace) -> None:
        self.name = name
        self._console = folder / "console.log"
        with contextlib.ExitStack() as stack:
            self.group = cgroup.Cgroup()
            stack.callback(self.group.remove)
            # In the file system: an abstract one isn't seen from the underlay's namespace.
            self._notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            stack.callback(self._notify.close)
            self._notify.settimeout(0.1)
            (folder / "notify").unlink(missing_ok=True)
            self._notify.bind(str(folder / "notify"))
            own_mounts = ("unshare", "--mount", "--propagation=private", "--")
            words = (name, str(lower), str(folder), str(cgroup.hierarchy()))
            command = cgroup.joining(self.group.path, *own_mounts, "sh", "-ec", SCRIPT, *words)
            with self._console.open("wb") as console:
                self._nspawn = subprocess.Popen(
                    underlay.command(*command),
                    stdin=subprocess.DEVNULL,
                    stdout=console,
                    stderr=console,
                    start_new_session=True,  # Ctrl-C isn't for it
                )
            stack.callback(self._reap)
            self.leader = int(self._told("X_NSPAWN_LEADER_PID"))
            stack.callback(self._kill)
            self._power = stack.pop_all()

    def ready(self) -> None:
        """Wait until systemd has started all that it has to."""
        self._told("READY")
        self._notify.close()  # unread, it would fill, and nspawn wait for ever to tell more

    def _told(self, what: str) -> str:
        """The value of the next notification of this name."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end and self._nspawn.poll() is None:
            with contextlib.suppress(TimeoutError):
                for line in self._notify.recv(4096).decode().splitlines():
                    name, _, value = line.partition("=")
                    if name == what:
                        return value
        raise AssertionError(f"{self.name} doesn't boot: no {what}; {self._said()}")

    def _said(self) -> str:
        return f"its console:\n{self._console.read_text(errors='replace')[-4000:]}"

    def shut_down(self) -> None:
        """Have systemd stop everything, and power off."""
        try:
            os.kill(self.leader, POWER_OFF)
            self._nspawn.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} doesn't shut down; {self._said()}") from None
        finally:
            self.cut()

    def cut(self) -> None:
        """Cut the power: whatever still runs is killed."""
        self._power.close()

    def _kill(self) -> None:
        """End process 1, and so all others; nspawn sees it and clears up."""
        if self._nspawn.poll() is None:
            os.kill(self.leader, signal.SIGKILL)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._nspawn.wait(PATIENCE)

    def _reap(self) -> None:
        self._nspawn.kill()
        self._nspawn.wait()
