"""Booting with the service enabled: the overlay is there before any guest, and nothing waits."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Self

import pytest

from tests.lab import eventually
from tests.lab.site import config
from tests.package.build import built
from tests.system.installed import CONFIG, install, settled
from tests.system.machine import Machine
from tests.system.service import logged, shown, status_line
from tests.system.site import SYSTEM, Site, delay_address

pytestmark = [pytest.mark.system, pytest.mark.timeout(300, func_only=True)]

# A container without an init system that asks for an address; LXC can't start it without vxbr0.
CONTAINER = """
lxc-create --name web --template busybox >/dev/null
cd /var/lib/lxc/web
sed -i /udhcpc/d rootfs/etc/init.d/rcS
sed -i /^lxc.net/d config
cat >>config <<END
lxc.start.auto = 1
lxc.net.0.type = veth
lxc.net.0.link = vxbr0
lxc.net.0.flags = up
lxc.net.0.ipv4.address = 10.10.10.1/24
END
"""
# These stand in for some that aren't in the tests' Debian. vxland knows the names of the first two,
# and the slice that a container of systemd-nspawn is in.
STANDS_IN = """\
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=ip link show up dev vxbr0
"""
STAND_INS = {"docker": "", "libvirtd": "", "systemd-nspawn@web": "Slice=machine.slice\n"}
LATE = 8  # seconds
SEEN = "/run/seen"  # by ip monitor
NODE = '[node]\nname = "lxd1"\n\n'
RARELY = '[reconcile]\ninterval = "1h"\n\n'


@pytest.fixture(scope="module")
def hosts(release: str, root: Path) -> Iterator[list[Machine]]:
    """Two with the service enabled; the first one has guests, and has been booted again."""
    with Site(root, 2) as site:
        for host in site.machines:
            install(host, built(release))
            host.write(CONFIG, config([1, 2]))
            host.run("systemctl enable --now vxland")
            settled(host)
        first, second = site.machines
        second.run("ip address add 10.10.10.2/24 dev vxbr0")
        first.run(CONTAINER)
        for name, more in STAND_INS.items():
            first.write(f"{SYSTEM}/{name}.service", STANDS_IN + more)
            first.run(f"systemctl add-wants multi-user.target {name}")
        first.reboot()
        yield site.machines


@dataclass(frozen=True)
class Waiting:
    """A machine that has just booted, and what it showed before it had its address."""

    machine: Machine
    active: str
    status: str
    links: str

    @classmethod
    def seen(cls, machine: Machine) -> Self:
        """Look, and make sure that the address hasn't come meanwhile."""
        machine.run(f"ip -tshort monitor address link >{SEEN} 2>&1 &")
        active, links = shown(machine, "ActiveState"), machine.run("ip -br link show up")
        found = cls(machine, active, status_line(machine), links)
        assert "192.0.2." not in machine.run("ip -4 address show dev host0"), "it came too early"
        return found

    def over(self) -> None:
        """Wait for the address, and until all is as wanted."""
        address = f"192.0.2.{self.machine.name.removeprefix('lxd')}/"
        eventually(lambda: address in self.machine.run(f"cat {SEEN}"), "the address comes")
        settled(self.machine)


@pytest.fixture(scope="module")
def late(hosts: list[Machine]) -> list[Waiting]:
    """Both of them, booted without their addresses. The first one's file says which it is."""
    hosts[0].write(CONFIG, NODE + config([1, 2]))
    hosts[1].write(CONFIG, RARELY + config([1, 2]))
    for host in hosts:
        delay_address(host, LATE)
        host.stop()
    for host in hosts:
        host.switch_on()
    for host in hosts:
        host.booted()
    return [Waiting.seen(host) for host in hosts]


def moment(machine: Machine, name: str, unit: str) -> int:
    """When a unit did something, in microseconds."""
    return int(machine.run(f"systemctl show --value -p {name}TimestampMonotonic {unit}"))


def told(machine: Machine, pattern: str) -> datetime:
    """When the kernel first told of something."""
    text = machine.run(f"cat {SEEN}")
    found = re.search(rf"^\[(\S+)\] .*{pattern}", text, re.MULTILINE)
    assert found is not None, text
    return datetime.fromisoformat(found[1])


