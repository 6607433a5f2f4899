"""One writer in a network namespace, whoever comes, whenever, and whatever becomes of the first."""

import re
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.daemon import service
from tests.daemon.daemon_view import frozen
from tests.daemon.kernel_view import assert_equal, snapshot
from tests.daemon.slow import slow_program
from tests.lab import Server, Site, eventually
from tests.lab.server import BOUND, VXLAND
from tests.lab.site import config
from vxland.process.flag import NAME

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.daemon,
    pytest.mark.usefixtures("laboratory"),
]

MANY = 20
RESTORE = "ebtables-restore"
PATIENCE = 120.0  # seconds: that many programs start on few processors
BUSY = re.compile(
    r"vxland: vxland is already at work in this network namespace \(process (\d+)\)\."
    r"( See what it is: ps -fp \1\. If it is the service, stop it first| Stop it first):"
    r" systemctl stop vxland\n"
)
FLAG = f"""
import socket, time
shown = socket.socket(socket.AF_UNIX)
shown.bind({NAME!r})
shown.listen(1)
print(flush=True)
time.sleep(600)
"""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """Two servers, each a network namespace of the same machine, and no daemon yet."""
    with Site(tmp_path, 2) as made:
        made.write(config((1, 2)))
        yield made


@pytest.fixture
def server(site: Site) -> Server:
    """The first one."""
    return site.servers[0]


