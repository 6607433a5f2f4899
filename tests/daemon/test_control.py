"""The daemon's socket is open to everybody: none of them may keep it from its work."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.daemon.test_exit_statuses import AS_NOBODY, vxland
from tests.lab import Server, Site, eventually
from tests.lab.site import config
from vxland.control import MOST_CLIENTS, NAME, READ_TIMEOUT

pytestmark = [pytest.mark.kernel, pytest.mark.daemon]

CROWD = 4 * MOST_CLIENTS
# Connects many times, says a letter on each now and then, and prints how many are still open.
CLIENT = f"""
import contextlib, socket, sys, time
clients = []
for _ in range({CROWD}):
    client = socket.socket(socket.AF_UNIX)
    client.connect(sys.argv[1])
    client.setblocking(False)
    clients.append(client)
while True:
    for client in [*clients]:
        with contextlib.suppress(BlockingIOError):
            try:
                client.send(b"x")
                if client.recv(1000) == b"":
                    clients.remove(client)
            except (BrokenPipeError, ConnectionResetError):
                clients.remove(client)
    print(len(clients), flush=True)
    time.sleep(0.2)
"""


@pytest.fixture
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
def crowd(server: Server) -> Iterator[Callable[[], int]]:
    """Many clients of somebody's who want nothing; tells how many are left."""
    inode = server.path.stat().st_ino
    words = (sys.executable, "-c", CLIENT, f"/run/vxland/net-{inode}/{NAME}")
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


def test_a_crowd_gets_few_threads_and_root_is_answered_all_the_same(server: Server) -> None:
    before = threads(server)
    with crowd(server) as left:
        eventually(lambda: left() <= MOST_CLIENTS, "most are sent away")
        assert threads(server) <= before + MOST_CLIENTS
        assert vxland(server, "status").returncode == 0
        assert vxland(server, "reload").returncode == 0
        server.sh("ip link delete vxl-lan-lxd2")
        eventually(lambda: server.link("vxl-lan-lxd2"), "the daemon does its work")


def test_a_letter_now_and_then_buys_nobody_more_time(server: Server) -> None:
    with crowd(server) as left:
        started = time.monotonic()
        eventually(lambda: left() == 0, "all are sent away")
        assert time.monotonic() - started < 4 * READ_TIMEOUT
    assert vxland(server, "status", as_=AS_NOBODY).returncode == 0
