"""What happens to a daemon from outside of the kernel: it bears it, says so, and all comes right.

One daemon goes through all of it, while its tunnels and rules are vandalised. Nothing loops at any
moment, strangers get in nowhere, and other people's things stay.
"""

import contextlib
import json
import os
import resource
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from tests.daemon.daemon_view import frozen
from tests.faults.ledger import Ledger
from tests.faults.patient import CONFIG, DAY, OVERLAY, Patient
from tests.faults.witness import Watching
from tests.lab import Site, eventually
from tests.lab.server import VXLAND
from tests.lab.site import config

pytestmark = [pytest.mark.kernel, pytest.mark.daemon]

VANDALISM = "ip link del vxl-lan-lxd2; ip link set vxl-lan-lxd3 nomaster; ebtables -F VXLAND"
TUNNELS = {"vxl-lan-lxd2", "vxl-lan-lxd3"}
HANGUPS = 200
MANY = config(range(1, 250), OVERLAY)


@dataclass(frozen=True)
class Fault:
    """What happens, how it ends, and what is said of it; where nothing is, all is repaired."""

    begin: Callable[[Patient], object]
    end: Callable[[Patient], object]
    told: str = ""


def tool(name: str, way: str, told: str) -> Fault:
    """One of ebtables' programs is broken."""
    return Fault(lambda p: p.tool(name, way), lambda p: p.tool(name, "works"), told)


def clock(ahead: float) -> Fault:
    """The clock is set."""
    return Fault(lambda p: p.clock(ahead), lambda p: p.clock(0))


def limit(what: int, value: Callable[[Patient], int], told: str) -> Fault:
    """There is no more of something than this."""
    return Fault(lambda p: p.limit(what, value(p)), lambda p: p.limit(what, -1), told)


def suspended(patient: Patient) -> None:
    """The machine slept for a day; meanwhile everything changed."""
    os.kill(patient.pid, signal.SIGSTOP)
    patient.clock(DAY)
    patient.server.sh(VANDALISM, check=False)
    os.kill(patient.pid, signal.SIGCONT)


def hung_up(patient: Patient) -> None:
    """Somebody asks for a reload again and again."""
    for _ in range(HANGUPS):
        os.kill(patient.pid, signal.SIGHUP)
        time.sleep(0.001)


def full(patient: Patient) -> None:
    """No room is left where the log and the configuration are."""
    filler = patient.server.config.parent / "filler"
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(1024))


def no_memory(patient: Patient) -> None:
    """A mebibyte is left, and somebody wants more tunnels than that is enough for."""
    patient.limit(resource.RLIMIT_AS, patient.memory() + (1 << 20))
    patient.server.write(MANY)


def memory(patient: Patient) -> None:
    """There is memory again, and nobody wants so many."""
    with frozen(patient.server):
        patient.server.write(CONFIG)
        patient.limit(resource.RLIMIT_AS, -1)


def empty(patient: Patient) -> None:
    """There is room again."""
    (patient.server.config.parent / "filler").unlink()


UNTRUE = "doesn't show the chain VXLAND, which is there"
IDLE = "says that it is done, and did nothing"
FAULTS: dict[str, Fault] = {
    "ebtables-save hangs": tool("save", "hangs", "timed out"),
    "ebtables-save fails": tool("save", "fails", "no way"),
    "ebtables-save prints rubbish": tool("save", "prints-rubbish", UNTRUE),
    "ebtables-restore fails": tool("restore", "fails", "no way"),
    "ebtables-restore does nothing": tool("restore", "prints-nothing", IDLE),
    "the clock a day ahead": clock(DAY),
    "the clock a day behind": clock(-DAY),
    "the clock in 1970": clock(1 - time.time()),
    "a suspend": Fault(suspended, lambda p: p.clock(0)),
    "signals": Fault(hung_up, lambda _: None),
    "a full disk": Fault(full, empty),
    "no memory": Fault(no_memory, memory, "out of memory"),
    "no descriptors": limit(resource.RLIMIT_NOFILE, Patient.descriptors, "Too many open files"),
}
MORE: dict[str, Fault] = {
    "ebtables-save is killed": tool("save", "is-killed", "no reason"),
    "ebtables-save prints much": tool("save", "prints-much", UNTRUE),
    "ebtables-save prints nothing": tool("save", "prints-nothing", UNTRUE),
    "ebtables-restore hangs": tool("restore", "hangs", "timed out"),
    "ebtables-restore is killed": tool("restore", "is-killed", "no reason"),
    "ebtables-restore prints rubbish": tool("restore", "prints-rubbish", IDLE),
    "ebtables-restore prints much": tool("restore", "prints-much", IDLE),
}


@pytest.fixture(scope="module")
def fresh(laboratory: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Patient]:
    """A daemon that hasn't been started yet, on a small disk."""
    del laboratory
    folder, disk = tmp_path_factory.mktemp("faults"), tmp_path_factory.mktemp("disk")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", disk], check=True)
    try:
        with Site(disk, 1) as site:
            yield Patient(site.servers[0], folder)
    finally:
        subprocess.run(["umount", "--lazy", disk], check=True)