def at_once(server: Server, commands: Sequence[str]) -> list[subprocess.Popen[str]]:
    """Start all of these."""
    return [
        subprocess.Popen(
            [*BOUND, *server.command(str(VXLAND), word, "--config", str(server.config))],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for word in commands
    ]


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Its exit status, and what it said on stderr."""
    _, said = process.communicate(timeout=PATIENCE)
    return process.returncode, said


def holder(said: str) -> int:
    """Whom the message names; there is nothing else in it."""
    found = BUSY.fullmatch(said)
    assert found, said
    return int(found[1])


@pytest.mark.timeout(300)
def test_many_daemons_started_at_once(server: Server) -> None:
    """One of them runs; every other one ends with 1, and says who it is."""
    started = at_once(server, ["run"] * MANY)
    with ExitStack() as stack:
        for process in started:
            stack.callback(process.communicate)
            stack.callback(process.kill)
        eventually(
            lambda: sum(process.poll() is None for process in started) == 1, "one is left", PATIENCE
        )
        (winner,) = (process for process in started if process.poll() is None)
        for process in started:
            if process is not winner:
                status, said = ended(process)
                assert (status, holder(said)) == (1, winner.pid)
        eventually(server.in_sync, "it works")
        winner.terminate()
        assert ended(winner)[0] == 0


def test_many_writers_at_once(server: Server) -> None:
    """``apply`` and ``down`` side by side: each does all of its work, or none and says so."""
    ends = [ended(one) for one in at_once(server, ["apply", "down"] * 3)]
    for status, said in ends:
        assert status in (0, 1)
        assert said == "" if status == 0 else holder(said)
    assert any(status == 0 for status, _ in ends)
    assert server.vxland("apply").returncode == 0
    assert server.link("vxl-lan-lxd2")


def test_the_lock_dies_with_its_holder(server: Server) -> None:
    """After SIGKILL the next one comes at once, and what is named then is that one."""
    server.start()
    assert server.daemon is not None
    first = server.daemon.pid
    server.stop(kill=True)
    assert server.vxland("apply").returncode == 0
    server.start()
    assert holder(server.vxland("apply").stderr) == server.daemon.pid != first


@pytest.mark.parametrize("deleted", [False, True], ids=["the lock", "the flag alone"])
def test_what_a_killed_daemon_has_started_goes_on(
    server: Server, tmp_path: Path, *, deleted: bool
) -> None:
    """It puts back the guard, and nobody writes before that; or the guard would stay for good."""
    hang = tmp_path / "hang"
    server.start(before=slow_program(RESTORE, hang, tmp_path))
    server.settled()
    assert server.daemon is not None
    daemon = server.daemon.pid
    hang.touch()
    with frozen(server):  # it would wait for it no longer than some seconds
        server.sh("ebtables -F; ebtables -X")
        if deleted:
            shutil.rmtree(server.runtime.parent)
    eventually(lambda: begun_by(daemon, RESTORE), f"{RESTORE} runs", pause=0)
    left = begun_by(daemon, RESTORE)
    server.stop(kill=True)
    (down,) = at_once(server, ["down"])
    with pytest.raises(subprocess.TimeoutExpired):
        down.wait(1)
    hang.unlink()
    assert ended(down) == (0, "")
    assert not any(map(words, left))
    assert "VXLAND" not in server.sh("ebtables-save")


def begun_by(process: int, program: str) -> list[int]:
    """Its children that run this."""
    found: list[int] = []
    for threads in Path(f"/proc/{process}/task").glob("*/children"):
        with suppress(OSError):  # it has ended
            found += map(int, threads.read_text().split())
    return [child for child in found if program in words(child)]


def words(process: int) -> str:
    """Its command; none if it has ended, though nobody has waited for it."""
    try:
        return Path(f"/proc/{process}/cmdline").read_text()
    except OSError:
        return ""


def test_a_lock_that_is_deleted(server: Server) -> None:
    """With all of vxland's folder, while it is held: still nobody else writes, till it dies."""
    server.start()
    server.settled()
    assert server.daemon is not None
    for word in ("run", "apply", "down"):
        shutil.rmtree(server.runtime.parent, ignore_errors=True)
        done = server.vxland(word)
        assert (done.returncode, holder(done.stderr)) == (1, server.daemon.pid)
    server.stop(kill=True)
    assert server.vxland("apply").returncode == 0


@pytest.fixture
def service_user(tmp_path: Path) -> Iterator[None]:
    """The package's user, in these tests' own mount namespace."""
    everybody, accounts = tmp_path / "passwd", Path("/etc/passwd")
    others = [line for line in accounts.read_text().splitlines() if not line.startswith("vxland:")]
    made = f"vxland:x:{service.UID}:{service.GID}::/:/usr/sbin/nologin"
    everybody.write_text("\n".join([*others, made, ""]))
    subprocess.run(["mount", "--bind", everybody, accounts], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", accounts], check=True)


@pytest.mark.usefixtures("service_user")
def test_a_lock_of_the_service_that_is_deleted(server: Server) -> None:
    """Root makes the folder anew then, which so tells nothing of the service any more."""
    with service.runtime_folder() as folder, among_all(server):
        service.start_and_settle(server)
        assert server.daemon is not None
        shutil.rmtree(folder)
        done = server.vxland("apply")
        assert (done.returncode, holder(done.stderr)) == (1, server.daemon.pid)
        assert folder.stat().st_uid == 0
        server.stop(kill=True)
        assert server.vxland("apply").returncode == 0


@contextmanager
def shown(server: Server, *before: str) -> Iterator[subprocess.Popen[bytes]]:
    """A flag of something that is no vxland; ``before`` are words before its command."""
    words = server.command(*before, "/usr/bin/python3", "-c", FLAG)
    with subprocess.Popen([*BOUND, *words], stdout=subprocess.PIPE) as other:
        assert other.stdout
        other.stdout.readline()
        try:
            yield other
        finally:
            other.kill()


@contextmanager
def among_all(server: Server) -> Iterator[None]:
    """Have its configuration where the service gets to."""
    with TemporaryDirectory(prefix="vxland-test-") as made:
        folder = Path(made)
        folder.chmod(0o755)
        server.config = folder / "vxland.toml"
        service.own_config(server, config((1, 2)))
        yield


def test_many_may_ask_for_the_holder(server: Server) -> None:
    """More than fit at once: the daemon forgets those who have asked, turn by turn."""
    server.start()
    server.settled()
    with server.entered():
        eventually(lambda: not there_is_room(), "no more can ask", pause=0)
        server.ask("reload")
        eventually(there_is_room, "the next one can")


def there_is_room() -> bool:
    """Whether one who comes late can ask whose flag it is; this takes the room."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as asking:
        try:
            asking.connect(NAME)
        except BlockingIOError:
            return False
    return True


def test_a_flag_of_roots(server: Server) -> None:
    """It keeps the service from working, whatever it is; so that is said, and how to see it."""
    with service.runtime_folder() as folder, among_all(server), shown(server) as other:
        service.start(server)
        assert server.daemon is not None
        assert server.daemon.wait(timeout=PATIENCE) == 1
        told = server.tail(1)
        assert holder(f"{told}\n") == other.pid
        assert f"ps -fp {other.pid}" in told
        server.daemon = None
        assert folder.stat().st_uid == service.UID


def test_a_stranger_keeps_nobody_from_writing(server: Server) -> None:
    """Who isn't root can have neither the lock nor a flag that counts."""
    assert server.vxland("apply").returncode == 0
    lock = server.runtime / "lock"
    as_nobody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
    refused = server.run([*as_nobody, "flock", "--nonblock", str(lock), "true"], check=False)
    assert "Permission denied" in refused.stderr
    with shown(server, *as_nobody):
        done = server.vxland("apply")
        assert (done.returncode, done.stderr) == (0, "")


def test_a_holder_that_is_stopped(server: Server) -> None:
    """SIGSTOP: nobody takes its place, each is told who is in the way, and nothing is changed."""
    server.start()
    server.settled()
    assert server.daemon is not None
    before = snapshot(server)
    with frozen(server):
        for word in ("run", "down"):
            done = server.vxland(word)
            assert (done.returncode, holder(done.stderr)) == (1, server.daemon.pid)
    server.settled()
    assert_equal(before, snapshot(server))
    server.daemon.send_signal(signal.SIGTERM)
    assert server.stop() == 0


def test_network_namespaces_have_a_lock_each(site: Site) -> None:
    """A daemon in each, and each refuses in its own name."""
    for server in site.servers:
        server.start(wait=False)
    for server in site.servers:
        server.settled()
    named = [holder(server.vxland("down").stderr) for server in site.servers]
    assert named == [server.daemon.pid for server in site.servers if server.daemon]


def test_many_reloads_at_once(server: Server) -> None:
    """Each of them is answered: no writer, so none is refused."""
    server.start()
    server.settled()
    assert [ended(one) for one in at_once(server, ["reload"] * 5)] == [(0, "")] * 5