def test_container_runs_after_a_reboot_and_reaches_the_other_machine(hosts: list[Machine]) -> None:
    host = hosts[0]
    assert host.run("lxc-info --name web --state").split() == ["State:", "RUNNING"]
    settled(host)
    host.run("lxc-attach --name web -- ping -c1 -w10 10.10.10.2")


def test_container_could_not_have_started_without_the_bridge(hosts: list[Machine]) -> None:
    """Else the test before would show nothing."""
    host = hosts[0]
    without = "sed s/vxbr0/vxbr1/ /var/lib/lxc/web/config >/root/astray.conf"
    astray = host.attempt(f"{without}; lxc-start --foreground --name astray -f /root/astray.conf")
    assert astray.returncode != 0
    assert "vxbr1" in astray.stderr


@pytest.mark.parametrize("unit", ["lxc", "lxc-net", *STAND_INS])
def test_guests_start_when_vxland_is_ready(hosts: list[Machine], unit: str) -> None:
    host = hosts[0]
    assert moment(host, "ActiveEnter", unit) > 0, f"{unit} isn't active"
    assert moment(host, "ActiveEnter", "vxland") <= moment(host, "InactiveExit", unit)


@pytest.mark.parametrize("unit", STAND_INS)
def test_guests_find_the_bridge_up_when_they_start(hosts: list[Machine], unit: str) -> None:
    said = [entry["MESSAGE"] for entry in hosts[0].journal(f"-b -u {unit} SYSLOG_IDENTIFIER=ip")]
    assert len(said) > 0
    assert re.search(r"vxbr0: <.*\bUP\b", said[0]), said


def test_every_unit_comes_up_and_none_is_dropped_from_a_cycle(hosts: list[Machine]) -> None:
    for host in hosts:
        assert host.run("systemctl --failed --no-legend") == ""
        said = [str(entry["MESSAGE"]) for entry in host.journal("-b _PID=1")]
        assert [line for line in said if "ordering cycle" in line] == []


def test_systemd_finds_nothing_wrong_with_the_unit(hosts: list[Machine]) -> None:
    """Without --man=no it wants a program man, which these machines don't have."""
    done = hosts[0].attempt("systemd-analyze verify --man=no vxland.service")
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_late_address_holds_nothing_up(late: list[Waiting]) -> None:
    """The machines have booted; what waits for vxland has been started too."""
    assert [found.active for found in late] == ["active", "active"]


def test_status_says_that_it_waits_for_an_address(late: list[Waiting]) -> None:
    assert "this machine has none of the peers' addresses" in late[1].status


def test_bridge_and_containers_do_not_wait_for_a_late_address(late: list[Waiting]) -> None:
    """Whether or not the file says which machine it is."""
    assert ["vxbr0" in found.links for found in late] == [True, True]
    assert late[0].machine.run("lxc-info --name web --state").split() == ["State:", "RUNNING"]


def test_status_says_which_address_it_waits_for_there(late: list[Waiting]) -> None:
    assert "192.0.2.1" in late[0].status


def test_a_late_address_brings_the_tunnel_up(late: list[Waiting]) -> None:
    """Nothing else does: the next full check is an hour away."""
    found = late[1]
    host, process = found.machine, shown(found.machine, "MainPID")
    assert "vxl-lan-lxd1" not in found.links
    found.over()
    assert "all in sync" in status_line(host)
    assert (shown(host, "MainPID"), shown(host, "NRestarts")) == (process, "0")
    came = told(host, r"host0 +inet 192\.0\.2\.2/24")
    up = told(host, r"vxl-lan-lxd1: <[^>]*\bUP\b")
    assert came <= up


def test_journal_tells_of_the_wait_and_of_its_end(late: list[Waiting]) -> None:
    late[1].over()
    waits = "this machine has none of the peers' addresses"
    lines = logged(late[1].machine)
    assert any(line.startswith(f"waiting: {waits}") for line in lines), lines
    assert any(line.startswith(f"no longer: {waits}") for line in lines), lines
