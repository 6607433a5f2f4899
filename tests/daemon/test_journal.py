"""What a daemon under systemd sends to journald: fields and ids, and who changed what."""

import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.lab import Server, Site, eventually
from tests.lab.server import BOUND
from tests.lab.site import HEAD, config
from vxland.journal import Message

pytestmark = [pytest.mark.kernel, pytest.mark.daemon]

ONE, TWO = "vxl-lan-lxd2", "vxl-lan-lxd3"
ADDRESS = "10.10.10.1/24"
# The machine's own journald isn't to hear of this.
ELSEWHERE = (
    "from vxland.journal.journald import Journald\nJournald.__init__.__defaults__ = ({!r},)\n"
)

CONFIG = config(range(1, 4), f'{HEAD}addresses = ["{ADDRESS}"]\n')
# Without other users' processes in /proc, as the unit's ProtectProc= has it.
BLIND = (
    *("unshare", "--mount", "sh", "-ec"),
    'mount -t proc -o hidepid=invisible,gid=64901 proc /proc; exec "$@"',
    *("sh", "setpriv", "--bounding-set=-sys_ptrace", "--inh-caps=-sys_ptrace", *BOUND),
)

# With process numbers of its own, which aren't those that nftables tells.
CONTAINED = (*BOUND, "unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "--")

Line = dict[str, set[str]]


class Journald:
    """A socket in journald's place."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self.lines: list[Line] = []

    def read(self) -> list[Line]:
        """Every line so far."""
        while True:
            try:
                datagram = self._listener.recv(1 << 18).decode()
            except BlockingIOError:
                return self.lines
            line: Line = {}
            for name, _, value in (field.partition("=") for field in datagram.splitlines()):
                line.setdefault(name, set()).add(value)
            self.lines.append(line)

    def fill(self) -> None:
        """Leave no room for another line."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender, suppress(BlockingIOError):
            sender.settimeout(0)
            while True:
                sender.sendto(b"MESSAGE=another's\n", self._listener.getsockname())

    def of(self, message: Message, **fields: str) -> list[Line]:
        """The lines of a kind with these values of fields."""
        wanted = {"MESSAGE_ID": message.id, **fields}
        return [
            line
            for line in self.read()
            if all(value in line.get(name, ()) for name, value in wanted.items())
        ]

    def line(self, message: Message, **fields: str) -> Line:
        """Wait for one."""
        eventually(lambda: self.of(message, **fields), lambda: f"{message}; read: {self.lines}")
        return self.of(message, **fields)[0]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """One of three servers."""
    (tmp_path / "sitecustomize.py").write_text(ELSEWHERE.format(str(tmp_path / "socket")))
    with Site(tmp_path, 1) as site:
        yield site.servers[0]


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[socket.socket]:
    """Where a daemon's lines go."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "socket"))
        listener.settimeout(0)
        yield listener


def as_systemd_does(server: Server, folder: Path) -> dict[str, str]:
    """The environment by which a daemon knows that its stderr leads to the journal."""
    server.log.touch()
    stderr = server.log.stat()
    folders = [str(folder), os.environ.get("PYTHONPATH", "")]
    return {
        "JOURNAL_STREAM": f"{stderr.st_dev}:{stderr.st_ino}",
        "PYTHONPATH": ":".join(filter(None, folders)),
    }


@pytest.fixture(params=[BOUND], ids=["as root"])
def journald(
    request: pytest.FixtureRequest, server: Server, tmp_path: Path, listener: socket.socket
) -> Journald:
    """What a daemon speaks to that was started as systemd starts it."""
    server.write(CONFIG)
    server.start(environment=as_systemd_does(server, tmp_path), before=request.param)
    server.settled()
    return Journald(listener)


@contextmanager
def patient_ip(server: Server) -> Iterator[subprocess.Popen[str]]:
    """An ip(8) that goes on running, so that the daemon can look its name up."""
    program = subprocess.Popen(
        server.command("ip", "-batch", "-"), stdin=subprocess.PIPE, text=True
    )
    try:
        yield program
    finally:
        program.communicate()


def test_start_and_stop_have_ids(server: Server, journald: Journald) -> None:
    """And the start says what is kept, and what was made for it."""
    started = journald.line(Message.STARTED, VXLAND_NODE="lxd1", VXLAND_OVERLAY="lan")
    assert started["PRIORITY"] == {"6"}
    assert journald.line(Message.SET_UP, VXLAND_PEER="lxd2")["VXLAND_DEVICE"] == {ONE}
    assert journald.of(Message.REPAIRED) == []
    server.stop()
    journald.line(Message.STOPPED)
    assert server.log.read_text() == ""


def test_drift_tells_what_it_was_and_whose(server: Server, journald: Journald) -> None:
    """One line for one device."""
    server.sh(f"ip link set {ONE} mtu 1300")
    line = journald.line(Message.REPAIRED, VXLAND_PEER="lxd2")
    server.settled()
    assert line["VXLAND_DEVICE"] == {ONE}
    assert line["VXLAND_OVERLAY"] == {"lan"}
    assert line["VXLAND_WHAT"] == {"SetMtu"}
    assert "netlink" in line["VXLAND_TRIGGER"]  # rules of the start may ring as well
    assert line["PRIORITY"] == {"5"}
    assert 0 < int(line["VXLAND_DURATION_USEC"].pop()) < 20e6
    assert len(journald.of(Message.REPAIRED)) == 1


def test_who_took_an_address_away_is_told(server: Server, journald: Journald) -> None:
    """For the kernel names it."""
    with patient_ip(server) as program:
        assert program.stdin is not None
        program.stdin.write(f"address delete {ADDRESS} dev vxbr0\n")
        program.stdin.flush()
        line = journald.line(Message.REPAIRED, VXLAND_WHAT="AddAddress")
        assert line["VXLAND_CULPRIT"] == {f"ip (pid {program.pid})"}
        assert line["VXLAND_DEVICE"] == {"vxbr0"}


@pytest.mark.parametrize("journald", [BLIND], indirect=True, ids=["blind"])
def test_who_took_an_address_away_is_told_by_number_where_names_are_hidden(
    server: Server, journald: Journald
) -> None:
    """It can be looked up as long as it runs."""
    with patient_ip(server) as program:
        assert program.stdin is not None
        program.stdin.write(f"address delete {ADDRESS} dev vxbr0\n")
        program.stdin.flush()
        line = journald.line(Message.REPAIRED, VXLAND_WHAT="AddAddress")
        assert line["VXLAND_CULPRIT"] == {f"a program (pid {program.pid})"}


def test_a_failure_is_found_by_its_peer(server: Server, journald: Journald) -> None:
    with server.entered():
        holder = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        holder.bind(("0.0.0.0", 4790))
    with holder:
        server.write(CONFIG.replace("[[peer]]", "port = 4790\n\n[[peer]]", 1))
        line = journald.line(Message.FAILED, VXLAND_PEER="lxd2")
        assert line["VXLAND_OVERLAY"] == {"lan"}
        assert line["VXLAND_DEVICE"] == {ONE}


def test_drift_is_drift_before_the_address_has_come_too(
    server: Server, tmp_path: Path, listener: socket.socket
) -> None:
    server.sh("ip address flush dev eth0")
    server.write(CONFIG)
    server.start(environment=as_systemd_does(server, tmp_path))
    told = Journald(listener)
    assert told.line(Message.SET_UP, VXLAND_DEVICE="vxbr0")["VXLAND_OVERLAY"] == {"lan"}
    server.sh("ip link delete vxbr0")
    told.line(Message.REPAIRED, VXLAND_DEVICE="vxbr0")


def test_every_reason_for_not_starting_has_an_id(
    server: Server, tmp_path: Path, listener: socket.socket
) -> None:
    """And none of them is told twice."""
    server.write(f"colour = 1\nflavour = 2\n{CONFIG}")
    server.start(wait=False, environment=as_systemd_does(server, tmp_path))
    assert server.daemon is not None
    assert server.daemon.wait(timeout=30) == 78
    told = [line["MESSAGE"].pop() for line in Journald(listener).of(Message.NOT_STARTED)]
    assert [word for word in ("colour", "flavour") if word not in "".join(told)] == []
    assert len(told) == 2
    assert server.log.read_text() == ""


def test_a_reason_that_journald_does_not_take_goes_to_stderr(
    server: Server, tmp_path: Path, listener: socket.socket
) -> None:
    listener.close()
    server.write(f"colour = 1\n{CONFIG}")
    server.start(wait=False, environment=as_systemd_does(server, tmp_path))
    assert server.daemon is not None
    assert server.daemon.wait(timeout=30) == 78
    assert "colour" in server.log.read_text()


def test_who_flushed_the_rules_is_told_and_blamed_for_nothing_else(
    server: Server, journald: Journald
) -> None:
    """A program that changes rules isn't the one that changed a device."""
    server.sh(f"ebtables -F; ip link set {ONE} mtu 1300")
    line = journald.line(Message.REPAIRED, VXLAND_WHAT="WriteChain")
    [who] = line["VXLAND_CULPRIT"]
    assert who.startswith("ebtables")
    assert "VXLAND_CULPRIT" not in journald.line(Message.REPAIRED, VXLAND_DEVICE=ONE)


@pytest.mark.parametrize("journald", [CONTAINED], indirect=True, ids=["contained"])
def test_in_a_container_the_daemon_does_not_blame_itself(
    server: Server, journald: Journald
) -> None:
    """Its own program comes after the stranger's, and as often."""
    for number in range(1, 4):
        server.sh("ebtables -F")
        eventually(
            lambda: len(journald.of(Message.REPAIRED, VXLAND_WHAT="WriteChain")) == number,  # noqa: B023
            "the journal tells",
        )
    for line in journald.of(Message.REPAIRED, VXLAND_WHAT="WriteChain"):
        [who] = line["VXLAND_CULPRIT"]
        assert who.startswith("ebtables (")


def test_somebody_seen_long_before_is_not_blamed(server: Server, journald: Journald) -> None:
    """Nor the daemon itself, which makes the bridge's address again."""
    with patient_ip(server) as program:
        assert program.stdin is not None
        program.stdin.write("address add 10.20.30.40/24 dev lo\n")
        program.stdin.flush()
        eventually(lambda: "10.20.30.40" in server.sh("ip -4 address show lo"), "the address")
        server.sh("sleep 1")
        server.sh(f"ip link set {ONE} mtu 1300")
        assert "VXLAND_CULPRIT" not in journald.line(Message.REPAIRED, VXLAND_DEVICE=ONE)


def put_right(server: Server) -> int:
    """How often the second tunnel was, as far as a turn has told."""
    told = server.ask("events")["events"]
    return sum(e["count"] for e in told if (e["kind"], e["device"]) == ("repaired", TWO))


def test_a_journald_that_does_not_read_keeps_nobody_from_work(
    server: Server, journald: Journald
) -> None:
    """Its socket is full: tunnels are put right as ever, and afterwards the gap is told."""
    journald.fill()
    for number in range(5):
        server.sh(f"ip link set {ONE} mtu {1300 + number}; ip link del {TWO}")
        eventually(lambda: server.link(TWO), "the tunnel is made again")
        server.settled()
    eventually(lambda: put_right(server) == 5, "a turn tells of it")
    server.ask("reload")  # answered by a turn: the one before has written its lines, or tried to
    assert journald.of(Message.REPAIRED) == []
    assert server.stop() == 0
    journald.line(Message.LINES_LOST)
    journald.line(Message.STOPPED)