@pytest.fixture(scope="module")
def watching(fresh: Patient) -> Iterator[Watching]:
    """From before the daemon's start on."""
    with Watching(fresh.server) as made:
        yield made


@pytest.fixture(scope="module")
def patient(fresh: Patient, watching: Watching) -> Patient:
    """The daemon."""
    del watching
    fresh.start()
    return fresh


@pytest.fixture(autouse=True)
def witnessed(watching: Watching, ledger: Ledger) -> Iterator[None]:
    """Somebody looks all the time."""
    yield
    ledger.violated(watching.told())


def up(patient: Patient) -> set[str]:
    """The bridge's ports that are."""
    links = patient.server.json("ip -j link show master vxbr0 up")
    return {link["ifname"] for link in links}


def well(patient: Patient) -> bool:
    """Whether all is as wanted."""
    server = patient.server
    rules = server.sh("ebtables -L VXLAND", check=False)
    return up(patient) == TUNNELS and "-j DROP" in rules and server.in_sync()


def tells(patient: Patient, since: int, words: str) -> bool:
    """Whether it has said so, in the log or where somebody asks."""
    said = patient.server.log.read_text(errors="replace")[since:]
    return words in said or words in json.dumps(patient.server.ask("status"))


@pytest.mark.parametrize(
    "name", [*FAULTS, *(pytest.param(name, marks=pytest.mark.whole) for name in MORE)]
)
def test_it_comes_right(patient: Patient, ledger: Ledger, name: str) -> None:
    """When it is over, all is there again, and nobody has crashed."""
    fault, server = {**FAULTS, **MORE}[name], patient.server
    before = server.log.stat().st_size
    fault.begin(patient)
    try:
        server.sh(VANDALISM, check=False)
        if fault.told:
            eventually(lambda: tells(patient, before, fault.told), fault.told, pause=0.1)
        else:
            eventually(
                lambda: well(patient), f"all is right; it logged:\n{server.tail()}", pause=0.1
            )
    finally:
        fault.end(patient)
    eventually(
        lambda: well(patient), lambda: f"all is right; it logged:\n{server.tail()}", 60, pause=0.1
    )
    ledger.fault(name)
    assert "Traceback" not in server.log.read_text(errors="replace")[before:]


def test_who_asks_is_answered_while_memory_is_short(patient: Patient, ledger: Ledger) -> None:
    """Be it by the command line or by HTTP, though there can be no more threads."""
    server = patient.server
    patient.limit(resource.RLIMIT_AS, patient.memory() + (1 << 20))
    try:
        with ledger.injected("1 MiB of memory is left"):
            for _ in range(3):
                assert server.ask("status")
                assert server.ask("events")["events"]
                assert server.ask("reload")
                assert "vxland_" in server.sh("curl --silent http://127.0.0.1:9788/metrics")
    finally:
        patient.limit(resource.RLIMIT_AS, -1)


def test_tunnels_are_mended_without_descriptors(patient: Patient, ledger: Ledger) -> None:
    """What needs none goes on, and turns that look for what is gone elsewhere do, too."""
    server = patient.server
    server.sh("ip netns add numbered; ip netns set numbered auto")
    patient.limit(resource.RLIMIT_NOFILE, patient.descriptors())
    try:
        with ledger.injected("no descriptors"):
            os.kill(patient.pid, signal.SIGSTOP)
            server.sh("ip link del vxl-lan-lxd2; ip link set vxl-lan-lxd3 nomaster")
            os.kill(patient.pid, signal.SIGHUP)  # a turn, and no mend
            os.kill(patient.pid, signal.SIGCONT)
            eventually(lambda: up(patient) == TUNNELS, "the tunnels are back", pause=0.1)
            assert server.ask("status")  # if only that there are none
    finally:
        patient.limit(resource.RLIMIT_NOFILE, -1)
        server.sh("ip netns del numbered")
    eventually(lambda: well(patient), "all is right", pause=0.1)


def test_one_that_is_stopped_is_told_of(patient: Patient, ledger: Ledger) -> None:
    """Within seconds; the status is what can be seen without it."""
    server = patient.server
    wanted = (["status", "--json"], ["reload"], ["events"])
    with ledger.injected("SIGSTOP"), frozen(server):
        asking = [
            subprocess.Popen(
                server.command(str(VXLAND), *words, "--config", str(server.config)),
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for words in wanted
        ]
        said = [asked.communicate(timeout=50) for asked in asking]
    assert [asked.returncode for asked in asking] == [3, 1, 1]
    status = json.loads(said[0][0])
    assert (status["daemon"], status["in_sync"]) == ("silent", True)
    assert all("the daemon doesn't answer within 5 s" in errors for _, errors in said[1:])
