"""A Debian machine that systemd really boots, in namespaces of its own.

    with Machine("lxd1", roots.unpacked("trixie"), underlay) as machine:  # underlay: has br0
        machine.boot()
        machine.run("apt-get install -y " + machine.copy_in(package))  # returns what it printed
        machine.run("systemctl enable --now vxland")
        machine.reboot()  # the disk survives, /run doesn't
        machine.journal("-b -u vxland VXLAND_PEER=lxd2")  # entries as JSON has them

Most tests want three of them: see ``Site``. All this needs ``own_mounts`` of the laboratory. The
disk is in memory, an overlay over the root, and goes with the run, as the machine does, however
the run ends. The outer machine's own systemd, if any, isn't used.
"""

import json
import shlex
import shutil
import subprocess
import uuid
from pathlib import Path
from typing import Any, Self

from tests.lab.namespaces import RUN, Namespace
from tests.system import cgroup
from tests.system.boot import PATIENCE, Boot

# What runs by the clock would hold apt's lock when a test wants it.
TIMERS = ("apt-daily.timer", "apt-daily-upgrade.timer")
INSIDE = ("-m", "-u", "-i", "-n", "-p", "-C", "-r", "-w")  # every namespace, its / as root and cwd
CLEAN = (
    "env",
    "-i",
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME=/root",
    "LANG=C.UTF-8",
    "DEBIAN_FRONTEND=noninteractive",
)


class Machine:
    """A machine whose ``host0`` is a port of the bridge br0 in the underlay."""

    def __init__(self, name: str, root: Path, underlay: Namespace) -> None:
        self.name = name
        self._lower = root
        self._underlay = underlay
        self._folder = RUN / "machines" / name
        self._boot: Boot | None = None
        for part in ("upper", "work", "root"):
            (self._folder / part).mkdir(parents=True)
        self.place("/etc/hostname", f"{name}\n")
        self.place("/etc/machine-id", f"{uuid.uuid4().hex}\n")
        for timer in TIMERS:
            self.place(f"/etc/systemd/system/{timer}", Path("/dev/null"))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.delete()

    def place(self, path: str, what: str | Path) -> None:
        """Put a file, or a link to a path, on the disk of a machine that is off."""
        assert self._boot is None, f"{self.name} is on: write() there"
        place = self._folder / "upper" / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(what, Path):
            place.symlink_to(what)
        else:
            place.write_text(what, encoding="utf-8")

    def boot(self) -> None:
        """Switch it on, and wait until systemd has started all that it has to."""
        self.switch_on()
        self.booted()

    def switch_on(self) -> None:
        """Switch it on. Commands can be run from here on, while it boots."""
        assert self._boot is None, f"{self.name} is on already"
        self._boot = Boot(self.name, self._lower, self._folder, self._underlay)

    def booted(self) -> None:
        """Wait until a machine that was switched on has booted."""
        self.on.ready()

    @property
    def on(self) -> Boot:
        """Its present boot."""
        assert self._boot is not None, f"{self.name} is off"
        return self._boot

    @property
    def leader(self) -> int:
        """Its process 1, as the outer machine numbers it."""
        return self.on.leader

    def attempt(self, script: str, *, given: bytes = b"") -> subprocess.CompletedProcess[str]:
        """Run a shell script as root, whatever its exit status."""
        words = ("nsenter", "-t", str(self.leader), *INSIDE, "--", *CLEAN, "sh", "-ec", script)
        done = subprocess.run(
            cgroup.joining(cgroup.of(self.leader), *words),
            input=given,
            capture_output=True,
            check=False,
            timeout=PATIENCE,
        )
        out, err = (text.decode(errors="replace") for text in (done.stdout, done.stderr))
        return subprocess.CompletedProcess(script, done.returncode, out, err)

    def run(self, script: str, *, given: bytes = b"") -> str:
        """Run a shell script as root, which must succeed; returns what it printed."""
        done = self.attempt(script, given=given)
        if done.returncode != 0:
            said = f"{done.stdout}\n{done.stderr}".strip()
            raise AssertionError(f"{self.name}: {script}: exit status {done.returncode}\n{said}")
        return done.stdout

    def write(self, path: str, content: str | bytes) -> None:
        """Write a file, as an editor does: whole, by rename."""
        new, final = shlex.quote(f"{path}.new"), shlex.quote(path)
        given = content.encode() if isinstance(content, str) else content
        self.run(f'mkdir -p "$(dirname {final})"; cat >{new}; mv {new} {final}', given=given)

    def copy_in(self, path: Path, folder: str = "/root") -> str:
        """Copy a file of the outer machine's; returns its path inside."""
        inside = f"{folder}/{path.name}"
        self.write(inside, path.read_bytes())
        return inside

    def journal(self, options: str = "-b") -> list[dict[str, Any]]:
        """Journal entries, oldest first; ``options`` are journalctl's (``-b -u vxland``)."""
        text = self.run(f"journalctl --sync; journalctl --quiet --output=json --all {options}")
        return [json.loads(line) for line in text.splitlines()]

    def stop(self) -> None:
        """Shut it down; the disk stays."""
        self.on.shut_down()
        self._boot = None

    def reboot(self) -> None:
        """Shut it down, and boot it from the same disk."""
        self.stop()
        self.boot()

    def delete(self) -> None:
        """Cut its power and forget its disk."""
        if self._boot is not None:
            self._boot.cut()
            self._boot = None
        shutil.rmtree(self._folder)
