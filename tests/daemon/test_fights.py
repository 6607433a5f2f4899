"""Something that keeps undoing a repair, and something that keeps a port: named, not fought."""

import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.daemon.daemon_view import logged, metrics, problem, problems
from tests.lab import Server, Site, eventually
from tests.lab.site import HEAD, config

pytestmark = [pytest.mark.kernel, pytest.mark.daemon]

ONE, TWO = "vxl-lan-lxd2", "vxl-lan-lxd3"
ROUNDS = 60
# A fight is over after half a minute's quiet; here after a second.
SOON = "import vxland.fights\nvxland.fights.QUIET = 1.0\n"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """One of three servers."""
    (tmp_path / "sitecustomize.py").write_text(SOON)
    with Site(tmp_path, 1) as site:
        yield site.servers[0]


def start(server: Server, overlay: str = "") -> None:
    """Start a daemon that soon forgets a fight."""
    server.write(config(range(1, 4), HEAD + overlay))
    folders = [str(server.config.parent.parent), os.environ.get("PYTHONPATH", "")]
    server.start(environment={"PYTHONPATH": ":".join(filter(None, folders))})
    server.settled()


class Vandal:
    """A program that does the same over and over."""

    def __init__(self, server: Server, line: str) -> None:
        self._count = server.log.with_name("rounds")
        self._count.write_text("0")
        script = f'n=0; while :; do {line}; n=$((n+1)); echo $n > "{self._count}"; sleep 0.02; done'
        self._process = subprocess.Popen(
            server.command("sh", "-c", script), stderr=subprocess.DEVNULL
        )

    @property
    def rounds(self) -> int:
        """How often it did it."""
        return int(self._count.read_text() or "0")

    def go_on(self) -> None:
        """Wait until it did it many times more."""
        before = self.rounds
        eventually(lambda: self.rounds >= before + ROUNDS, "the vandal goes on", patience=60)

    def stop(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()


@contextmanager
def vandalised(server: Server, line: str) -> Iterator[Vandal]:
    """Somebody does this over and over meanwhile."""
    vandal = Vandal(server, line)
    try:
        yield vandal
    finally:
        vandal.stop()


def is_up(server: Server, device: str) -> bool:
    """Whether a device is there and up."""
    link = server.link(device)
    return link is not None and "UP" in link["flags"]


def mtu(server: Server) -> int:
    """The MTU of the first tunnel."""
    link = server.link(ONE)
    assert link is not None
    return int(link["mtu"])


def test_fight_over_an_attribute(server: Server) -> None:
    """It is said once, answered ever more rarely, and keeps nothing else from being mended."""
    start(server)
    with vandalised(server, f"ip link set {ONE} mtu 1300") as vandal:
        found = problem(server, "fight")
        assert found["device"] == ONE
        assert f"keeps changing mtu of {ONE}" in found["text"]
        logged(server, "fight: ", f"mtu of {ONE}")
        before = metrics(server)
        vandal.go_on()
        after = metrics(server)
        repairs = after("vxland_operations_total", kind="SetMtu", result="done") - before(
            "vxland_operations_total", kind="SetMtu", result="done"
        )
        assert repairs < ROUNDS / 5
        assert after("vxland_fights_total") == 1
        assert after("vxland_problems", kind="fight") == 1
        assert server.vxland("status").returncode == 2
        assert is_up(server, ONE)
        server.sh(f"ip link del {TWO}; ip link set {ONE} type bridge_slave isolated off")
        eventually(lambda: is_up(server, TWO), "the other tunnel is made again")
        eventually(
            lambda: server.link(ONE)["linkinfo"]["info_slave_data"]["isolated"],  # type: ignore[index]
            "the guard of the port is set again",
        )
    eventually(lambda: mtu(server) == 1450, "the MTU is put right", patience=90)
    eventually(server.in_sync, "the fight is over", patience=90)
    logged(server, "no longer: ", f"mtu of {ONE}")


def test_culprit_is_named(server: Server) -> None:
    """Where the kernel tells who did it, as it does for addresses and rules."""
    start(server, 'addresses = ["10.10.10.1/24"]\n')
    with vandalised(server, "ip addr del 10.10.10.1/24 dev vxbr0"):
        found = problem(server, "fight")
        assert found["device"] == "vxbr0"
        assert "something, likely ip (pid " in found["text"]


def test_device_deleted_again_and_again(server: Server) -> None:
    """One fight, over its existence, and not one for all that a new device is given."""
    start(server)
    with vandalised(server, f"ip link del {ONE}") as vandal:
        found = problem(server, "fight")
        assert f"keeps changing existence of {ONE}" in found["text"]
        vandal.go_on()
        assert len(problems(server, "fight")) == 1
        assert is_up(server, TWO)
    eventually(lambda: is_up(server, ONE), "it is there again", patience=90)
    eventually(server.in_sync, "the fight is over", patience=90)


def test_fight_over_the_only_guard_of_a_port(server: Server) -> None:
    """The port goes down, no other does, and it comes back when the fight is over."""
    start(server, 'guard = ["isolated"]\n')
    with vandalised(server, f"bridge link set dev {ONE} isolated off") as vandal:
        assert problem(server, "fight")["device"] == ONE
        eventually(lambda: not is_up(server, ONE), "the port is down")
        vandal.go_on()
        assert not is_up(server, ONE)
        assert is_up(server, TWO)
    eventually(lambda: is_up(server, ONE), "the port is up again", patience=90)
    server.settled()


def test_fight_over_one_guard_of_two(server: Server) -> None:
    """The other one holds: the port stays up."""
    start(server)
    with vandalised(server, f"bridge link set dev {ONE} isolated off") as vandal:
        assert problem(server, "fight")["device"] == ONE
        vandal.go_on()
        assert is_up(server, ONE)


def test_fight_over_the_only_guard_of_all(server: Server) -> None:
    """Without the chain every port goes down; the one who flushes it is named."""
    start(server, 'guard = ["ebtables"]\n')
    with vandalised(server, "ebtables -F"):
        found = problem(server, "fight")
        assert "keeps changing ebtables of VXLAND" in found["text"]
        assert "something, likely ebtables" in found["text"]
        for device in (ONE, TWO):
            eventually(lambda device=device: not is_up(server, device), f"{device} is down")  # type: ignore[misc]
    for device in (ONE, TWO):
        eventually(lambda device=device: is_up(server, device), f"{device} is up", patience=90)  # type: ignore[misc]
    server.settled()


def test_port_that_another_program_has(server: Server) -> None:
    """It is named, with its process, and the tunnels come up once it is gone."""
    with server.entered():
        holder = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with holder:
        holder.bind(("192.0.2.1", 4789))
        server.write(config(range(1, 4)))
        server.start()
        eventually(lambda: len(problems(server, "failed")) == 2, f"both fail: {server.status()}")
        for found in problems(server, "failed"):
            assert "UDP port 4789 is held by " in found["text"]
            assert f"(process {os.getpid()})" in found["text"]
        logged(server, "failed: ", f"(process {os.getpid()})", "Stop what holds the port")
        assert not is_up(server, ONE)
        assert is_up(server, "vxbr0")
    server.settled()
    assert (is_up(server, ONE), is_up(server, TWO)) == (True, True)


def test_port_that_another_device_has(server: Server) -> None:
    """A VXLAN device that receives otherwise can't share it: it is named too."""
    server.sh("ip link add other0 type vxlan external dstport 4789; ip link set other0 up")
    server.write(config(range(1, 4)))
    server.start()
    eventually(lambda: len(problems(server, "failed")) == 2, "both fail")
    assert "VXLAN device other0" in problems(server, "failed")[0]["text"]
    server.sh("ip link set other0 down")
    server.settled()
