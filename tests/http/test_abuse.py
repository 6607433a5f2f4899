"""A real daemon whose port is misused: repairs go on, who asks is answered, nothing grows."""

import contextlib
import resource
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from random import Random

import pytest

from tests.http.client import ask
from tests.http.recipe import Recipe
from tests.lab import Server, Site, eventually
from tests.lab.site import HEAD, config

pytestmark = [pytest.mark.kernel, pytest.mark.daemon, pytest.mark.usefixtures("laboratory")]

RANDOM = Random(1)  # noqa: S311 - the same garbage every time
PORT = 9788
PEERS = 100
ROUNDS = 1
MEMORY = 96 << 20  # bytes that it may take for all of this
CONNECTIONS = 1000
HELLO = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n"
TLS = """
tls_cert = "{tls}/server.pem"
tls_key = "{tls}/server.key"
tls_client_ca = "{tls}/clients.pem"
"""


class Crowd:
    """Connections from within the server's namespace, each opened again when it was ended."""

    def __init__(self, server: Server, count: int) -> None:
        self._server = server
        self._count = count
        self._ended = threading.Event()
        self.made = 0

    def connect(self) -> socket.socket:
        """One more; a small receive buffer, so that what isn't read stays with the daemon."""
        opened = socket.socket()
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        opened.settimeout(2)
        with contextlib.suppress(OSError):  # its queue is full for now
            opened.connect(("127.0.0.1", PORT))
        opened.setblocking(False)  # noqa: FBT003 - the library's
        self.made += 1
        return opened

    @contextlib.contextmanager
    def doing(self, act: Callable[[socket.socket], object]) -> Iterator[None]:
        """All of them do this again and again."""
        thread = threading.Thread(target=self._crowd, args=(act,))
        thread.start()
        try:
            yield
        finally:
            self._ended.set()
            thread.join()

    def _crowd(self, act: Callable[[socket.socket], object]) -> None:
        with self._server.entered():
            members: list[socket.socket] = []
            while not self._ended.is_set():
                if len(members) < self._count:
                    members.append(self.connect())
                    act_on = members[-1:]
                else:
                    time.sleep(0.02)
                    act_on = members
                for member in act_on:
                    try:
                        act(member)
                    except BlockingIOError:
                        pass
                    except OSError:
                        member.close()
                members = [member for member in members if member.fileno() >= 0]
            for member in members:
                member.close()


def idle(_: socket.socket) -> None:
    """Says nothing; notices nothing either, so that it isn't opened again."""


def come_again(member: socket.socket) -> None:
    """Says nothing, and comes again as soon as it is sent away."""
    if member.recv(1) == b"":
        raise ConnectionResetError


def dribble(member: socket.socket) -> None:
    member.send(RANDOM.choice((b"x", b"GET / HTTP/1.1\r\nX: ")))


def never_read(member: socket.socket) -> None:
    member.send(HELLO + b"\r\n")


def pipeline(member: socket.socket) -> None:
    member.send((HELLO + b"\r\n") * 200)


def talk_without_end(member: socket.socket) -> None:
    member.send(HELLO + b"X: " + b"x" * (1 << 20))


def garbage(member: socket.socket) -> None:
    member.send(RANDOM.randbytes(RANDOM.randrange(1, 3000)) + b"\r\n\r\n")


def speak_0_9(member: socket.socket) -> None:
    member.send(b"GET /metrics\r\n\r\n")


def greet_as_tls(member: socket.socket) -> None:
    member.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + RANDOM.randbytes(508))


def leave_at_once(member: socket.socket) -> None:
    member.send(HELLO + b"\r\n")
    member.close()


CROWDS: dict[str, tuple[Callable[[socket.socket], object], int]] = {
    "idle": (idle, CONNECTIONS),
    "idle, and coming again": (come_again, CONNECTIONS),
    "a letter at a time": (dribble, 300),
    "never reading": (never_read, 300),
    "pipelining without reading": (pipeline, 100),
    "headers without end": (talk_without_end, 50),
    "garbage": (garbage, 100),
    "HTTP/0.9": (speak_0_9, 100),
    "TLS": (greet_as_tls, 100),
    "leaving at once": (leave_at_once, 100),
}


