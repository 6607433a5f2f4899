"""The daemon's socket is open to everybody: none of them may keep it from its work."""

import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.daemon.test_exit_statuses import AS_NOBODY, vxland
from tests.lab import Server, Site, eventually
from tests.lab.site import config
from vxland.control import LONGEST_REQUEST, NAME
from vxland.control.server import MOST_CLIENTS

pytestmark = [pytest.mark.kernel, pytest.mark.daemon]

CROWD = 4 * MOST_CLIENTS
# Connects many times, says a letter on each now and then, and prints how many are still open. With
# another word, those that are sent away come again.
CLIENT = f"""
import contextlib, socket, sys, time
path, *again = sys.argv[1:]
clients = []
wanted = {CROWD}
while True:
    while len(clients) < wanted:
        client = socket.socket(socket.AF_UNIX)
        client.connect(path)
        client.setblocking(False)
        clients.append(client)
    wanted = wanted if again else 0
    time.sleep(0.1)  # those that are sent away learn of it
    for client in [*clients]:
        with contextlib.suppress(BlockingIOError):
            try:
                client.send(b"x")
                if len(client.recv(1000)) < 1000:  # the end, or an error, after which it comes
                    clients.remove(client)
            except (BrokenPipeError, ConnectionResetError):
                clients.remove(client)
    print(len(clients), flush=True)
"""


@pytest.fixture(scope="module")
def server(laboratory: None) -> Iterator[Server]:
    """One with a daemon that has all in sync, in a folder that everybody may see."""
    del laboratory
    with tempfile.TemporaryDirectory(prefix="vxland-test-") as folder:
        Path(folder).chmod(0o755)
        with Site(Path(folder), 1) as site:
            site.write(config([1, 2]))
            site.servers[0].start()
            site.servers[0].settled()
            yield site.servers[0]


@contextmanager
def crowd(server: Server, *again: str) -> Iterator[Callable[[], int]]:
    """Many clients of somebody's who want nothing; tells how many are left."""
    inode = server.path.stat().st_ino
    words = (sys.executable, "-c", CLIENT, f"/run/vxland/net-{inode}/{NAME}", *again)
    process = subprocess.Popen(
        server.command(*AS_NOBODY, *words), stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    with process.stdout as said:
        try:
            yield lambda: int(said.readline())
        finally:
            process.kill()
            process.wait()


def threads(server: Server) -> int:
    assert server.daemon is not None
    return len(list(Path(f"/proc/{server.daemon.pid}/task").iterdir()))


def is_sent_away(server: Server) -> bool:
    done = vxland(server, "status", as_=AS_NOBODY)
    return done.returncode == 1 and "too many are asking the daemon" in done.stderr


def test_a_crowd_gets_no_threads_and_root_is_answered_all_the_same(server: Server) -> None:
    before = threads(server)
    with crowd(server, "again") as left:
        usual = sorted(left() for _ in range(5))[2]
        assert 0 < usual <= MOST_CLIENTS
        assert threads(server) <= before + 2  # HTTP's, which may begin meanwhile
        assert vxland(server, "status").returncode == 0
        assert vxland(server, "reload").returncode == 0
        eventually(lambda: is_sent_away(server), "one more of them is told why")
        server.sh("ip link delete vxl-lan-lxd2")
        eventually(lambda: server.link("vxl-lan-lxd2"), "the daemon does its work")


@pytest.mark.parametrize("asked", [b"[" * 4000, b"{", b"5", b'{"do": "harm"}', b"\xff"])
def test_what_is_no_request_is_told_so_and_leaves_no_trace(server: Server, asked: bytes) -> None:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(server.runtime / NAME))
        client.sendall(asked + b"\n")
        with client.makefile("rb") as answer:
            assert b"isn't understood" in answer.readline()
    assert "Traceback" not in server.log.read_text()


def test_a_letter_now_and_then_buys_nobody_more_time(server: Server) -> None:
    """At ten letters a second, all of what may be said would take minutes."""
    with crowd(server) as left:
        eventually(lambda: left() == 0, "all are sent away", patience=LONGEST_REQUEST / 10 / 4)
    assert vxland(server, "status", as_=AS_NOBODY).returncode == 0
