"""How the commands end and what they say: with and without the daemon, rights and a good file."""

import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from tests.daemon.bad_config import BAD, BASE
from tests.daemon.daemon_view import problem, quiet
from tests.daemon.kernel_view import assert_equal, snapshot
from tests.lab import Server, Site, eventually
from tests.lab.server import VXLAND
from tests.lab.site import config

pytestmark = [pytest.mark.kernel, pytest.mark.daemon]

NOBODY = 65534
WITHOUT_NET_ADMIN = ("setpriv", "--bounding-set=-net_admin", "--inh-caps=-net_admin")
AS_NOBODY = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")


@pytest.fixture
def server() -> Iterator[Server]:
    """One of three servers, with a file that everybody can read."""
    folder = Path(tempfile.mkdtemp(prefix="vxland-test-"))
    try:
        folder.chmod(0o755)
        with Site(folder, 1) as site:
            site.write(BASE)
            yield site.servers[0]
    finally:
        shutil.rmtree(folder)


@contextmanager
def untouched(server: Server) -> Iterator[None]:
    """Nothing changes meanwhile."""
    before = snapshot(server)
    yield
    assert_equal(before, snapshot(server))


def vxland(server: Server, *words: str, as_: tuple[str, ...] = ()) -> CompletedProcess[str]:
    """Run a command, with other rights perhaps."""
    return server.run([*as_, str(VXLAND), *words, "--config", str(server.config)], check=False)


# Those that a file is refused for by itself, not for what was there before it.
UNREADABLE = ("broken TOML", "unknown key", "missing", "folder", "noise", "circle of links")


@pytest.mark.parametrize("name", UNREADABLE)
def test_start_with_a_bad_config(server: Server, name: str) -> None:
    """78, which the unit doesn't restart on, with the message that ``check`` gives."""
    spoil, words = BAD[name]
    spoil(server.config)
    with untouched(server):
        ended = vxland(server, "run")
        checked = vxland(server, "check")
        applied = vxland(server, "apply")
    assert ended.returncode == 78
    assert [word for word in words if word not in ended.stderr] == []
    assert (checked.returncode, checked.stderr) == (1, ended.stderr)
    assert (applied.returncode, applied.stderr) == (1, ended.stderr)


def test_start_without_reading_rights(server: Server) -> None:
    """Who may not read the file is told that, before anything else."""
    server.config.chmod(0o600)
    ended = vxland(server, "run", as_=AS_NOBODY)
    assert ended.returncode == 78
    assert f"{server.config}: can't be read: Permission denied" in ended.stderr


@pytest.mark.parametrize("rights", [WITHOUT_NET_ADMIN, AS_NOBODY], ids=["no net_admin", "nobody"])
@pytest.mark.parametrize("command", ["run", "apply", "down"])
def test_without_cap_net_admin(server: Server, command: str, rights: tuple[str, ...]) -> None:
    """1, a message that says what to do, and nothing is touched."""
    with untouched(server):
        ended = vxland(server, command, as_=rights)
    assert ended.returncode == 1
    assert "CAP_NET_ADMIN" in ended.stderr
    assert "sudo" in ended.stderr
    assert "Traceback" not in ended.stderr


WRONG = (
    (),
    ("frobnicate",),
    ("run", "--frobnicate"),
    ("run", "--json"),
    ("status", "--log-level", "loud"),
    ("apply", "surplus"),
    ("plan", "--config"),
)


@pytest.mark.parametrize("words", WRONG, ids=" ".join)
def test_wrong_command_line(server: Server, words: tuple[str, ...]) -> None:
    """64, with the usage."""
    with untouched(server):
        ended = server.run([str(VXLAND), *words], check=False)
    assert ended.returncode == 64
    assert ended.stderr.startswith("usage: vxland")


def shape(text: str) -> list[str]:
    """The words that don't change from one moment to the next, in their order."""
    return re.findall(r"(?<!\S)[^\d\s]+(?!\S)", text)


