"""Whatever becomes of the daemon, guests don't notice: the data plane is the kernel's."""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab import eventually
from tests.lab.site import config
from tests.package.build import built
from tests.system.guests import Guest, unharmed
from tests.system.installed import CONFIG, Run, install, properties, settled
from tests.system.machine import Machine
from tests.system.packages import DESCRIPTION, NEWER, newer
from tests.system.site import Site

pytestmark = [pytest.mark.system, pytest.mark.timeout(120, func_only=True)]

TUNNEL = "vxl-lan-lxd2"
BURST = 10  # StartLimitBurst= of the unit
DROP_IN = "/run/systemd/system/vxland.service.d/watchdog.conf"

Guests = tuple[Guest, Guest]


@pytest.fixture(scope="module")
def package(release: str) -> Path:
    return built(release)


@pytest.fixture(scope="module")
def guests(root: Path, package: Path) -> Iterator[Guests]:
    """A guest behind each of two machines that run vxland."""
    with contextlib.ExitStack() as stack:
        machines = stack.enter_context(Site(root, count=2)).machines
        for machine in machines:
            install(machine, package)
            machine.write(CONFIG, config((1, 2)))
            machine.run("systemctl enable --now vxland")
        for machine in machines:
            settled(machine)
        one, other = (Guest(machine, number) for number, machine in enumerate(machines, 1))
        stack.callback(one.delete)
        stack.callback(other.delete)
        eventually(lambda: one.reaches(other), "the guests reach each other")
        yield one, other


@pytest.fixture
def machine(guests: Guests) -> Machine:
    """The machine where something happens. Its limit doesn't count other tests' starts."""
    machine = guests[0].machine
    machine.run("systemctl reset-failed vxland; systemctl start vxland")
    settled(machine)
    return machine


@pytest.fixture
def impatient(machine: Machine) -> Iterator[Run]:
    """A run whose watchdog waits for 2 seconds."""
    machine.write(DROP_IN, "[Service]\nWatchdogSec=2\n")
    machine.run("systemctl daemon-reload; systemctl restart vxland")
    yield Run.present(machine)
    machine.run(f"rm {DROP_IN}; systemctl daemon-reload; systemctl restart vxland")


def test_a_tunnel_gone_for_a_moment_would_be_noticed(machine: Machine, guests: Guests) -> None:
    with pytest.raises(AssertionError, match="are lost"), unharmed(*guests):
        machine.run(f"ip link del {TUNNEL}")


def test_a_restart_loses_nothing(machine: Machine, guests: Guests) -> None:
    before = Run.present(machine)
    with unharmed(*guests):
        machine.run("systemctl restart vxland")
        before.followed()


def test_a_stop_loses_nothing_and_says_how_to_remove_the_tunnels(
    machine: Machine, guests: Guests
) -> None:
    before = Run.present(machine)
    with unharmed(*guests):
        machine.run("systemctl stop vxland")
        status = machine.attempt("vxland status")
        time.sleep(2)
        machine.run("systemctl start vxland")
        before.followed()
    assert status.returncode == 3
    assert "the daemon isn't running" in status.stdout
    assert "the tunnels stay as they are, and vxland down removes them" in before.journal()


def test_what_changed_while_it_was_stopped_is_put_right_at_its_start(
    machine: Machine, guests: Guests
) -> None:
    one, other = guests
    machine.run(f"systemctl stop vxland; ip link del {TUNNEL}")
    assert not one.reaches(other)
    machine.run("systemctl start vxland")
    assert one.reaches(other), "ready means that it's done"
    assert f"create {TUNNEL}" in Run.present(machine).journal()


def test_a_killed_daemon_loses_nothing(machine: Machine, guests: Guests) -> None:
    before = Run.present(machine)
    with unharmed(*guests):
        machine.run(f"kill -KILL {before.process}")
        before.followed()
    assert "code=killed, status=9/KILL" in before.journal()
    assert properties(machine)["NRestarts"] == "1"


def test_a_daemon_that_hangs_is_replaced_and_loses_nothing(impatient: Run, guests: Guests) -> None:
    with unharmed(*guests):
        impatient.machine.run(f"kill -STOP {impatient.process}")
        impatient.followed()
    said = impatient.journal()
    assert "Watchdog timeout (limit 2s)!" in said
    assert "Failed with result 'watchdog'" in said
    assert properties(impatient.machine)["NRestarts"] == "1"


def test_systemd_executed_anew_keeps_the_daemon_and_loses_nothing(
    impatient: Run, guests: Guests
) -> None:
    machine = impatient.machine
    with unharmed(*guests):
        machine.run("systemctl daemon-reexec")
        time.sleep(3)  # longer than the watchdog waits
        settled(machine)
    assert Run.present(machine) == impatient
    by_systemd = (str(entry["MESSAGE"]) for entry in machine.journal("-b _PID=1"))
    assert any(message.startswith("Reexecuting") for message in by_systemd)


def test_an_upgrade_and_the_way_back_lose_nothing_and_keep_the_file(
    machine: Machine, guests: Guests, package: Path
) -> None:
    old = machine.run("vxland --version")
    before = Run.present(machine)
    with unharmed(*guests):
        said = install(machine, newer(package))
        after = before.followed()
        upgraded, version = properties(machine), machine.run("vxland --version")
        said += install(machine, package, "--allow-downgrades")
        after.followed()
    assert version == f"vxland {NEWER}\n"
    assert f"vxland {NEWER} started" in after.journal()
    assert upgraded["Description"] == DESCRIPTION
    assert upgraded["WatchdogUSec"] == "25s"
    assert upgraded["NeedDaemonReload"] == "no"
    assert machine.run("vxland --version") == old
    assert properties(machine)["Description"] != DESCRIPTION
    assert "Configuration file" not in said  # what dpkg's question begins with
    assert machine.run(f"cat {CONFIG}") == config((1, 2))
    assert machine.run("ls /etc | grep -F vxland.toml.dpkg || :") == ""


def test_an_upgrade_leaves_a_stopped_daemon_stopped(machine: Machine, package: Path) -> None:
    machine.run("systemctl stop vxland")
    install(machine, newer(package))
    assert properties(machine)["ActiveState"] == "inactive"
    install(machine, package, "--allow-downgrades")
    assert properties(machine)["ActiveState"] == "inactive"


def test_the_package_removed_and_installed_again_loses_nothing(
    machine: Machine, guests: Guests, package: Path
) -> None:
    before = Run.present(machine)
    with unharmed(*guests):
        said = machine.run("apt-get remove -qy vxland 2>&1")
        gone = machine.attempt("command -v vxland || systemctl cat vxland")
        install(machine, package)
        machine.run("systemctl start vxland")
        before.followed()
    assert "its tunnels stay" in said
    assert gone.returncode != 0
    assert machine.run(f"cat {CONFIG}") == config((1, 2))
    assert machine.run("systemctl is-enabled vxland") == "enabled\n"


@pytest.mark.whole
def test_restarts_as_fast_as_the_limit_allows_lose_nothing(
    machine: Machine, guests: Guests
) -> None:
    machine.run("systemctl stop vxland; systemctl reset-failed vxland")
    machine.run("systemctl start vxland")
    with unharmed(*guests):
        for _ in range(BURST - 1):
            before = Run.present(machine)
            machine.run("systemctl restart vxland")
            assert Run.present(machine) != before
        refused = machine.attempt("systemctl restart vxland")
        time.sleep(1)
    assert "attempted too often" in refused.stderr
    assert properties(machine)["Result"] == "start-limit-hit"
