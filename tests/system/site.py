"""Several booted machines on one underlay."""

import contextlib
from pathlib import Path
from typing import Self

from tests.lab.namespaces import Namespace
from tests.system.machine import Machine

UNITS = Path("/lib/systemd/system")
SYSTEM = "/etc/systemd/system"
WANTED = (
    ("multi-user.target", "systemd-networkd.service"),
    ("network-online.target", "systemd-networkd-wait-online.service"),
)
ADDRESS = "/etc/systemd/network/10-underlay.network"
LATER = "/run/systemd/network/10-underlay.network"
ONLINE = "/lib/systemd/systemd-networkd-wait-online --interface=host0"
NETWORK = """\
[Match]
Name=host0

[Network]
Address=192.0.2.{number}/24
LinkLocalAddressing=no
IPv6AcceptRA=no
"""
# Until then networkd asks for an address by DHCP, which is what it does with a host0 of its own
# accord, and nobody answers.
LATE = f"""\
[Service]
Type=exec
ExecStart=sh -ec 'sleep {{seconds}}; install -D {ADDRESS}.late {LATER}; networkctl reload'
"""


class Site:
    """Machines lxd1 to lxdN, booted, with 192.0.2.1 to .N on ``host0`` from networkd."""

    def __init__(self, root: Path, count: int = 3, prefix: str = "lxd") -> None:
        numbers = range(1, count + 1)
        names = "".join(f"192.0.2.{number} {prefix}{number}\n" for number in numbers)
        self.machines: list[Machine] = []
        with contextlib.ExitStack() as stack:
            self.underlay = Namespace(f"{prefix}-underlay")
            stack.callback(self.underlay.delete)
            self.underlay.sh("ip link add br0 type bridge mcast_snooping 0; ip link set br0 up")
            for number in numbers:
                machine = Machine(f"{prefix}{number}", root, self.underlay)
                stack.callback(machine.delete)
                machine.place("/etc/hosts", f"127.0.0.1 localhost\n::1 localhost\n{names}")
                machine.place(ADDRESS, NETWORK.format(number=number))
                for target, unit in WANTED:
                    machine.place(f"{SYSTEM}/{target}.wants/{unit}", UNITS / unit)
                self.machines.append(machine)
            for machine in self.machines:
                machine.switch_on()
            for machine in self.machines:
                machine.booted()
                machine.run(ONLINE)
            self._end = stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End everything that was started here."""
        self._end.close()


def delay_address(machine: Machine, seconds: float) -> None:
    """From its next boot on, a machine of a site gets its underlay address late."""
    machine.write(f"{SYSTEM}/late-address.service", LATE.format(seconds=seconds))
    machine.run(
        f"mv {ADDRESS} {ADDRESS}.late; systemctl add-wants multi-user.target late-address.service"
    )