def test_status_tells_by_its_exit_status(server: Server) -> None:
    """3 without the daemon, 0 in sync, 2 not; 1 where there is nothing to go by."""
    stopped = vxland(server, "status")
    assert stopped.returncode == 3
    assert "the daemon isn't running here" in stopped.stdout
    assert "lxd2" in stopped.stdout

    server.start()
    quiet(server)  # it looked again at what it made
    running = vxland(server, "status")
    assert running.returncode == 0
    assert running.stdout.startswith("lxd1: in sync since ")
    anybodys = vxland(server, "status", as_=AS_NOBODY)
    assert anybodys.returncode == 0
    assert shape(anybodys.stdout) == shape(running.stdout)

    server.sh("ip link add stranger0 type vxlan id 9 remote 192.0.2.9 dstport 4791")
    server.sh("ip link set stranger0 master vxbr0")
    problem(server, "hazard")
    unsafe = vxland(server, "status")
    assert unsafe.returncode == 2
    assert unsafe.stdout.startswith("lxd1: NOT in sync since ")

    server.stop()
    assert vxland(server, "status").returncode == 3
    server.config.unlink()
    lost = vxland(server, "status")
    assert lost.returncode == 1
    assert "can't be read" in lost.stderr


def test_status_without_rights_tells_what_can_be_seen(server: Server) -> None:
    """Tunnels can be seen by anybody, ebtables can't, and it says so."""
    assert vxland(server, "apply").returncode == 0
    seen = vxland(server, "status", as_=AS_NOBODY)
    assert seen.returncode == 3
    assert "vxl-lan-lxd2" in seen.stdout
    assert "ebtables may not be used" in seen.stdout
    assert seen.stderr == ""


def test_plan_tells_by_its_exit_status(server: Server) -> None:
    """2 where there is something to do, 0 where there isn't, 1 for an error."""
    with untouched(server):
        assert vxland(server, "plan").returncode == 2
    assert vxland(server, "apply").returncode == 0
    with untouched(server):
        done = vxland(server, "plan")
    assert (done.returncode, done.stdout) == (0, "nothing to do\n")
    again = vxland(server, "apply")
    assert (again.returncode, again.stdout) == (0, "nothing to do\n")
    server.write("=")
    assert vxland(server, "plan").returncode == 1


def test_one_writer_at_a_time(server: Server) -> None:
    """A second daemon, ``apply`` and ``down`` say who is at work, and leave all as it is."""
    server.start()
    server.settled()
    assert server.daemon is not None
    with untouched(server):
        for command in ("run", "apply", "down"):
            ended = vxland(server, command)
            assert ended.returncode == 1
            assert f"already at work in this network namespace (process {server.daemon.pid})" in (
                ended.stderr
            )
        server.settled()
    assert server.stop() == 0
    assert vxland(server, "down").returncode == 0


def test_reload_without_the_daemon(server: Server) -> None:
    """1, and how to start it."""
    ended = vxland(server, "reload")
    assert ended.returncode == 1
    assert "the daemon isn't running here. Start it: systemctl start vxland" in ended.stderr


def test_reload_is_for_root(server: Server) -> None:
    """Others may ask for the status alone."""
    server.start()
    ended = vxland(server, "reload", as_=AS_NOBODY)
    assert ended.returncode == 1
    assert "only root or the daemon's own user may ask for a reload" in ended.stderr


def test_start_without_being_a_peer(server: Server) -> None:
    """The daemon runs, says which addresses this machine has, and only makes the bridge ready."""
    server.write(config(range(2, 4)))
    before = snapshot(server)
    server.start()
    assert "192.0.2.1 on eth0" in problem(server, "waiting")["text"]
    after = snapshot(server)
    assert after.indexes.keys() - before.indexes.keys() == {"vxbr0"}
    assert after.rules == before.rules
    # The kernel sees after a while that the bridge has no carrier.
    eventually(lambda: "NO-CARRIER" in server.sh("ip -o link show vxbr0"), "no carrier")
    with untouched(server):
        assert vxland(server, "reload").returncode == 0
    server.sh("ip addr add 192.0.2.2/24 dev eth0")
    server.settled()
    assert server.link("vxl-lan-lxd3")
