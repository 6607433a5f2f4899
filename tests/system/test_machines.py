"""The machines themselves: were they not real, no other test here would mean anything."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab import Namespace, eventually
from tests.system import cgroup
from tests.system.machine import Machine
from tests.system.site import Site, delay_address

pytestmark = [pytest.mark.system, pytest.mark.whole, pytest.mark.timeout(300, func_only=True)]

VERSIONS = {"bookworm": "systemd 252", "trixie": "systemd 257"}
PROJECT = Path(__file__).parents[2]

# Boots a machine and says which process leads it, then waits for its end.
BOOTS = """
import signal, sys, time
from pathlib import Path
from tests.lab import Namespace, own_mounts
from tests.system.machine import Machine

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
own_mounts()
underlay = Namespace("underlay")
underlay.sh("ip link add br0 type bridge; ip link set br0 up")
with Machine("lxd1", Path(sys.argv[1]), underlay) as machine:
    machine.boot()
    print(machine.leader, machine.on.group.path.name, flush=True)
    time.sleep(60)
"""


def namespaces_in_use() -> set[str]:
    """Every namespace that a process of this computer is in."""
    used = set()
    for link in Path("/proc").glob("[0-9]*/ns/*"):
        with contextlib.suppress(OSError):  # the process ended meanwhile
            used.add(str(link.readlink()))
    return used


def mounts_in_use() -> str:
    """The mounts of every process of this computer."""
    texts = []
    for path in Path("/proc").glob("[0-9]*/mountinfo"):
        with contextlib.suppress(OSError):
            texts.append(path.read_text())
    return "".join(texts)


def processes(machine: Machine) -> set[int]:
    """All that runs in a machine."""
    lists = machine.on.group.path.rglob("cgroup.procs")
    return {int(number) for path in lists for number in path.read_text().split()}


@pytest.fixture
def underlay(laboratory: None) -> Iterator[Namespace]:
    """A bridge that a single machine can be put on."""
    del laboratory
    namespace = Namespace("underlay")
    namespace.sh("ip link add br0 type bridge; ip link set br0 up")
    yield namespace
    namespace.delete()


def test_every_machine_runs_the_systemd_of_its_release(site: Site, release: str) -> None:
    for machine in site.machines:
        assert machine.run("systemctl --version").startswith(VERSIONS[release])
        assert machine.run("systemctl --failed --no-legend") == ""
        assert machine.run("systemctl is-system-running") == "running\n"
        assert machine.run("hostname") == f"{machine.name}\n"


def test_every_machine_reaches_every_other_by_name(site: Site) -> None:
    for machine in site.machines:
        for other in site.machines:
            machine.run(f"ping -c1 -W2 {other.name}")


def test_no_machine_sees_the_outer_network(site: Site) -> None:
    links = json.loads(site.machines[0].run("ip -json link"))
    assert {link["ifname"] for link in links} == {"lo", "host0", "lxcbr0"}


def test_machines_have_identities_of_their_own(site: Site) -> None:
    for file in ("/etc/machine-id", "/sys/class/net/host0/address"):
        assert len({machine.run(f"cat {file}") for machine in site.machines}) == 3


def test_a_command_that_fails_raises_all_that_it_said(site: Site) -> None:
    with pytest.raises(AssertionError, match=r"lxd1: .*exit status 3\n(?s:.*)here(?s:.*)there"):
        site.machines[0].run("echo here; echo there >&2; exit 3")


def test_a_command_has_nothing_of_the_outer_environment(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VXLAND_OUTER", "1")
    assert "VXLAND_OUTER" not in site.machines[0].run("env")


def test_a_file_copied_in_is_the_same_file(site: Site, tmp_path: Path) -> None:
    file = tmp_path / "it's.bin"
    file.write_bytes(bytes(range(256)))
    inside = site.machines[0].copy_in(file)
    assert site.machines[0].run(f'od -An -v -tu1 "{inside}" | wc -w') == "256\n"


def test_a_reboot_keeps_the_disk_and_the_address_but_not_run(site: Site) -> None:
    machine, other, _ = site.machines
    machine.write("/root/kept", "kept\n")
    machine.write("/run/lost", "")
    machine.write("/etc/systemd/system/once.service", "[Service]\nExecStart=echo booted\n")
    machine.run("systemctl add-wants multi-user.target once; logger --tag before-boot said")
    machine.reboot()

    assert machine.run("cat /root/kept") == "kept\n"
    assert machine.attempt("test -e /run/lost").returncode == 1
    assert [entry["MESSAGE"] for entry in machine.journal("-b -u once SYSLOG_IDENTIFIER=echo")] == [
        "booted"
    ]
    assert [e["MESSAGE"] for e in machine.journal("-b -1 SYSLOG_IDENTIFIER=before-boot")] == [
        "said"
    ]
    assert machine.journal("-b SYSLOG_IDENTIFIER=before-boot") == []
    eventually(
        lambda: other.attempt(f"ping -c1 -W1 {machine.name}").returncode == 0,
        "the machine's address is back",
    )


def test_an_address_can_come_late(site: Site) -> None:
    machine = site.machines[2]
    delay_address(machine, 5)
    machine.reboot()
    shows = "ip -4 -br address show dev host0"
    assert "192.0.2.3" not in machine.run(shows)
    eventually(lambda: "192.0.2.3/24" in machine.run(shows), "the address comes")


def test_nothing_is_left_of_machines(root: Path) -> None:
    name = f"gone{os.getpid()}"  # other runs' machines are seen here
    with Site(root, count=2, prefix=name) as site:
        groups = [machine.on.group.path for machine in site.machines]
        running = set().union(*(processes(machine) for machine in site.machines))
        inside = {
            str(link.readlink())
            for machine in site.machines
            for link in Path(f"/proc/{machine.leader}/ns").iterdir()
        } - {str(link.readlink()) for link in Path("/proc/self/ns").iterdir()}
        assert len(running) > 10
        assert len(inside) > 10
        assert inside <= namespaces_in_use()
        assert f"machines/{name}" in mounts_in_use()
        site.machines[0].stop()  # one shut down, one cut off
        assert not groups[0].exists()
    assert not any(Path(f"/proc/{process}").exists() for process in running)
    assert not inside & namespaces_in_use()
    assert f"machines/{name}" not in mounts_in_use()
    assert not any(group.exists() for group in groups)
    assert not site.underlay.path.exists()


def test_a_machine_that_cannot_boot_says_why_and_leaves_nothing(
    tmp_path: Path, underlay: Namespace
) -> None:
    groups = f"{cgroup.mine()}*"
    before = set(cgroup.hierarchy().glob(groups))
    name = f"empty{os.getpid()}"
    with Machine(name, tmp_path, underlay) as machine:
        with pytest.raises(AssertionError, match=r"empty\d+ doesn't boot(?s:.*)OS root directory"):
            machine.boot()
        assert set(cgroup.hierarchy().glob(groups)) == before
        assert f"machines/{name}" not in mounts_in_use()


def test_runs_side_by_side_end_with_all_that_they_started(root: Path) -> None:
    command = [sys.executable, "-c", BOOTS, str(root)]
    with contextlib.ExitStack() as stack:
        runs = []
        for _ in range(2):
            run = subprocess.Popen(
                command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            )
            runs.append(stack.enter_context(run))
            stack.callback(run.kill)
        said = [run.stdout.readline().split() for run in runs if run.stdout]
        leaders = [Path("/proc", leader) for leader, _ in said]
        groups = [cgroup.hierarchy() / group for _, group in said]
        assert all(path.exists() for path in (*leaders, *groups))

        interrupted, killed = runs
        interrupted.send_signal(signal.SIGINT)
        assert "KeyboardInterrupt" in interrupted.communicate(timeout=30)[1]
        assert not leaders[0].exists()
        assert not groups[0].exists()
        assert leaders[1].exists()

        killed.kill()
        eventually(lambda: not leaders[1].exists(), "the machine ends with its run")
        eventually(lambda: not groups[1].exists(), "and its group goes")
