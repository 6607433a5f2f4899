"""Other processes, as far as /proc shows them (proc(5))."""

import os
import time
from functools import lru_cache
from pathlib import Path

PID_BITS = 22  # of a netlink port id: libnl and pyroute2 number a process's other sockets above
FIRST_NAMESPACE = 0xEFFFFFFC  # PROC_PID_INIT_INO, include/linux/proc_ns.h

# What may be at odds with vxland, by systemd's units. The processes of a unit are told to anybody
# (cgroup.procs), also where /proc doesn't show those of other users.
UNITS = Path("/sys/fs/cgroup/system.slice")
SERVICES = {
    "NetworkManager.service": "NetworkManager",
    "systemd-networkd.service": "systemd-networkd",
    "firewalld.service": "firewalld",
    "docker.service": "dockerd",
    "libvirtd.service": "libvirtd",
}
REMEMBERED = 10  # seconds


def name_of(pid: int) -> str | None:
    """The name of a process, fit for a line of text; None where it has ended or isn't shown."""
    try:
        name = Path(f"/proc/{pid}/comm").read_text(errors="replace")
    except OSError:
        return _service_of(pid, int(time.monotonic()) // REMEMBERED)
    return legible(name.rstrip("\n"))


@lru_cache(maxsize=64)  # a storm of events asks for the same one again and again
def _service_of(pid: int, _moment: int) -> str | None:
    """The program of the service that the process is part of."""
    for unit, name in SERVICES.items():
        try:
            processes = (UNITS / unit / "cgroup.procs").read_text(encoding="ascii").split()
        except OSError:  # there is no such service, or not by this way of counting
            continue
        if str(pid) in processes:
            return name
    return None


def legible(name: str) -> str:
    """A name that anybody may have chosen, without what would spoil a line."""
    return "".join(letter if letter.isprintable() else "?" for letter in name)


def is_running(pid: int) -> bool:
    """Whether there is such a process, shown or not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def has_the_kernels_numbers() -> bool:
    """Whether processes have the same numbers here as for the kernel: not so in a container."""
    return Path("/proc/self/ns/pid").stat().st_ino == FIRST_NAMESPACE