@pytest.fixture(autouse=True)
def _many_descriptors() -> Iterator[None]:
    """For this process; the daemon is started with the soft limit that systemd gives."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture(scope="module")
def server(laboratory: None) -> Iterator[Server]:
    """A daemon with many tunnels, so that its answers are long."""
    del laboratory
    folder = Path(tempfile.mkdtemp(prefix="vxland-test-"))
    try:
        with Site(folder, 1) as site:
            (only,) = site.servers
            only.write(config(range(1, PEERS + 1)))
            only.start()
            only.settled()
            yield only
    finally:
        shutil.rmtree(folder)


def resident(server: Server) -> int:
    """The memory that the daemon takes, in bytes."""
    assert server.daemon
    pages = Path(f"/proc/{server.daemon.pid}/statm").read_text().split()[1]
    return int(pages) * resource.getpagesize()


def descriptors(server: Server) -> int:
    """How many the daemon has open."""
    assert server.daemon
    return len(list(Path(f"/proc/{server.daemon.pid}/fd").iterdir()))


def asked(server: Server, path: str, **how: object) -> int:
    """The status of an answer."""
    with server.entered():
        return ask(PORT, path, **how).status  # type: ignore[arg-type]


def live(server: Server, **how: object) -> None:
    """Tunnels that are deleted come back, and everything is answered."""
    tunnels = sorted(entry["ifname"] for entry in server.json("ip -j link show type vxlan"))
    for tunnel in RANDOM.choices(tunnels, k=ROUNDS):  # one again and again would be a fight
        server.sh(f"ip link del {tunnel}")
        eventually(
            lambda tunnel=tunnel: server.link(tunnel),  # type: ignore[misc]
            f"{tunnel} comes back",
        )
        for path in ("/metrics", "/healthz", "/api/v1/status"):
            eventually(
                lambda path=path: asked(server, path, **how) == 200,  # type: ignore[misc]
                f"{path} is answered",
            )
    server.settled()


def unharmed(server: Server, before: int, said: str) -> None:
    """Nothing is left of it."""
    eventually(
        lambda: descriptors(server) <= before,
        lambda: f"{descriptors(server)} to be {before}",
        patience=100,  # what lies in the kernel is worked off
    )
    more = server.log.read_text().removeprefix(said)
    assert "HTTP" not in more
    assert "Traceback" not in more


@pytest.mark.parametrize("name", CROWDS)
def test_misuse_changes_nothing(server: Server, name: str) -> None:
    """Whatever they do, all of the time."""
    act, count = CROWDS[name]
    live(server)
    before, open_before, said = resident(server), descriptors(server), server.log.read_text()
    crowd = Crowd(server, count)
    with crowd.doing(act):
        eventually(lambda: crowd.made >= min(count, 50), "they are there")
        live(server)
        grown = resident(server) - before
    print(f"{name}: {crowd.made} connections, {grown >> 10} KiB more")
    assert grown < MEMORY
    unharmed(server, open_before, said)


def test_half_handshakes_change_nothing(tmp_path: Path) -> None:
    """Where there is TLS, with client certificates."""
    recipe = Recipe(tmp_path)
    recipe.make()
    with Site(tmp_path, 1, prefix="tls") as site:
        (server,) = site.servers
        keys = TLS.format(tls=recipe.tls("").as_posix())
        head = HEAD.replace('9788"\n', f'9788"{keys}')
        server.write(config((1, 2), head))
        server.start()
        server.settled()
        how = {"tls": recipe.client()}
        live(server, **how)
        before, open_before, said = resident(server), descriptors(server), server.log.read_text()
        for act in (idle, come_again, greet_as_tls, garbage, leave_at_once):
            with Crowd(server, 300).doing(act):
                live(server, **how)
                assert resident(server) - before < MEMORY
        unharmed(server, open_before, said)


def test_without_descriptors_repairs_go_on(server: Server) -> None:
    """They are kept for it: connections take 100 at most. That it waits, test_bounds holds."""
    assert server.daemon
    live(server)
    limits = resource.prlimit(server.daemon.pid, resource.RLIMIT_NOFILE)
    tight = descriptors(server) + 20
    with ExitStack() as stack:
        stack.callback(resource.prlimit, server.daemon.pid, resource.RLIMIT_NOFILE, limits)
        resource.prlimit(server.daemon.pid, resource.RLIMIT_NOFILE, (tight, limits[1]))
        stack.enter_context(Crowd(server, 100).doing(idle))
        eventually(lambda: descriptors(server) >= tight - 1, "there are none left")
        tunnels = [entry["ifname"] for entry in server.json("ip -j link show type vxlan")]
        assert tunnels
        for tunnel in tunnels:
            server.sh(f"ip link del {tunnel}")
        eventually(lambda: all(map(server.link, tunnels)), "they come back meanwhile")
    live(server)
