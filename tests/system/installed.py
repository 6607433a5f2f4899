"""vxland on a booted machine, as apt installs it and systemd runs it."""

import dataclasses
from pathlib import Path
from typing import Self

from tests.lab import eventually
from tests.system.machine import Machine

CONFIG = "/etc/vxland.toml"
ASKED = "vxland status 2>&1; systemctl status --no-pager vxland 2>&1"


def install(machine: Machine, package: Path, options: str = "") -> str:
    """Have apt install a package; returns what it said."""
    return machine.run(f"apt-get install -qy {options} '{machine.copy_in(package)}' 2>&1")


def properties(machine: Machine) -> dict[str, str]:
    """What systemd knows of the service."""
    lines = machine.run("systemctl show vxland").splitlines()
    return dict(line.split("=", 1) for line in lines)


def settled(machine: Machine) -> None:
    """Wait until the daemon says that all is as wanted."""
    eventually(
        lambda: machine.attempt("vxland status").returncode == 0,
        lambda: f"{machine.name} is in sync; it says:\n{machine.attempt(ASKED).stdout}",
        pause=0.2,
    )


@dataclasses.dataclass(frozen=True)
class Run:
    """One run of the service, from its start to its end."""

    machine: Machine
    process: str
    identity: str

    @classmethod
    def present(cls, machine: Machine) -> Self:
        """The one that goes on now."""
        now = properties(machine)
        assert now["ActiveState"] == "active", f"{machine.name}: vxland is {now['ActiveState']}"
        return cls(machine, now["MainPID"], now["InvocationID"])

    def journal(self) -> str:
        """What vxland said in this run, and systemd about it."""
        of_it = f"-b _SYSTEMD_INVOCATION_ID={self.identity} + INVOCATION_ID={self.identity}"
        return "\n".join(str(entry["MESSAGE"]) for entry in self.machine.journal(of_it))

    def followed(self) -> Self:
        """Wait until it has ended, and the next one has everything in sync."""
        eventually(
            lambda: properties(self.machine)["MainPID"] not in {"0", self.process},
            lambda: f"vxland is started again; it says:\n{self.machine.attempt(ASKED).stdout}",
            pause=0.1,
        )
        settled(self.machine)
        self.machine.run(f"! test -e /proc/{self.process}")
        return self.present(self.machine)
